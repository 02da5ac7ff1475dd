"""What a gene is, what it is called, and whether a cell line has it."""

from pydantic import Field

from knowledge.base import Knowledge
from knowledge.cell_lines import CellLine
from knowledge.schema import Evidence, Frozen, Gene
from tools.base import Tool, ToolError, ToolOutput
from tools.evidence import cited_lines, text_evidence


class GeneArgs(Frozen):
    """Look up one human gene: approved symbol, identifiers, other names, a summary of what it does.

    With a cell line, also how strongly that line expresses it and whether the line has lost it or
    keeps it constitutively active.
    """

    gene: str = Field(
        description="Symbol, alias or identifier: HSPA5, BiP, ENSG00000044574", max_length=60
    )
    cell_line: str | None = Field(
        default=None, description="For example K562; null for none", max_length=60
    )


def gene_facts(knowledge: Knowledge, symbol: str, cell_line: str | None = None) -> list[Evidence]:
    """Return the summary of a gene, then what is particular about it in a cell line.

    Args:
        knowledge: Where to look.
        symbol: An approved symbol; nothing is known about any other word.
        cell_line: A line by any of its names.

    Raises:
        QuestionError: No known line is called `cell_line`.
    """
    facts = []
    summary = knowledge.summaries.get(symbol)
    if summary:
        source = knowledge.summary_sources.get(symbol, "starter")
        gene = knowledge.symbols.get(symbol)
        named = f"{symbol} ({gene.name})" if gene and gene.name else symbol
        facts.append(
            text_evidence(f"{source}:{symbol}", f"{named}: {summary}", source, gene=symbol)
        )
    if cell_line is not None:
        facts += _in_line(knowledge, symbol, knowledge.cell_lines.ground(cell_line))
    return facts


def grounded(knowledge: Knowledge, word: str) -> Gene:
    """Return the gene that a word in a tool call means.

    Raises:
        ToolError: It means none, or several; names the candidates.
    """
    grounding = knowledge.symbols.ground(word)
    if grounding.gene is not None:
        return grounding.gene
    candidates = ", ".join(grounding.candidates)
    if grounding.status == "ambiguous":
        raise ToolError(f"{word!r} may mean {candidates}; call again with one of these symbols.")
    nearest = f" The nearest symbols are {candidates}." if candidates else ""
    raise ToolError(f"{word!r} is no gene that Knockwise knows.{nearest}")


def gene_tool(knowledge: Knowledge) -> Tool[GeneArgs]:
    """Build the `gene` tool over `knowledge`."""

    def run(args: GeneArgs) -> ToolOutput:
        gene = grounded(knowledge, args.gene)
        facts = gene_facts(knowledge, gene.symbol, args.cell_line)
        text = "\n".join([_header(gene), cited_lines(facts) or "No summary is known."])
        return ToolOutput(text=text, evidence=tuple(facts))

    return Tool("gene", GeneArgs, run)


def _header(gene: Gene) -> str:
    fields = {
        "name": gene.name,
        "HGNC": gene.hgnc_id.removeprefix("HGNC:"),
        "Entrez": gene.entrez_id,
        "Ensembl": gene.ensembl_id,
        "UniProt": ", ".join(gene.uniprot_ids[:3]),
        "aliases": ", ".join(gene.aliases[:10]),
        "previous symbols": ", ".join(gene.previous_symbols[:10]),
    }
    known = "; ".join(f"{label}: {value}" for label, value in fields.items() if value)
    return f"{gene.symbol}. {known}" if known else gene.symbol


def _in_line(knowledge: Knowledge, symbol: str, line: CellLine) -> list[Evidence]:
    facts = []
    lesion = line.lesion(symbol)
    if lesion is not None:
        said = "lacks functional" if lesion.effect == "loss" else "has constitutively active"
        statement = f"{line.name} {said} {symbol}: {lesion.note}"
        facts.append(_line_fact("lesion", symbol, line, statement, "starter"))
    if symbol in line.silent_genes:
        statement = f"{line.name} does not express {symbol}"
        facts.append(_line_fact("silent", symbol, line, statement, "starter"))
    expression = knowledge.expression
    value = expression.value(symbol, line.name) if expression else None
    if expression is not None and value is not None:
        level = f"{2**value - 1:.1f} {expression.unit}"
        statement = f"Unperturbed {line.name} expresses {symbol} at {level}"
        facts.append(_line_fact("expression", symbol, line, statement, "Human Protein Atlas"))
    return facts


def _line_fact(what: str, symbol: str, line: CellLine, statement: str, source: str) -> Evidence:
    return Evidence(
        id=f"line:{line.name}:{symbol}:{what}",
        kind="annotation",
        statement=statement,
        source=source,
        weight=1.0,
        genes=(symbol,),
    )
