"""Perturbations whose measured signature is like that of another, or opposite to it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.schema import Likeness, Perturbation
from tools.effects import EffectPredictor
from tools.lists.atlas import Atlas, decoding

Floats = NDArray[np.float64]

SHOWN = 12
# Fewer measured changes than this make no signature.
FEWEST_CHANGES = 15
# With as many measured changes as this, a likeness counts by half.
SHRINKS = 30
# A gene must carry this share of a perturbation's paths to be told as what mediates them.
CARRIES = 0.1
_CHANGED = 0.5
# Readouts of the atlas that a signature is compared over, and what a predicted likeness is worth.
READ_OF_ATLAS = 600
PREDICTED = 0.5


def alike(
    predictor: EffectPredictor,
    one: Perturbation,
    *,
    opposite: bool = False,
    limit: int = SHOWN,
    atlas: Atlas | None = None,
) -> tuple[list[Likeness], int]:
    """Return the perturbations most like `one` in its line, and how many were compared.

    A signature is P(changes) times 2 P(up if it changes) - 1 for `one`, what was measured of it
    included, and the measured changes for the others, each without the line's habit.

    Args:
        predictor: Response model and cascade.
        one: The perturbation; its own genes are left out of the search.
        opposite: Whether the most opposite ones are wanted.
        limit: How many are returned.
        atlas: What every perturbation is predicted to do; with it, those that no screen of the line
            measured are compared too, by their predicted signatures.
    """
    response, line = predictor.response, one.cell_line
    order = {name: i for i, name in enumerate(response.readout_order)}
    habit = np.zeros(len(order))
    for name, usual in response.habit(line).items():
        habit[order[name]] = usual.p_de * (2 * usual.p_up - 1)
    mine = np.zeros(len(order))
    for row in predictor.effects(one, response.readouts(line)):
        if not row.abstained and row.p_de is not None:
            mine[order[row.gene]] = row.p_de * (2 * row.p_up - 1) - habit[order[row.gene]]
    genes, measured = response.signatures(line)
    if not mine.any():
        return [], len(genes)
    found = _measured(genes, measured, mine, habit, frozenset(one.genes))
    if atlas is not None and atlas.parts.get(line):
        known = {row.gene for row in found}
        found += [
            Likeness(
                gene=gene,
                likeness=round(likeness, 4),
                same=0,
                opposite=0,
                readouts=n,
                measured=False,
            )
            for gene, likeness, n in _predicted(atlas, line, mine, habit, order)
            if gene not in known and gene not in one.genes
        ]
    sign = 1 if opposite else -1
    found.sort(key=lambda row: (sign * row.likeness, row.gene))
    kept = [row for row in found if (row.likeness < 0) is opposite]
    return kept[:limit], len(found)


def _measured(
    genes: Sequence[str],
    measured: sparse.csr_array,
    mine: Floats,
    habit: Floats,
    without: frozenset[str],
) -> list[Likeness]:
    """Return the likeness of every measured knockdown with changes enough, over what it read."""
    starts, read = measured.indptr[:-1], measured.indices
    there = np.diff(measured.indptr) > 0

    def summed(values: Floats) -> Floats:
        # `reduceat` takes an empty row for its neighbour's first value.
        return np.where(there, np.add.reduceat(np.append(values, 0.0), starts), 0.0)

    way = measured.data.astype(np.float64)
    changed = np.abs(way) > _CHANGED
    theirs = np.where(changed, way, 0.0) - habit[read]
    agrees = changed & (np.sign(mine[read]) * way > 0)
    n, same = summed(changed.astype(np.float64)), summed(agrees.astype(np.float64))
    norm = np.sqrt(summed(mine[read] ** 2) * summed(theirs**2))
    dot = summed(mine[read] * theirs)
    # Few measured changes make a chance likeness, so that it is shrunk.
    cosine = np.divide(dot, norm, out=np.zeros(len(n)), where=norm > 0) * n / (n + SHRINKS)
    return [
        Likeness(
            gene=gene,
            likeness=round(float(cosine[i]), 4),
            same=int(same[i]),
            opposite=int(n[i] - same[i]),
            readouts=int(measured.indptr[i + 1] - measured.indptr[i]),
        )
        for i, gene in enumerate(genes)
        if gene not in without and n[i] >= FEWEST_CHANGES
    ]


def _predicted(
    atlas: Atlas, line: str, mine: Floats, habit: Floats, order: dict[str, int]
) -> list[tuple[str, float, int]]:
    """Return every perturbation of an atlas, its likeness, and over how many readouts.

    Likenesses of predictions are shrunk like those of measurements with as many changes as the
    likest have; only the readouts that the reference moves most are read.
    """
    names = {i: name for name, i in order.items()}
    most = [names[int(i)] for i in np.argsort(-np.abs(mine))[:READ_OF_ATLAS]]
    block = atlas.read(line, most)
    at = np.array([order[name] for name in block.readouts])
    steps = decoding()
    theirs = np.nan_to_num(steps[block.p_de] * (2 * steps[block.p_up] - 1)) - habit[at][:, None]
    norm = np.linalg.norm(theirs, axis=0) * np.linalg.norm(mine[at])
    likeness = np.divide(mine[at] @ theirs, norm, out=np.zeros(len(norm)), where=norm > 0)
    return [
        (gene, float(value) * PREDICTED, len(at))
        for gene, value in zip(block.perturbations, likeness, strict=True)
    ]


def mediators(predictor: EffectPredictor, one: Perturbation, limit: int = SHOWN) -> list[Likeness]:
    """Return the genes that a loss raises and that carry most of its paths in the graph.

    Without such a gene these paths end, so losing it too should undo what they do.
    """
    reached = predictor.reach(one)
    carried: dict[str, int] = {}
    ends = 0
    for gene in sorted(reached.transcripts()):
        up, down = reached.confidence(gene, "up"), reached.confidence(gene, "down")
        path = reached.path(gene, "up" if up >= down else "down")
        if not path or max(up, down) < _LEAST_PATH:
            continue
        ends += 1
        for step in path[:-1]:
            risen = step.target.direction == "up" and step.target.kind == "gene"
            if risen and step.target.node not in one.genes:
                carried[step.target.node] = carried.get(step.target.node, 0) + 1
    rows = [
        Likeness(gene=gene, likeness=0.0, same=0, opposite=0, readouts=n, mediates=True)
        for gene, n in carried.items()
        if n >= CARRIES * ends
    ]
    rows.sort(key=lambda row: (-row.readouts, row.gene))
    return rows[:limit]


_LEAST_PATH = 0.05
