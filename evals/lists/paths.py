"""Which genes of training perturbations signed paths explain, beside unchanged ones and chance."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from knowledge.schema import Direction, Perturbation
from models.inputs.screens import CELL_LINES
from tools.effects import EffectPredictor
from tools.lists.explanation import Paths, is_hub, shuffled

COLUMNS = ("cell_line", "pert", "gene", "changed", "reached", "agrees", "shuffled", "hub")


def chosen(predictor: EffectPredictor, line: str, most: int, seed: int) -> list[str]:
    """Return training perturbations of a line that the graph holds, drawn at random."""
    response = predictor.response
    rows, at = response._rows, CELL_LINES.index(line)
    symbols = list(response._gene)
    names = {symbols[response._pert_gene[i]] for i in np.unique(rows.pert[rows.line == at])}
    known = sorted(name for name in names if name in predictor.knowledge.graph)
    order = np.random.default_rng(seed).permutation(len(known))[:most]
    return [known[i] for i in sorted(order)]


def explained_rows(
    predictor: EffectPredictor, line: str, perts: Sequence[str], seed: int
) -> pd.DataFrame:
    """Return a row for each training row of `perts`: whether a path reaches it and agrees.

    `agrees` and `shuffled` (the share of networks with shuffled signs that agree) are of changed
    genes that a path reaches, NaN elsewhere.
    """
    response = predictor.response
    rows, at = response._rows, CELL_LINES.index(line)
    symbols = list(response._gene)
    number = {symbols[gene]: i for i, gene in enumerate(response._pert_gene)}
    found: list[tuple[object, ...]] = []
    for pert in perts:
        mine = np.flatnonzero((rows.line == at) & (rows.pert == number[pert]))
        one = Perturbation(genes=(pert,), kind="knockdown", cell_line=line)
        paths = Paths(predictor.knowledge.graph, predictor.reach(one), frozenset({pert}))
        held: list[tuple[str, Direction]] = []
        mine_rows = []
        for i in mine:
            gene = symbols[response._readout_gene[rows.readout[i]]]
            if gene == pert:
                continue
            way = paths.direction(gene)
            moved: Direction | None = None
            if rows.de[i]:
                moved = "up" if rows.up[i] == 1 else "down"
            if moved and way:
                held.append((gene, moved))
            hub = bool(way) and any(
                is_hub(predictor.knowledge.graph, step.target.node)
                for step in paths.best(gene)[:-1]
            )
            agrees = float(way == moved) if moved and way else np.nan
            mine_rows.append([line, pert, gene, bool(moved), bool(way), agrees, np.nan, hub])
        if held:
            share = dict(zip((g for g, _ in held), shuffled(held, paths, seed).mean(axis=0),
                             strict=True))  # fmt: skip
            for row in mine_rows:
                row[6] = share.get(str(row[2]), np.nan) if row[3] else np.nan
        found += [tuple(row) for row in mine_rows]
    return pd.DataFrame(found, columns=list(COLUMNS))
