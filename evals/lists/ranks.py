"""The rank of the true cause of a list, among all candidates, without its own measurements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from knowledge.graph import SignedGraph
from tools.lists.atlas import Atlas
from tools.lists.causes import WEIGHTS, Library, rank_of
from tools.lists.ranking import LARGEST_COMPLEX
from tools.lists.signatures import parts

PARTS = ("predicted", "measured", "footprint")
MIXES: Mapping[str, Mapping[str, float]] = {
    "all parts": WEIGHTS,
    **{name: {name: 1.0} for name in PARTS},
    "without predictions": {**WEIGHTS, "predicted": 0.0},
}
COLUMNS = ("cell_line", "pert", "genes", "mix", "rank", "mate_rank", "candidates", "mates")
# Weights that are tried on the fold that the figures leave out.
GRID = tuple(
    {"predicted": predicted, "measured": 1.0, "footprint": footprint}
    for predicted in (0.3, 0.5, 0.8, 1.2)
    for footprint in (0.0, 0.1, 0.3)
)


def mates(graph: SignedGraph) -> dict[str, frozenset[str]]:
    """Return the members of the complexes of every gene, itself among them."""
    found: dict[str, set[str]] = {}
    for group in graph.groups:
        if group.kind == "complex" and len(group.members) <= LARGEST_COMPLEX:
            for member in group.members:
                found.setdefault(member, set()).update(group.members)
    return {gene: frozenset(members) for gene, members in found.items()}


def lists_of(
    library: Library, line: str, perts: Sequence[str], least: int
) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield the measured lists of `perts` in a line that have at least so many genes."""
    rows, wanted = library.signatures, frozenset(perts)
    for number, name in enumerate(rows.rows):
        gene, where = parts(name)
        if where != line or gene not in wanted:
            continue
        row = rows.values[[number]]
        if row.nnz >= least:
            pairs = zip(row.indices, row.data, strict=True)
            yield gene, {rows.genes[at]: int(np.sign(value)) for at, value in pairs}


def joined_atlas(held_out: Atlas, shipped: Atlas, line: str) -> Atlas:
    """Return the held-out rows of screened genes, and the shipped rows of the others beside them.

    The shipped rows may know the tested perturbations' measurements; they stand there as rivals
    alone, which makes the task harder.
    """
    screened = frozenset(held_out.perturbations(line))
    rivals = [
        (path, head) for path, head in shipped.parts.get(line, ())
        if not screened & set(head.perturbations)
    ]  # fmt: skip
    return replace(held_out, parts={line: [*held_out.parts[line], *rivals]})


def ranked_lists(
    library: Library,
    graph: SignedGraph,
    line: str,
    lists: Sequence[tuple[str, dict[str, int]]],
    mixes: Mapping[str, Mapping[str, float]],
) -> pd.DataFrame:
    """Return, per list and mix of parts, the rank of its perturbation and of its complex."""
    together = mates(graph)
    screened = frozenset(library.kinship.genes)
    found = []
    for pert, signs in lists:
        scores = library.scores(signs, line, without=frozenset({pert}))
        # Rivals that were not held out earn nothing.
        wanted = (together.get(pert, frozenset()) & screened) | {pert}
        for name, weights in mixes.items():
            joined = scores.joined(weights)
            found.append(
                (line, pert, len(signs), name, rank_of(scores, joined, [pert]),
                 rank_of(scores, joined, wanted), len(scores.genes), len(wanted) - 1)
            )  # fmt: skip
    return pd.DataFrame(found, columns=list(COLUMNS))
