"""Why official test rows are easier or harder than held-out ones: what they consist of.

Both are cut by how near the nearest measured perturbation is, by how many other lines measured the
same perturbation, and by how strong it is. Held-out rows are then weighed so that they have the
composition of the test rows: what is left of the gap is not explained by it.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from evals.harness.metrics import FloatArray, IntArray, Ranking
from evals.harness.resampling import SHARE, Resampler, Sample
from evals.harness.scores import Key, Score
from evals.perturbqa.controls import ELSEWHERE, LINES, NEAREST
from evals.perturbqa.score import MODEL
from evals.tasks import TASKS, auroc, labelled
from models.inputs.screens import CELL_LINES

EDGES = (0.1, 0.2, 0.4)
"""Of similarity, between the parts by the nearest measured perturbation."""
NAMES = ("below .1", ".1 to .2", ".2 to .4", ".4 and above")
STRENGTHS = (0.05, 0.1, 0.2)
"""Of the share of a perturbation's rows that changed, between weak and strong ones."""
STRENGTH_NAMES = ("below 5 %", "5 to 10 %", "10 to 20 %", "20 % and above")
FEWEST = 30
WEIGHED = ("nearest", "other lines", "strength")
BY = "composition"
CUTS: Mapping[str, str] = {
    "nearest": "similarity of the nearest measured perturbation",
    "other lines": "other lines that measured the perturbation",
    "pair": "whether another line measured the very pair",
    "strength": "share of the perturbation's rows that changed",
}
TRANSFER = "cross-line transfer"


def with_parts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a column for each of `CUTS`; strength is that of its labelled rows."""
    changed = labelled(table, "de")
    rate = changed.groupby(["cell_line", "pert"], observed=True)["label"].mean()
    of_row = rate.reindex(pd.MultiIndex.from_frame(table[["cell_line", "pert"]])).to_numpy()
    return table.assign(
        nearest_part=_named(table[NEAREST].to_numpy(np.float64), EDGES, NAMES),
        lines_part=table[LINES].fillna(0).astype(int).astype(str),
        pair_part=np.where(table[ELSEWHERE], "measured", "not measured"),
        strength_part=_named(of_row, STRENGTHS, STRENGTH_NAMES),
    ).rename(
        columns={f"{short}_part": f"by {name}" for short, name in
                 (("nearest", "nearest"), ("lines", "other lines"), ("pair", "pair"),
                  ("strength", "strength"))}
    )  # fmt: skip


def parts(
    table: pd.DataFrame, split: str, draw: Resampler, who: str = MODEL, column: str = "p"
) -> Iterator[Score]:
    """Yield the AUROC of the model, and of transfer, in each part, with its share of the rows.

    Args:
        table: Of `with_parts`, with labels.
        split: Of the rows.
        draw: Draws perturbations.
        who: The predictor that stands beside transfer.
        column: Its column.
    """
    for task in TASKS:
        rows = labelled(table, task)
        for cut in CUTS:
            there = set(rows[f"by {cut}"])
            order = [name for name in (*NAMES, *STRENGTH_NAMES) if name in there]
            for part in order or sorted(there):
                here = rows[rows[f"by {cut}"] == part]
                keys: dict[str, Key] = {"by": cut, "part": part, "task": task, "rows": split}
                yield Score(who, "share of rows", len(here) / len(rows), "ours", **keys)
                for name, of_name in ((who, column), (TRANSFER, TRANSFER)):
                    found = auroc(here, of_name, draw)
                    if found is not None and found.readouts >= FEWEST:
                        role = "ours" if name == who else "control"
                        yield Score(name, "auroc", found, role, **keys)


def gap(held_out: pd.DataFrame, tested: pd.DataFrame, draw: Resampler) -> Iterator[Score]:
    """Yield, per task and tested line, what test and held-out rows are, and the latter weighed.

    Args:
        held_out: Of `with_parts`.
        tested: Of `with_parts`.
        draw: Draws perturbations.
    """
    for task in TASKS:
        for line in CELL_LINES:
            test, cv = (labelled(table, task, line) for table in (tested, held_out))
            if test.empty or cv.empty:
                continue
            keys: dict[str, Key] = {"by": BY, "task": task, "cell_line": line}
            for name, rows in (("test", test), ("cv", cv)):
                for what, value in _facts(rows).items():
                    yield Score(MODEL, what, value, "ours", rows=name, **keys)
                if (found := auroc(rows, "p", draw)) is not None:
                    yield Score(MODEL, "auroc", found, "ours", rows=name, **keys)
            used: list[str] = []
            for cut in WEIGHED:
                used.append(f"by {cut}")
                weighed = _weighed(cv, _weights(cv, test, used), draw)
                yield Score(MODEL, "auroc", weighed, "ours", rows=f"cv, as test by {cut}", **keys)


def _facts(rows: pd.DataFrame) -> dict[str, float]:
    groups = rows.groupby(["fold", "gene"], observed=True)["label"]
    share = groups.mean()
    both = (share > 0) & (share < 1)
    perts = rows.drop_duplicates("pert")
    return {
        "count": len(rows),
        "perturbations": len(perts),
        "groups": int(both.sum()),
        "rows per group": float(groups.size()[both].mean()),
        "changed": float(rows["label"].mean()),
        "nearest": float(perts[NEAREST].mean()),
        "lines": float(perts[LINES].fillna(0).mean()),
        "pairs elsewhere": float(rows[ELSEWHERE].mean()),
    }


def _weights(cv: pd.DataFrame, test: pd.DataFrame, used: list[str]) -> FloatArray:
    """Return how much each held-out row counts for the rows to have the parts of the test rows."""
    mine, theirs = (one.groupby(used, observed=True).size() / len(one) for one in (cv, test))
    ratio = (theirs / mine).fillna(0)
    key = pd.MultiIndex.from_frame(cv[used]) if len(used) > 1 else pd.Index(cv[used[0]])
    return np.asarray(ratio.reindex(key).fillna(0).to_numpy(), np.float64)


def _weighed(rows: pd.DataFrame, weight: FloatArray, draw: Resampler) -> Sample:
    group = rows.groupby(["cell_line", "fold", "gene"], observed=True).ngroup().to_numpy(np.int64)
    ranking = Ranking(group, rows["label"].to_numpy(np.int64), rows["p"].to_numpy(np.float64))
    at: IntArray = draw.at(rows["pert"])
    # A group counts as much as the rows that are left of it, else rare parts would count whole.
    of_group = np.bincount(group, weight) / np.bincount(group)
    mean = of_group[ranking.groups][:, None]
    value = ranking.macro(weight[:, None], mean)[0]
    drawn = [
        ranking.macro(draw.part(at, slice(i, i + 50)) * weight[:, None], mean)
        for i in range(0, min(draw.draws, 200), 50)
    ]
    return Sample(
        float(value), np.concatenate(drawn), len(set(rows["pert"])), len(ranking.groups), SHARE
    )


def _named(values: FloatArray, edges: tuple[float, ...], names: tuple[str, ...]) -> list[str]:
    return [names[i] for i in np.searchsorted(np.array(edges), np.nan_to_num(values), "right")]
