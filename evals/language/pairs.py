"""Contrast pairs: the same readout and line, one perturbation that changed it and one that did not.

The share of pairs that a model puts in the right order estimates the AUROC within a readout,
averaged over readouts, without bias and from few questions: a readout is drawn evenly among those
with both outcomes, then one row of each outcome. For direction, one that went up and one that went
down.
"""

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
import pandas as pd

from evals.harness.exact import mcnemar, share
from evals.language.rows import Row
from evals.rows import KEYS
from evals.tasks import TASKS, TaskName
from knowledge.errors import RunError
from knowledge.schema import Frozen, Probability

LEVEL = 0.90
DECLARED = (
    "Contrast pairs, spread evenly over lines and tasks: a readout and a fold drawn evenly among "
    "those with both outcomes in a line, then one row of each outcome; no row twice. Both rows are "
    "of one fold of the evidence, and neither is shown to the model when it is asked about the "
    "other: what is known of a readout must not differ between them, or a rare change counts "
    "against itself."
)


class PairScore(Frozen):
    """How many pairs a predictor puts in the right order.

    Attributes:
        task: `de`: changed against unchanged; `dir`: up against down.
        predictor: Whose probabilities.
        pairs: How many pairs it answered both questions of.
        share: Share in the right order, a tie counting half; estimates the per-gene AUROC.
        low: Lower end of Wilson's 90 % interval, within 0 and 1.
        high: Upper end.
        better: Pairs that it orders rightly and the evidence does not.
        worse: The other way round.
        p: Two-sided exact McNemar test of those two numbers; 1 for the evidence itself.
        where: Which pairs.
        against: Who stands for the evidence.
    """

    task: TaskName
    predictor: str
    pairs: int
    share: Probability
    low: Probability
    high: Probability
    better: int
    worse: int
    p: Probability
    where: str = ""
    against: str = ""


def contrast_pairs(rows: pd.DataFrame, pairs: int, seed: int) -> pd.DataFrame:
    """Return the rows of `pairs` pairs, with the number of its pair in the column `pair`.

    Lines and tasks take turns, so that the first pairs are spread over them as all are.

    Args:
        rows: From `evals.rows.read_rows`: the columns `KEYS` and `label`; with `fold`, both rows
            of a pair are of the same one.
        pairs: How many, over all lines and tasks.
        seed: The same seed draws the same pairs.

    Raises:
        RunError: No readout of these rows has both outcomes.
    """
    strata = [part for _, part in rows.groupby(["cell_line", "task"], sort=True)]
    each, left = divmod(pairs, max(1, len(strata)))
    found = [
        _drawn(part, each + (number < left), np.random.default_rng([seed, number]))
        for number, part in enumerate(strata)
    ]
    drawn = [one for turn in zip_longest(*found) for one in turn if one is not None]
    if not drawn:
        raise RunError("No readout of these rows has both outcomes; ask for other lines.")
    table = pd.concat([one.assign(pair=number) for number, one in enumerate(drawn)])
    return table.reset_index(drop=True)[[*KEYS, "label", "pair"]]


def partners(rows: pd.DataFrame) -> dict[Row, frozenset[str]]:
    """Return the perturbations of each row's pair, of which it must not be told.

    Args:
        rows: Of `contrast_pairs`; pairs of another `source` are other pairs.
    """
    pair = ["source", "pair"] if "source" in rows else ["pair"]
    found: dict[Row, frozenset[str]] = {}
    for _, both in rows.groupby(pair):
        perturbed = frozenset(both.pert)
        found |= {Row(*keys): perturbed for keys in both[KEYS].itertuples(index=False)}
    return found


def scored(
    table: pd.DataFrame, predictors: Sequence[str], evidence: str, where: str = ""
) -> list[PairScore]:
    """Return the score of every predictor, task by task.

    Args:
        table: Rows of `contrast_pairs` with a column of probabilities per predictor; a pair with a
            missing one counts for no predictor, so that all are scored on the same pairs.
        predictors: Names of those columns.
        evidence: The one that the others are compared with.
        where: What the scores call these pairs.
    """
    found = []
    whole = table.groupby("pair")[[*predictors]].transform(lambda one: one.notna().all())
    kept = table[whole.all(axis=1)]
    for task in TASKS:
        part = kept[kept.task == task].sort_values(["pair", "label"])
        if part.empty:
            continue
        right = {name: _right(part[name].to_numpy(np.float64)) for name in predictors}
        for name in predictors:
            score = _score(task, name, right[name], right[evidence])
            found.append(score.model_copy(update={"where": where, "against": evidence}))
    return found


def _drawn(part: pd.DataFrame, pairs: int, rng: np.random.Generator) -> list[pd.DataFrame]:
    """Return up to `pairs` pairs of one line and task."""
    shared = ["gene", "fold"] if "fold" in part else ["gene"]
    part = part[part.groupby(shared).label.transform("nunique") == 2]
    left = {
        cell: (
            list(rng.permutation(one.index[one.label == 0])),
            list(rng.permutation(one.index[one.label == 1])),
        )
        for cell, one in part.astype({"gene": str}).groupby(shared)
    }
    found: list[pd.DataFrame] = []
    while left and len(found) < pairs:
        cells = sorted(left)
        for cell in (cells[at] for at in rng.permutation(len(cells))):
            low, high = left[cell]
            found.append(part.loc[[low.pop(), high.pop()]])
            if not low or not high:
                del left[cell]
            if len(found) == pairs:
                break
    return found


def _right(p: np.ndarray) -> np.ndarray:
    """Return per pair 1 where the second row is the likelier, .5 for a tie; rows alternate."""
    low, high = p[0::2], p[1::2]
    return np.where(high > low, 1.0, np.where(high == low, 0.5, 0.0))


def _score(task: TaskName, name: str, right: np.ndarray, evidence: np.ndarray) -> PairScore:
    found = share(float(right.sum()), len(right), LEVEL)
    better, worse = int((right > evidence).sum()), int((right < evidence).sum())
    return PairScore(
        task=task,
        predictor=name,
        pairs=found.n,
        share=found.value,
        low=found.low,
        high=found.high,
        better=better,
        worse=worse,
        p=mcnemar(better, worse),
    )
