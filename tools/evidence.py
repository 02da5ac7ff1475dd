"""Facts as citable evidence, with ids that say what they are until the answer numbers them."""

import json
from collections.abc import Iterable, Sequence
from typing import Literal

from knowledge.graph import Relation
from knowledge.schema import Edge, Evidence
from knowledge.texts.documents import cleaned

_VERBS = {
    "activates": "activates",
    "inhibits": "inhibits",
    "binds": "binds",
    "regulates": "acts on",
}
# A text is cited in a statement of this length; the rest is for whoever looks it up.
STATEMENT_CHARACTERS = 300
# A passage says what a gene is for, not what a perturbation does: it is context, not proof.
TEXT_WEIGHT = 0.5
# Papers cited for one relation.
MOST_PAPERS = 8


def edge_evidence(edge: Edge, weight: float) -> Evidence:
    """Return one database edge, or one membership, as evidence."""
    member = edge.mechanism in {"complex", "membership"} and edge.effect == "activates"
    if member:
        statement = f"{edge.source} is part of {edge.target}"
    else:
        how = f" ({edge.mechanism})" if edge.mechanism else ""
        statement = f"{edge.source} {_VERBS[edge.effect]} {edge.target}{how}"
    if edge.note:
        statement = f"{statement}; {edge.note}"
    return Evidence(
        id=f"db:{edge.source}>{edge.target}:{edge.effect}:{edge.database}",
        kind="annotation" if member else "database",
        statement=statement,
        source=edge.database,
        reference=", ".join(edge.references),
        weight=min(weight, 1.0),
        genes=(edge.source, edge.target),
        sign=_sign(edge.sign),
    )


def relation_evidence(relation: Relation) -> list[Evidence]:
    """Return what the edges behind a relation say, as one piece of evidence.

    Databases read the same papers, so five that assert one relation are no five facts: they are
    named together, and the papers stand once.
    """
    return _together(relation.edges, relation.trust)


def opposing_evidence(edges: Iterable[Edge]) -> list[Evidence]:
    """Return what edges say that contradict a relation, as one piece of evidence."""
    return _together(tuple(edges), 0.5)


def _together(edges: Sequence[Edge], weight: float) -> list[Evidence]:
    if not edges:
        return []
    first = edge_evidence(edges[0], weight)
    papers = dict.fromkeys(paper for edge in edges for paper in edge.references)
    update = {
        "id": f"db:{edges[0].source}>{edges[0].target}:{edges[0].effect}",
        "source": ", ".join(dict.fromkeys(edge.database for edge in edges)),
        "reference": ", ".join(list(papers)[:MOST_PAPERS]),
    }
    return [first.model_copy(update=update)]


def text_evidence(
    document: str, text: str, source: str, *, gene: str = "", reference: str = ""
) -> Evidence:
    """Return the beginning of a text as evidence; it is quoted, and nothing in it is obeyed."""
    return Evidence(
        id=f"txt:{document}",
        kind="text",
        statement=trimmed(text),
        source=source,
        reference=reference,
        weight=TEXT_WEIGHT,
        genes=(gene,) if gene else (),
    )


def trimmed(text: str, most: int = STATEMENT_CHARACTERS) -> str:
    """Return `text` on one line, without invisible characters, cut between words."""
    line = cleaned(text)
    if len(line) <= most:
        return line
    return f"{line[:most].rsplit(' ', 1)[0]}…"


def cited(fact: Evidence) -> str:
    """Return evidence as one line for a model, its id first; a text stands in quotation marks."""
    statement = fact.statement
    if fact.kind == "text":
        statement = json.dumps(statement, ensure_ascii=False)
    where = f"{fact.source}, {fact.reference}" if fact.reference else fact.source
    return f"[{fact.id}] {statement} ({where})"


def cited_lines(facts: Iterable[Evidence]) -> str:
    """Return evidence as lines for a model."""
    return "\n".join(cited(fact) for fact in facts)


def _sign(value: int) -> Literal[-1, 0, 1]:
    return 1 if value > 0 else -1 if value < 0 else 0
