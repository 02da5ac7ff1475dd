"""Perturbations whose measured signature is like that of another, or opposite to it."""

import numpy as np
from numpy.typing import NDArray

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
    for row in predictor.effects(one):
        if not row.abstained and row.p_de is not None:
            mine[order[row.gene]] = row.p_de * (2 * row.p_up - 1) - habit[order[row.gene]]
    genes, measured = response.signatures(line)
    if not mine.any():
        return [], len(genes)
    found = []
    for i, gene in enumerate(genes):
        at = measured.indices[measured.indptr[i] : measured.indptr[i + 1]]
        way = measured.data[measured.indptr[i] : measured.indptr[i + 1]].astype(np.float64)
        changed = np.abs(way) > _CHANGED
        if gene in one.genes or changed.sum() < FEWEST_CHANGES:
            continue
        way = np.where(changed, way, 0.0)
        # Few measured changes make a chance likeness, so that it is shrunk.
        n = float(changed.sum())
        likeness = _cosine(mine[at], way - habit[at]) * n / (n + SHRINKS)
        agrees = np.sign(mine[at][changed]) * way[changed] > 0
        found.append(
            Likeness(
                gene=gene,
                likeness=round(likeness, 4),
                same=int(agrees.sum()),
                opposite=int((~agrees).sum()),
                readouts=len(at),
            )
        )
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


def _cosine(a: Floats, b: Floats) -> float:
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm else 0.0


_LEAST_PATH = 0.05
