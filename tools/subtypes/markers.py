"""What tells a group of samples from the rest: genes, columns of a table, survival."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.errors import QuestionError
from knowledge.schema import Frozen
from tools.subtypes.matrix import FloatArray
from tools.subtypes.methods import IntArray

MOST = 50
MOST_VALUES = 20
BATCH_V = 0.5


class Association(Frozen):
    """How a partition of the samples goes with a column of their table.

    Attributes:
        column: The column.
        batch: Whether it was named as a batch.
        v: Cramer's V, from 0 to 1.
        chance: Mean V of permutations: with many clusters it is far from 0.
        p: Share of permutations with as great a V.
        samples: That have a value.
    """

    column: str
    batch: bool
    v: float
    chance: float
    p: float
    samples: int


class Survival(Frozen):
    """How a group survives beside the rest.

    Attributes:
        p: Of the log-rank test.
        hazard_ratio: By Cox's model, None where it cannot be told.
        low: Lower end of the 90 % interval.
        high: Upper end.
        events: In the group and in all.
        samples: In the group and in all, that have a time.
    """

    p: float
    hazard_ratio: float | None
    low: float | None
    high: float | None
    events: tuple[int, int]
    samples: tuple[int, int]


def welch(values: FloatArray, inside: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return the difference of means and the p-value of Welch's t-test of each gene."""
    from scipy.stats import ttest_ind_from_stats

    mine, rest = values[inside], values[~inside]
    change = mine.mean(axis=0) - rest.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = ttest_ind_from_stats(
            mine.mean(axis=0), mine.std(axis=0, ddof=1), len(mine),
            rest.mean(axis=0), rest.std(axis=0, ddof=1), len(rest), equal_var=False,
        )  # fmt: skip
    return change, np.nan_to_num(np.asarray(found.pvalue, float), nan=1.0)


def markers(values: FloatArray, genes: Sequence[str], members: frozenset[int]) -> pd.DataFrame:
    """Return all genes by how they tell a group from the rest, the surest first.

    Columns: gene, difference (of means, on the scale of the values), p, padj
    (Benjamini-Hochberg). The group was found in the same values, so that p is too small for a
    claim; `markers_held` says what holds elsewhere.
    """
    from scipy.stats import false_discovery_control

    inside = np.isin(np.arange(len(values)), list(members))
    change, p = welch(values, inside)
    found = pd.DataFrame(
        {"gene": list(genes), "difference": change, "p": p, "padj": false_discovery_control(p)}
    )
    return found.sort_values("p", kind="stable", ignore_index=True)


def associations(
    labels: IntArray, table: pd.DataFrame, batches: Sequence[str], seed: int
) -> tuple[Association, ...]:
    """Return how a partition goes with each column that sorts the samples, the closest first.

    Args:
        labels: Cluster of each sample.
        table: A row per sample, in their order, of text; empty where a value is missing.
        batches: Columns that are batches.
        seed: Of the permutations.
    """
    found = []
    for column in table.columns:
        known = (table[column].str.strip() != "").to_numpy()
        values = table[column][known]
        counts = values.value_counts()
        if not 2 <= len(counts) <= min(MOST_VALUES, max(2, known.sum() // 3)) or counts.iloc[1] < 2:
            continue
        there = np.unique(values.to_numpy(), return_inverse=True)[1]
        here = np.unique(labels[known], return_inverse=True)[1]
        if here.max() == 0:
            continue
        v, chance, p = cramers_v(here, there, seed)
        found.append(Association(column=column, batch=column in batches, v=v, chance=chance, p=p,
                                 samples=int(known.sum())))  # fmt: skip
    return tuple(sorted(found, key=lambda one: -one.v))


def cramers_v(
    here: IntArray, there: IntArray, seed: int, draws: int = 999
) -> tuple[float, float, float]:
    """Return Cramer's V of two partitions, its mean over permutations, and its p among them."""

    def chi(labels: IntArray) -> float:
        both = np.zeros((here.max() + 1, there.max() + 1))
        np.add.at(both, (labels, there), 1)
        expected = both.sum(axis=1)[:, None] * both.sum(axis=0)[None] / both.sum()
        return float(((both - expected) ** 2 / np.maximum(expected, 1e-12)).sum())

    whole = chi(here)
    rng = np.random.default_rng(seed)
    drawn = np.array([chi(rng.permutation(here)) for _ in range(draws)])
    ways = max(1, min(here.max(), there.max()))
    v, chance = (np.sqrt(one / (len(here) * ways)) for one in (whole, drawn))
    p = (1 + int((drawn >= whole - 1e-9).sum())) / (draws + 1)
    return min(1.0, float(v)), float(chance.mean()), p


def survival_of(inside: NDArray[np.bool_], time: FloatArray, event: FloatArray) -> Survival | None:
    """Return how a group survives beside the rest; None where neither or only one has an event.

    The log-rank test, and the hazard ratio of Cox's model with its 90 % interval.
    """
    import warnings

    from statsmodels.duration.hazard_regression import PHReg
    from statsmodels.duration.survfunc import survdiff

    known = np.isfinite(time) & np.isfinite(event)
    mine, t, e = inside[known], time[known], event[known].astype(int)
    if not 1 < mine.sum() < len(mine) - 1 or e.sum() < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, p = survdiff(t, e, mine.astype(int))
        ratio: float | None = None
        low: float | None = None
        high: float | None = None
        if 0 < e[mine].sum() < e.sum():
            model = PHReg(t, mine.astype(float)[:, None], status=e, ties="efron").fit(disp=0)
            ratio = float(np.exp(model.params[0]))
            low, high = (float(one) for one in np.exp(model.conf_int(alpha=0.1)[0]))
    return Survival(
        p=float(p), hazard_ratio=ratio, low=low, high=high,
        events=(int(e[mine].sum()), int(e.sum())), samples=(int(mine.sum()), len(mine)),
    )  # fmt: skip


def survival_columns(table: pd.DataFrame, named: str) -> tuple[FloatArray, FloatArray]:
    """Return times and whether each ended in an event, of columns named as `TIME,EVENT`.

    Raises:
        QuestionError: They are not there, or do not hold such values.
    """
    names = [one.strip() for one in named.split(",")]
    if len(names) != 2:
        raise QuestionError(f"--survival {named}: name two columns, as TIME,EVENT.")
    for name in names:
        if name not in table.columns:
            raise QuestionError(
                f"There is no column {name} for --survival; the table has "
                f"{', '.join(map(repr, table.columns[:8]))}."
            )
    time = np.asarray(pd.to_numeric(table[names[0]], errors="coerce"), np.float64)
    # Some tables write 1:DECEASED, and R's survival package 2 for an event and 1 for none.
    words = table[names[1]].str.strip().str.casefold().str.replace(r"^\d:(?=\D)", "", regex=True)
    if set(words) - {""} == {"1", "2"}:
        words = words.map({"1": "0", "2": "1", "": ""})
    event = np.asarray(words.map(_event), np.float64)
    if not (np.isfinite(time) & np.isfinite(event)).any():
        raise QuestionError(
            f"{names[0]} and {names[1]} hold no pair of a number and 0 or 1 (also: dead or alive, "
            "true or false, yes or no)."
        )
    return time, event


def _event(word: str) -> float:
    if word in {"1", "1.0", "true", "yes", "dead", "deceased", "died", "event"}:
        return 1.0
    if word in {"0", "0.0", "false", "no", "alive", "living", "censored"}:
        return 0.0
    return math.nan
