"""The rows a batch asks about: read, drawn in declared strata, and with the evidence's answer."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from evals.folds import with_folds
from evals.rows import KEYS, read_rows
from evals.tasks import TASKS, TaskName
from knowledge.errors import DataError, RunError
from models.inputs.screens import CELL_LINES, Setting
from models.response import ResponseModel

# A sample asks so many rows of a perturbation, because they share a prompt's beginning, unless
# that leaves too few readouts that both change and do not change.
ROWS_PER_PERTURBATION = 8
# Of a readout's rows, so many of the commoner class are drawn for each of the rarer.
COMMONER = 3
DECLARED = (
    "Drawn per line and task: perturbations in random order, as many as are needed for the rows "
    f"(one per {ROWS_PER_PERTURBATION} rows at least); of their readouts that have both classes "
    f"within a fold of the evidence, in random order, up to {COMMONER} rows of the commoner class "
    "for each of the rarer. Rows are ranked within their fold, and the model is not told of the "
    "sample's other perturbations of that fold."
)
DECLARED_TEST = (
    "Drawn per line and task without regard to labels: perturbations in random order, one per "
    f"{ROWS_PER_PERTURBATION} rows at least; of their readouts those read most often."
)


class Row(NamedTuple):
    """One question: does the readout change (`de`), or go up if it does (`dir`)?"""

    cell_line: str
    pert: str
    gene: str
    task: TaskName

    @property
    def id(self) -> str:
        """Return the name under which its answer is kept."""
        return "/".join(self)


def training_rows(
    data: Path, setting: Setting, cell_lines: Sequence[str] = CELL_LINES
) -> pd.DataFrame:
    """Return the training rows of some lines with the fold of the shipped weights, of all four.

    Raises:
        DataError: A label file is missing.
    """
    every = with_folds(read_rows(data, "train", CELL_LINES), setting)
    return every[every.cell_line.isin(cell_lines)].reset_index(drop=True)


def sample(rows: pd.DataFrame, limit: int, seed: int, *, labelled: bool) -> pd.DataFrame:
    """Return at most `limit` rows, spread evenly over lines and tasks, with the column `shift`.

    `shift` is how much more often, in log-odds, a readout's rows of label 1 were drawn than those
    of label 0: what is fitted to the sample must know it.

    Args:
        rows: From `read_rows`; with `fold`, both classes of a readout are of the same one.
        limit: Rows are drawn in pairs, so two at least.
        seed: The same seed draws the same rows.
        labelled: Whether strata may look at labels; those of the test split are not looked at.

    Raises:
        RunError: The limit is too small.
    """
    if limit < 2:
        raise RunError(f"A sample of {limit} rows has not both classes; ask for two rows or more.")
    rows = rows.sort_values(KEYS, ignore_index=True)
    rows = rows if "fold" in rows else rows.assign(fold=0)
    lines = list(dict.fromkeys(rows.cell_line))
    strata = [(line, task) for line in lines for task in TASKS]
    share, left = divmod(limit // 2, len(strata))
    wanted = {name: 2 * (share + (i < left)) for i, name in enumerate(strata)}
    drawn = []
    for line in lines:
        # A line's draw does not depend on which other lines are asked about.
        rng = np.random.default_rng([seed, CELL_LINES.index(line)])
        budget = {task: wanted[line, task] for task in TASKS}
        here = rows[rows.cell_line == line]
        order = {pert: i for i, pert in enumerate(rng.permutation(sorted(set(here.pert))))}
        rank = here.pert.map(order).to_numpy()
        readouts = {gene: i for i, gene in enumerate(rng.permutation(sorted(set(here.gene))))}
        here = here.assign(turn=here.gene.map(readouts), tie=rng.random(len(here)))
        take = _both_classes if labelled else _most_read
        drawn.append(_fewest_perturbations(here, rank, budget, take))
    found = pd.concat(drawn).sort_values(KEYS, ignore_index=True)[[*KEYS, "label", "fold"]]
    return found.assign(shift=shift_of(found, rows) if labelled else 0.0)


def with_evidence(
    rows: pd.DataFrame,
    response: ResponseModel,
    held_out: Path | None,
    progress: Callable[[str, float], None],
) -> pd.DataFrame:
    """Return `rows` with `p_evidence`, the response model's probability without the language model.

    A training row gets what a model said that never saw its perturbation in its line.

    Args:
        rows: The columns `KEYS`.
        response: The shipped weights; they carry held-out scores of their training rows.
        held_out: Table that `knockwise train response` wrote, to be used instead.
        progress: Told after each perturbation.

    Raises:
        DataError: The table lacks a row.
    """
    if held_out is not None:
        table = pd.read_parquet(held_out, columns=[*KEYS, "p"]).drop_duplicates(KEYS)
        found = rows.merge(table, on=KEYS, how="left").rename(columns={"p": "p_evidence"})
        if missing := int(found.p_evidence.isna().sum()):
            raise DataError(
                f"{held_out} lacks {missing} of {len(rows)} rows; train the response model on "
                "the same data, or leave the table out."
            )
        return found
    parts = list(blocks(rows))
    p = np.full(len(rows), np.nan)
    for number, (line, pert, at) in enumerate(parts):
        progress(f"evidence of {pert} in {line}", number / len(parts))
        part = rows.loc[at]
        predictions = response.predict([pert], list(part.gene), line)
        p[at] = [
            one.p_de if task == "de" else one.p_up
            for one, task in zip(predictions, part.task, strict=True)
        ]
    return rows.assign(p_evidence=p)


def blocks(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.Index]]:
    """Iterate over line, perturbation and index of the rows that share both."""
    for (line, pert), part in rows.groupby(["cell_line", "pert"], sort=True):
        yield str(line), str(pert), part.index


def fold_mates(rows: pd.DataFrame) -> dict[Row, frozenset[str]]:
    """Return the perturbations of each row's fold and line, which share one prior of a readout.

    A row must not be told of another that it is ranked against: what is rare would count against
    itself, as every row would know of one change fewer than the rows that did not change.
    """
    found: dict[Row, frozenset[str]] = {}
    for _, part in rows.groupby(["cell_line", "fold"]):
        mates = frozenset(part.pert)
        found |= {Row(*keys): mates for keys in part[KEYS].itertuples(index=False)}
    return found


def _fewest_perturbations(
    here: pd.DataFrame,
    rank: np.ndarray,
    budget: dict[TaskName, int],
    take: Callable[[pd.DataFrame, int], pd.DataFrame],
) -> pd.DataFrame:
    """Return the rows of one line, from the first perturbations that give enough of them."""
    every = int(rank.max()) + 1
    count = min(every, -(-sum(budget.values()) // ROWS_PER_PERTURBATION))
    while True:
        within = here[rank < count]
        parts = [take(within[within.task == task], n) for task, n in budget.items()]
        # A stratum may end one row short, where the last readout would keep one class only.
        if count == every or all(
            len(part) >= n - 1 for part, n in zip(parts, budget.values(), strict=True)
        ):
            return pd.concat(parts)
        count = min(every, count + max(1, count // 8))


def _both_classes(rows: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return up to `n` rows of readouts with both classes in a fold, two of each at least."""
    cell = ["gene", "fold"]
    ones = rows.groupby(cell).label.transform("sum")
    size = rows.groupby(cell).label.transform("size")
    rows = rows.assign(rarer=ones.where(2 * ones <= size, size - ones))
    rows = rows[rows.rarer > 0].sort_values(["turn", "fold", "label", "tie"])
    # The first of each class, then the others: a readout that is cut short keeps both.
    place = rows.groupby([*cell, "label"]).cumcount()
    rows = rows[place < COMMONER * rows.rarer].assign(later=place > 0)
    rows = rows.sort_values(["turn", "fold", "later", "tie"]).head(n)
    return rows[rows.groupby(cell).label.transform("nunique") == 2]


def _most_read(rows: pd.DataFrame, n: int) -> pd.DataFrame:
    often = rows.groupby("gene").label.transform("size")
    return rows.assign(often=-often).sort_values(["often", "turn", "tie"]).head(n)


def shift_of(drawn: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """Return per drawn row the log of the ratio at which its readout's two classes were drawn."""
    stratum = ["cell_line", "task", "gene"]
    here, everywhere = (
        table.groupby(stratum).label.agg(["sum", "size"]) for table in (drawn, rows)
    )
    everywhere = everywhere.loc[here.index]
    odds = [np.log(table["sum"] / (table["size"] - table["sum"])) for table in (here, everywhere)]
    shift = (odds[0] - odds[1]).rename("shift").reset_index()
    return drawn[stratum].merge(shift, on=stratum)["shift"]
