"""Labelled pairs of both worlds, screens and regulators, with everything that speaks about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.base import Knowledge
from knowledge.cascade import CellState, Reach, reach, start
from knowledge.errors import DataError
from knowledge.progress import Progress
from knowledge.schema import Perturbation
from models.fusion.checkpoint import Floats
from models.fusion.habit import LossHabit
from models.fusion.posterior import Bools, Support, Task
from models.fusion.support import gathered
from models.response import ResponseModel


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
        return Rows(
            support=self.support.take(chosen),
            label=self.label[chosen],
            weight=self.weight[chosen],
            group=self.group[chosen],
            screens=self.screens[chosen],
            table=self.table[chosen].reset_index(drop=True),
        )

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


class SupportReader:
    """What the rows of one knowledge scope are gathered from."""

    def __init__(
        self, knowledge: Knowledge, response: ResponseModel, acting: frozenset[str]
    ) -> None:
        self.knowledge, self.response, self.acting = knowledge, response, acting
        self._kept: dict[tuple[str, str], Reach] = {}

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
            lines = rows.groupby("pert")["cell_line"].nunique().to_dict()
            groups = list(rows.groupby(["pert", "cell_line"], sort=True))
            for done, ((pert, line), part) in enumerate(groups):
                told(f"{task}, {setting}: following paths", done / len(groups))
                known = setting == "multi" and lines[str(pert)] > 1
                ground = self.response.ground(str(pert))._replace(known=known)
                n, p = len(part), part["p"].to_numpy(float)
                support = gathered(
                    list(part["gene"]),
                    p,
                    p,
                    ground,
                    self._paths(str(pert), str(line)),
                    np.zeros(n),
                    str(pert) in self.acting,
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

    def regulators(
        self, votes: pd.DataFrame, habit: Mapping[str, LossHabit], told: Progress
    ) -> Rows:
        """Return the rows of regulators in every line, by its share of the squared votes.

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
            acts = str(regulator) in self.acting
            for line in lines:
                predicted = self.response.predict((str(regulator),), genes, line)
                p_up = np.array([np.nan if row.abstained else row.p_up for row in predicted])
                p_de = np.array([np.nan if row.abstained else row.p_de for row in predicted])
                reached = self._paths(str(regulator), line)
                n = len(genes)
                parts.append(
                    Rows(
                        gathered(genes, p_de, p_up, ground, reached, usual, acts),
                        (part["votes"].to_numpy() > 0).astype(np.int64),
                        part["votes"].to_numpy(float) ** 2 / len(lines),
                        np.full(n, regulator),
                        np.zeros(n, bool),
                        pd.DataFrame({"pert": regulator, "gene": genes, "cell_line": line}).assign(
                            setting="regulators"
                        ),
                    )
                )
        return Rows.joined(parts)

    def _paths(self, gene: str, line: str) -> Reach:
        key = (gene, line)
        if key not in self._kept:
            self._kept[key] = self.reached(gene, line)
        return self._kept[key]


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
