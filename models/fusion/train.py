"""Fits the posterior on both worlds: training perturbations of the screens, and regulators.

The response model's training leaves a table of held-out predictions (`held_out.parquet`): one row
per training example with the probability that a model gave which never saw that perturbation in
that line (`multi`) or in any line (`strict`). The regulators come from hundreds of studies of other
cells. Figures are cross-fitted, by perturbation and by regulator; the shipped heads use all rows.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from knowledge.base import Knowledge, load_knowledge
from knowledge.cascade import CellState, Reach, reach, start
from knowledge.errors import DataError
from knowledge.schema import Perturbation
from knowledge.sources import missing
from knowledge.trust import FILE as EDGE_TRUST
from models.fusion.edge_trust import fit_edge_trust, measured_signs
from models.fusion.habit import Habit, save_habit
from models.fusion.habit_training import fit_habit, gene_features
from models.fusion.posterior import (
    Bools,
    Floats,
    FusionConfig,
    Head,
    Heads,
    Scope,
    Support,
    Task,
    features,
)
from models.fusion.regulator_sets import FILE as REGULATORS
from models.fusion.regulator_sets import consensus, read_regulator_sets
from models.fusion.support import gathered
from models.provenance import code_commit
from models.response import ResponseModel
from models.threshold import best_f1_threshold

FOLDS = 5
# Fewer net votes say next to nothing about the sign of a change.
LEAST_VOTES = 2
# Perturbations of which the paths are followed; a search over the databases takes a quarter second.
MOST_PERTURBATIONS = 1500
# Ridge strength of the heads: weak, there are a dozen weights and 10^5 rows.
INVERSE_PENALTY = 10.0
Progress = Callable[[str, float], None]
Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Rows:
    """Labelled pairs of one task and what speaks about them.

    Attributes:
        support: One entry per row.
        label: 0 or 1.
        weight: How much a row counts.
        group: What a fold must not part: a perturbation of the screens, or a regulator.
        screens: Whether the row is of the screens.
        table: `pert`, `gene`, `cell_line` and `setting` of each row.
    """

    support: Support
    label: NDArray[np.int64]
    weight: Floats
    group: NDArray[np.str_]
    screens: Bools
    table: pd.DataFrame

    def take(self, chosen: Bools) -> "Rows":
        """Return the chosen rows."""
        table = self.table[chosen].reset_index(drop=True)
        rest = (self.label, self.weight, self.group, self.screens)
        return Rows(self.support.take(chosen), *(part[chosen] for part in rest), table)

    @classmethod
    def joined(cls, parts: "list[Rows]") -> "Rows":
        """Return all rows of `parts`."""
        return cls(
            Support.joined([part.support for part in parts]),
            np.concatenate([part.label for part in parts]),
            np.concatenate([part.weight for part in parts]),
            np.concatenate([part.group for part in parts]),
            np.concatenate([part.screens for part in parts]),
            pd.concat([part.table for part in parts], ignore_index=True),
        )


class World:
    """What the rows of one knowledge scope are gathered from."""

    def __init__(self, knowledge: Knowledge, response: ResponseModel) -> None:
        self.knowledge, self.response = knowledge, response

    def reached(self, gene: str, line: str) -> Reach:
        """Return the best paths from the loss of `gene` in `line`."""
        perturbation = Perturbation(genes=(gene,), kind="knockdown", cell_line=line)
        ground = self.knowledge.cell_lines.ground(line)
        read = frozenset(self.response.readouts(line))
        cell = CellState(ground, self.knowledge.expression, read)
        return reach(self.knowledge.graph, start(perturbation), cell=cell)

    def screens(self, tables: Mapping[str, pd.DataFrame], task: Task, told: Progress) -> Rows:
        """Return the rows of held-out tables, by setting; habits are none of their business."""
        column = {"de": "de", "up": "dir"}[task]
        parts = []
        for setting, table in tables.items():
            rows = table[table["task"] == column]
            lines = rows.groupby("pert")["cell_line"].nunique()
            groups = list(rows.groupby(["pert", "cell_line"], sort=True))
            for done, ((pert, line), part) in enumerate(groups):
                told(f"{task}, {setting}: following paths", done / len(groups))
                known = setting == "multi" and lines[pert] > 1
                ground = self.response.ground(str(pert))._replace(known=bool(known))
                n, p = len(part), part["p"].to_numpy(float)
                support = gathered(
                    list(part["gene"]), p, p, ground, self._paths(str(pert), str(line)), np.zeros(n)
                )
                parts.append(
                    Rows(
                        support,
                        part["label"].to_numpy(np.int64),
                        np.ones(n),
                        np.full(n, pert),
                        np.ones(n, bool),
                        part[["pert", "gene", "cell_line"]].assign(setting=setting),
                    )
                )
        return Rows.joined(parts)

    def regulators(self, votes: pd.DataFrame, habit: Mapping[str, Habit], told: Progress) -> Rows:
        """Return the rows of regulators in every line, each weighing its share of the votes.

        Args:
            votes: `regulator`, `gene`, `votes`, of genes with enough of them.
            habit: For each regulator, one that was learnt without it.
            told: Is told how far it has come.
        """
        parts = []
        groups = list(votes.groupby("regulator", sort=True))
        lines = self.response.cell_lines
        for done, (regulator, part) in enumerate(groups):
            told("regulators: asking the response model", done / len(groups))
            genes = list(part["gene"])
            usual = habit[str(regulator)].log_odds(genes)
            ground = self.response.ground(str(regulator))
            for line in lines:
                predicted = self.response.predict((str(regulator),), genes, line)
                p_up = np.array([np.nan if row.abstained else row.p_up for row in predicted])
                p_de = np.array([np.nan if row.abstained else row.p_de for row in predicted])
                reached = self._paths(str(regulator), line)
                n = len(genes)
                parts.append(
                    Rows(
                        gathered(genes, p_de, p_up, ground, reached, usual),
                        (part["votes"].to_numpy() > 0).astype(np.int64),
                        part["votes"].to_numpy(float) ** 2 / (4 * len(lines)),
                        np.full(n, regulator),
                        np.zeros(n, bool),
                        pd.DataFrame(
                            {"pert": regulator, "gene": genes, "cell_line": line}
                        ).assign(setting="regulators"),
                    )
                )
        return Rows.joined(parts)

    def _paths(self, gene: str, line: str) -> Reach:
        key = (gene, line)
        if key not in self._kept:
            self._kept[key] = self.reached(gene, line)
        return self._kept[key]

    @property
    def _kept(self) -> dict[tuple[str, str], Reach]:
        return self.__dict__.setdefault("_paths_kept", {})


def fit_head(rows: Rows, task: Task) -> Head:
    """Fit one head to rows; features without a value in them get weight zero."""
    found = features(rows.support, task)
    x = np.column_stack(list(found.values()))
    # Most rows have no path: a first-order solver would stop before it has seen those that do.
    model = LogisticRegression(C=INVERSE_PENALTY, solver="newton-cholesky")
    model.fit(x, rows.label, sample_weight=rows.weight)
    weights = [float(value) for value in model.coef_[0]]
    return Head(bias=float(model.intercept_[0]), weights=dict(zip(found, weights, strict=True)))


def cross_fitted(rows: Rows, task: Task, seed: int = 0) -> Floats:
    """Return each row's probability from heads that saw neither its perturbation's rows."""
    fold = folds_of(rows.group, seed)
    out = np.empty(len(rows.label))
    for number in range(FOLDS):
        test = fold == number
        head = fit_head(rows.take(~test), task)
        out[test] = expit(head.logit(features(rows.support.take(test), task)))
    return out


def folds_of(groups: NDArray[np.str_], seed: int = 0) -> NDArray[np.int64]:
    """Return a fold for each row, the same one for all rows of a group in every table."""
    digest = {
        group: int(hashlib.sha256(f"{seed}:{group}".encode()).hexdigest(), 16) % FOLDS
        for group in set(groups.tolist())
    }
    return np.array([digest[group] for group in groups.tolist()], np.int64)


def read_held_out(path: Path) -> pd.DataFrame:
    """Read a table of held-out predictions.

    Raises:
        DataError: It cannot be read.
    """
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is no table of held-out predictions ({error}); "
            "`knockwise train response` writes one."
        ) from error
    wanted = {"task", "pert", "gene", "cell_line", "label", "p"}
    if not wanted <= set(table.columns):
        raise DataError(f"{path} lacks {', '.join(sorted(wanted - set(table.columns)))}.")
    return table
