"""One gene: what it is, what acts on it, its properties and the phenotypes of its loss."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from app.mcp.call import Call, Reply, Tell, call_words, cell, table
from knowledge.schema import Frozen

if TYPE_CHECKING:
    from app.mcp.desk import Desk

NEIGHBOURS = 8
MEMBERSHIPS = 6


class GeneArgs(Frozen):
    """Say what one human gene is.

    Names and identifiers, what it does, the pathways and complexes that hold it, the signed
    relations that act on it and from it, predicted properties (dosage sensitivity, place in the
    cell and others), and with a cell line its expression and lesions.
    """

    gene: str = Field(
        description="Symbol, alias or identifier: HSPA5, BiP, ENSG00000044574", max_length=60
    )
    cell_line: str | None = Field(default=None, description="For example K562", max_length=60)


class PhenotypeArgs(Frozen):
    """Say which phenotypes of a whole organism the loss of a gene causes.

    Those observed, and apart from them those predicted from its protein sequence, with the
    functions that carried each.
    """

    gene: str = Field(description="For example FGFR3", max_length=60)
    collections: list[Literal["mp", "hpo", "komp", "gwas"]] | None = Field(
        default=None,
        description="mp: mouse mutants; hpo: human disease; komp: standardised mouse screens; "
        "gwas: common variants. Null for mp and hpo",
        max_length=4,
    )
    top: int = Field(default=10, ge=1, le=200, description="Predicted ones of each collection")


def _gene(desk: "Desk", args: GeneArgs, tell: Tell) -> Reply:
    session = desk.session(tell)
    box = session.context.toolbox
    parts, evidence = [], []
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("", "gene", {"gene": args.gene, "cell_line": args.cell_line}),
        ("Belongs to", "memberships", {"gene": args.gene, "k": MEMBERSHIPS}),
        ("Acts on it", "neighbours", {"node": args.gene, "side": "upstream", "k": NEIGHBOURS}),
        ("It acts on", "neighbours", {"node": args.gene, "side": "downstream", "k": NEIGHBOURS}),
        ("Properties", "gene_properties", {"gene": args.gene}),
    ]
    for title, name, arguments in asked:
        tell(name)
        found = box.tool(name)
        text, facts = _told(found, arguments, needed=not title)
        if not text:
            continue
        parts.append((f"**{title}**\n\n" if title else "") + _lines(text))
        evidence += facts
    (symbol,) = _symbols(session, args.gene)
    rows = [
        {"id": one.id, "kind": one.kind, "statement": one.statement, "source": one.source,
         "reference": one.reference}
        for one in evidence
    ]  # fmt: skip
    line = args.cell_line or "K562"
    return Reply(
        text="\n\n".join(parts),
        question={"gene": symbol, "cell_line": args.cell_line},
        rows=rows,
        next=[
            call_words("predict", perturbation=[symbol], cell_line=line)
            + " for what its loss does",
            f"{call_words('phenotype', gene=symbol)} for phenotypes of the organism",
        ],
    )


def _told(tool: Any, arguments: dict[str, Any], *, needed: bool) -> tuple[str, list[Any]]:  # noqa: ANN401  # a tool of any arguments
    """Return what a tool of the toolbox says; nothing where a part that may be absent is."""
    from knowledge.errors import KnockwiseError
    from tools.base import ToolError

    try:
        output = tool.run(tool.args.model_validate(arguments))
    except (ToolError, KnockwiseError):
        if needed:
            raise
        return "", []
    return output.text, list(output.evidence)


def _lines(text: str) -> str:
    return "\n".join(f"- {cell(line)}" for line in text.splitlines() if line.strip())


def _symbols(session: Any, word: str) -> tuple[str]:  # noqa: ANN401  # a session
    from app.jobs.pairs import ground_gene

    return (ground_gene(session.knowledge.symbols, word),)


def _phenotype(desk: "Desk", args: PhenotypeArgs, tell: Tell) -> Reply:
    from app.api import phenotype_outlook, phenotype_rows

    session = desk.session(tell)
    tell("reading what was learnt")
    collections = args.collections or ["mp", "hpo"]
    found = phenotype_outlook(session, args.gene, collections, args.top)
    rows = phenotype_rows(found)
    known = [row for row in rows if row["known"]]
    predicted = [row for row in rows if not row["known"]]
    gene = found.subject
    parts = []
    if known:
        columns = {"name": "Phenotype", "term": "Term", "collection": "Collection"}
        parts.append(f"**Known of {gene}**\n\n{table(known, columns)}")
    else:
        parts.append(f"No phenotype of {gene} is known here.")
    if predicted:
        columns = {"name": "Phenotype", "term": "Term", "collection": "Collection",
                   "probability": "P", "through": "Through"}  # fmt: skip
        parts.append(f"**Predicted for {gene}**\n\n{table(predicted, columns)}")
    return Reply(
        text="\n\n".join(parts),
        question={"gene": gene, "collections": collections},
        rows=rows,
        notes=found.notes,
        next=[f"{call_words('gene', gene=gene)} for what the gene is"],
    )


GENE = Call(
    name="gene",
    title="Look up a gene",
    args=GeneArgs,
    run=_gene,
    subjects=("properties",),
    limits="Relations are what databases and built-in pathways hold; signs say what more of the "
    "source does.",
)
PHENOTYPE = Call(
    name="phenotype",
    title="Phenotypes of losing a gene",
    args=PhenotypeArgs,
    run=_phenotype,
    subjects=("phenotypes",),
    limits="Predictions come from the protein sequence through gene functions, for research; they "
    "are no medical advice, and no diagnosis.",
)
