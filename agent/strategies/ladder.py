"""SUMMER's seven-level ladder of related experiments, in its order of priority.

Source: Wu et al., Contextualizing biological perturbation experiments through language (ICLR 2025),
`retrieve.py` of its code. Levels 1 to 3 take the nearest pairs here rather than a random choice.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from knowledge.schema import Perturbation
from models.response.neighbours import Neighbours, Row

Level = Literal[1, 2, 3, 4, 5, 6, 7]
LEVELS: tuple[Level, ...] = (1, 2, 3, 4, 5, 6, 7)
# What each level holds fixed, for a reader of the prompt.
MEANING: Mapping[Level, str] = {
    1: "the same perturbation, similar readouts",
    2: "similar perturbations, the same readout",
    3: "similar perturbations, similar readouts",
    4: "the same perturbation, other readouts",
    5: "other perturbations, the same readout",
    6: "similar perturbations, other readouts",
    7: "other perturbations, similar readouts",
}
# Pairs about the perturbation, about the readout, and about both; each filled up to this many.
BUDGET = 10
NEIGHBOURS = 50
# A row of another line says less, as in `models.response.experiments`.
ELSEWHERE = 0.4

Weighted = tuple[Row, float]


def ladder(
    near: Neighbours, perturbation: Perturbation, readout: str, budget: int = BUDGET
) -> dict[Level, list[Weighted]]:
    """Return training rows by level, each with its weight, the weightiest first.

    Higher levels fill the budget that lower ones leave. Rows of the perturbed genes in the line
    that is asked about are never among them.
    """
    genes, line = perturbation.genes, perturbation.cell_line
    perts: dict[str, float] = {}
    for gene in genes:
        for name, alike in near.perturbations(gene, NEIGHBOURS).items():
            perts[name] = max(alike, perts.get(name, 0.0))
    perts = {name: alike for name, alike in perts.items() if name not in genes}
    reads = near.readouts(readout, NEIGHBOURS)
    own = _rows(near, genes, perturbation)
    around = _rows(near, perts, perturbation)
    on = [row for row in near.rows_on(readout) if row.perturbation not in genes]
    beside = [
        row for other in reads for row in near.rows_on(other) if row.perturbation not in genes
    ]

    def weight(row: Row) -> float:
        here = 1.0 if row.cell_line == line else ELSEWHERE
        alike = 1.0 if row.perturbation in genes else perts.get(row.perturbation, 0.0)
        same = 1.0 if row.readout == readout else reads.get(row.readout, 0.0)
        return here * alike * same

    pools: dict[Level, list[Row]] = {
        1: [row for row in own if row.readout in reads or row.readout == readout],
        2: [row for row in on if row.perturbation in perts],
        3: [row for row in around if row.readout in reads],
        4: [row for row in own if row.readout not in reads and row.readout != readout],
        5: [row for row in on if row.perturbation not in perts],
        6: [row for row in around if row.readout not in reads and row.readout != readout],
        7: [row for row in beside if row.perturbation not in perts],
    }
    random = np.random.default_rng(_seed(perturbation, readout))
    found: dict[Level, list[Weighted]] = {}
    room = {"perturbation": budget, "readout": budget, "both": budget}
    shelves: tuple[tuple[Level, str], ...] = (
        (1, "perturbation"), (2, "readout"), (3, "both"), (4, "perturbation"), (5, "readout"),
        (6, "perturbation"), (7, "readout"),
    )  # fmt: skip
    for level, shelf in shelves:
        pool, n = pools[level], room[shelf]
        if level <= 3:
            chosen = sorted(pool, key=lambda row: (-weight(row), row))[:n]
        else:
            picks = random.permutation(len(pool))[:n]
            chosen = [pool[i] for i in sorted(picks)]
        found[level] = [(row, weight(row)) for row in chosen]
        room[shelf] -= len(chosen)
    return found


def _rows(near: Neighbours, genes: Iterable[str], asked: Perturbation) -> list[Row]:
    """Return the rows of these perturbations, less those that the question is about."""
    return [
        row
        for gene in genes
        for row in near.rows_of(gene)
        if not (row.perturbation in asked.genes and row.cell_line == asked.cell_line)
    ]


def _seed(perturbation: Perturbation, readout: str) -> int:
    """Return a seed of the question alone, so that the same question gets the same rows."""
    words = "+".join([*perturbation.genes, perturbation.cell_line, readout])
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big")
