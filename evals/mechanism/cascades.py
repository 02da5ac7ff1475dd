"""Follows the cascade of every measured perturbation, as the agent's search does, and keeps it.

The search sees no measurement: it is `knowledge.cascade.reach`, with the line's lesions. What it
finds is what the agent commits to for a perturbation that no screen has measured in that line.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from evals.altered_graphs import Relations
from knowledge.base import Knowledge
from knowledge.cascade import CellState, Reach, reach, start
from knowledge.graph import SignedGraph
from knowledge.progress import Progress
from knowledge.schema import Direction, Perturbation

DIRECTIONS: tuple[Direction, Direction] = ("up", "down")


class Screened(NamedTuple):
    """One perturbation in one line."""

    pert: str
    cell_line: str


def cascades(
    experiments: Iterable[Screened], knowledge: Knowledge, graph: SignedGraph | None = None
) -> Iterator[tuple[Screened, Reach]]:
    """Iterate over experiments and what the search reaches from each.

    Args:
        experiments: What was knocked down, and where.
        knowledge: Its cell lines and, unless another is given, its graph are used.
        graph: Where the search goes instead.
    """
    cells = {
        line.name: CellState(line, knowledge.expression) for line in iter(knowledge.cell_lines)
    }
    for one in experiments:
        perturbation = Perturbation(genes=(one.pert,), kind="knockdown", cell_line=one.cell_line)
        found = reach(
            knowledge.graph if graph is None else graph,
            start(perturbation),
            cell=cells[one.cell_line],
        )
        yield one, found


def followed(
    rows: pd.DataFrame,
    knowledge: Knowledge,
    progress: Progress,
    *,
    relations: Relations | None = None,
    graph: SignedGraph | None = None,
) -> pd.DataFrame:
    """Return the rows that a cascade reaches, with the best path up and the best path down.

    Args:
        rows: Columns `cell_line`, `pert` and `gene`.
        knowledge: What is known.
        progress: Told before each experiment.
        relations: Paths are told as their numbers; without them, they are left out.
        graph: Where the search goes instead of the graph of the knowledge.

    Returns:
        The reached rows with `up` and `down`, the confidences, and `up_path` and `down_path`.
    """
    keyed = sorted(zip(rows.cell_line, rows.pert, rows.gene, rows.index, strict=True))
    asked = {
        Screened(pert, line): [(gene, at) for *_, gene, at in group]
        for (line, pert), group in groupby(keyed, key=lambda key: key[:2])
    }
    places: list[int] = []
    found: dict[str, list[Any]] = {"up": [], "down": [], "up_path": [], "down_path": []}
    for number, (one, reached) in enumerate(cascades(asked, knowledge, graph)):
        progress(f"the cascade of {one.pert} in {one.cell_line}", number / len(asked))
        for gene, at in asked[one]:
            if not reached.best(gene):
                continue
            places.append(at)
            for way in DIRECTIONS:
                found[way].append(reached.confidence(gene, way))
                path = reached.path(gene, way) if relations else ()
                numbers = [relations.number[step.key] for step in path] if relations else []
                found[f"{way}_path"].append(np.array(numbers, np.int64))
    return rows.loc[places].assign(**found).sort_index()


def chosen(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return which way each cascade points (+1, -1, 0 for a tie) `(rows,)` and that path."""
    way = np.sign(table.up.to_numpy() - table.down.to_numpy()).astype(np.int64)
    paths = np.where(way >= 0, table.up_path, table.down_path)
    return way, paths
