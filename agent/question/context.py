"""Decides what an ambiguous name means by the genes that stand beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from agent.question.pieces import Item
from knowledge.graph import SignedGraph
from knowledge.symbols import SymbolTable

# How many times more neighbours one meaning must share than the next to be the one that is meant.
MARGIN = 2


def decided(found: list[Item], symbols: SymbolTable, graph: SignedGraph) -> list[Item]:
    """Return the items with names of several meanings settled where one is in the neighbourhood.

    "p21" beside p53 is CDKN1A; "TAZ" beside YAP1 is WWTR1. Without such a neighbour an ambiguous
    name stays so.
    """
    out = list(found)
    for i, item in enumerate(found):
        if item.kind != "gene" or item.members:
            continue
        meanings = item.candidates or _meanings(item, symbols)
        if len(meanings) < 2:
            continue
        beside = [
            symbol
            for j, other in enumerate(found)
            if j != i and other.kind == "gene"
            for symbol in (other.members or (other.symbol,))
            if symbol
        ]
        chosen = _nearest(meanings, beside, graph)
        if chosen is None or chosen == item.symbol:
            continue
        note = f"{item.text} read as {chosen}, which is linked to {_first(beside, chosen, graph)}."
        out[i] = replace(item, symbol=chosen, candidates=(), note=note)
    return out


def _meanings(item: Item, symbols: SymbolTable) -> tuple[str, ...]:
    return () if item.text in symbols else symbols.meanings(item.text)


def _nearest(meanings: Sequence[str], beside: Sequence[str], graph: SignedGraph) -> str | None:
    """Return the meaning that the graph links to the genes beside it, if only one is."""
    for score in (_links, _shared):
        scores = sorted(((score(one, beside, graph), one) for one in meanings), reverse=True)
        (best, chosen), (next_best, _) = scores[:2]
        if best and best >= MARGIN * max(next_best, 0) and best > next_best:
            return chosen
    return None


def _links(gene: str, beside: Iterable[str], graph: SignedGraph) -> int:
    return sum(
        bool(graph.edges_between(gene, other) or graph.edges_between(other, gene))
        for other in set(beside)
    )


def _shared(gene: str, beside: Iterable[str], graph: SignedGraph) -> int:
    mine = _neighbours(gene, graph)
    return sum(len(mine & _neighbours(other, graph)) for other in set(beside))


def _neighbours(gene: str, graph: SignedGraph) -> set[str]:
    return {*graph.successors(gene), *(edge.source for edge in graph.in_edges(gene))}


def _first(beside: Sequence[str], chosen: str, graph: SignedGraph) -> str:
    linked = [other for other in beside if _links(chosen, [other], graph)]
    return (linked or list(beside))[0]
