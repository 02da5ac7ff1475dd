"""All that is known of one gene, in the parts of its page."""

from typing import Any

from agent.session import Session
from app.jobs.pairs import ground_gene
from app.show.links import gene_links
from knowledge.errors import KnockwiseError
from knowledge.schema import Frozen
from models.response import ResponseModel
from tools.essentiality import PULL, Essentiality
from tools.genes import gene_facts
from tools.memberships import membership_facts
from tools.morphology import SHOWS, remarks, shipped_morphology, summary
from tools.network import neighbours
from tools.phenotypes import ABOUT, outlook, shipped_phenotypes
from tools.properties import moved_words, prediction_words, shipped_properties

MOST_NEIGHBOURS = 12
MOST_SETS = 12
MOST_SUGGESTED = 8


class InLine(Frozen):
    """A gene in a cell line.

    Attributes:
        line: The line.
        expressed: How strongly, in words; "" where it is not known.
        notes: What is particular about it there.
        read: Whether a screen of the line read its transcript.
    """

    line: str
    expressed: str
    notes: tuple[str, ...]
    read: bool


def gene_symbol(session: Session, word: str) -> str:
    """Return the approved symbol of the gene that a word means.

    Raises:
        QuestionError: It means none, or several.
    """
    return ground_gene(session.knowledge.symbols, word.strip()[:60])


def suggested(session: Session, word: str) -> list[tuple[str, str]]:
    """Return the symbols and names of genes whose symbol begins with a word."""
    start = word.strip().upper()[:30]
    if not start:
        return []
    found = sorted(
        (gene for gene in session.knowledge.symbols if gene.symbol.upper().startswith(start)),
        key=lambda gene: (len(gene.symbol), gene.symbol),
    )
    return [(gene.symbol, gene.name) for gene in found[:MOST_SUGGESTED]]


def gene_parts(session: Session, symbol: str) -> dict[str, Any]:
    """Return what is known of a gene without any model of properties or phenotypes."""
    knowledge = session.knowledge
    gene = knowledge.symbols.get(symbol)
    if gene is None:
        raise KnockwiseError(f"{symbol} is no gene that Knockwise knows.")
    graph = knowledge.graph
    names = {
        "Name": gene.name,
        "Aliases": ", ".join(gene.aliases[:12]),
        "Previous symbols": ", ".join(gene.previous_symbols[:8]),
    }
    return {
        "gene": gene,
        "names": {label: value for label, value in names.items() if value},
        "links": list(gene_links(gene)),
        "summary": gene_facts(knowledge, symbol),
        "lines": [_in_line(session, symbol, line.name) for line in knowledge.cell_lines],
        "upstream": neighbours(graph, symbol, "upstream")[:MOST_NEIGHBOURS],
        "downstream": neighbours(graph, symbol, "downstream")[:MOST_NEIGHBOURS],
        "ground": session.predictor.response.ground(symbol),
        "sets": membership_facts(knowledge, symbol, MOST_SETS),
    }


def _in_line(session: Session, symbol: str, line: str) -> InLine:
    response: ResponseModel = session.predictor.response
    facts = [
        one for one in gene_facts(session.knowledge, symbol, line) if one.id.startswith("line")
    ]
    expressed = [one.statement for one in facts if one.id.endswith(":expression")]
    return InLine(
        line=line,
        expressed=expressed[0].rpartition(" at ")[2] if expressed else "",
        notes=tuple(one.statement for one in facts if not one.id.endswith(":expression")),
        read=symbol in response.readouts(line),
    )


def property_parts(symbol: str) -> dict[str, Any]:
    """Return the properties of a gene: what is known, what is predicted, and what moved it."""
    model = shipped_properties()
    try:
        found = model.properties(symbol)
    except KnockwiseError as error:
        return {"why": str(error), "rows": [], "support": ""}
    rows = [
        {
            "title": one.config.title,
            "known": "" if one.known is None else one.known,
            "predicted": "" if one.silence else prediction_words(one),
            "silence": one.silence,
            "moved": "" if one.silence else moved_words(one, model),
            "held_out": f"{one.config.metric} {one.config.held_out[0]:.2f}",
        }
        for one in found
    ]
    return {"why": "", "rows": rows, "support": found[0].support if found else ""}


def phenotype_parts(symbol: str) -> dict[str, Any]:
    """Return the phenotypes of a gene's loss: known ones, and apart those predicted."""
    found = outlook(shipped_phenotypes(), symbol)
    return {"outlook": found, "about": ABOUT}


def morphology_parts(symbol: str) -> dict[str, Any]:
    """Return how HeLa cells look without a gene: measured, and predicted apart."""
    model = shipped_morphology()
    try:
        found = model.of(symbol)
    except KnockwiseError as error:
        return {"why": str(error), "rows": []}
    measured = {one.channel: one for one in found.measured}
    predicted = {one.channel: one for one in found.predicted}
    rows = [
        {"channel": channel, "shows": SHOWS[channel], "measured": measured.get(channel),
         "predicted": predicted.get(channel)}
        for channel in model.config.channels
    ]  # fmt: skip
    return {"why": "", "rows": rows, "said": summary(found), "notes": remarks(found)}


def essentiality_parts(session: Session, symbol: str) -> dict[str, Any]:
    """Return whether each line needs a gene, as far as the pulled data tells."""
    known = Essentiality(session.settings.data, session.knowledge.symbols)
    rows = [known.of(symbol, line.name)[0] for line in session.knowledge.cell_lines]
    return {"rows": rows, "known": known.known, "pull": PULL}
