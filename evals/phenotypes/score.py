"""Turns the measures of every fold into scores and gains; a pure function of them."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from evals.harness.metrics import FloatArray
from evals.harness.resampling import Sample
from evals.harness.scores import Gain, Score
from evals.phenotypes.facts import MEASURES, Curve, Division, Role
from evals.phenotypes.measures import Measures


def as_table(found: Measures) -> pd.DataFrame:
    """Return the measures of one fold as rows of `kind`, `name`, `place` and `value`.

    A measure's place 0 is its value and the others are its resamples; a curve's place is its
    threshold.
    """
    samples = {
        ("measure", "f_max"): found.f_max,
        ("measure", "s_min"): found.s_min,
        ("measure", "auroc"): found.ranked.auroc,
        ("measure", "auprc"): found.ranked.auprc,
    }
    samples |= {("system", name): one.auroc for name, one in found.systems.items()}
    counts = {"genes": found.genes, "terms": found.ranked.terms, "threshold": found.threshold}
    series: dict[tuple[str, str], FloatArray] = {
        key: np.r_[one.value, one.draws] for key, one in samples.items()
    }
    series |= {("curve", "precision"): found.precision, ("curve", "recall"): found.recall}
    series |= {("count", name): np.array([value], float) for name, value in counts.items()}
    for name, one in found.systems.items():
        series["terms", name] = np.array([one.terms], float)
    parts = [
        pd.DataFrame({"kind": kind, "name": name, "place": range(len(values)), "value": values})
        for (kind, name), values in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


class Folds:
    """One predictor's measures over the folds of a division.

    Args:
        tables: What `as_table` made of each fold.
        role: What the predictor is.
    """

    def __init__(self, tables: Sequence[pd.DataFrame], role: Role) -> None:
        self.role: Role = role
        self._series = [
            {
                (str(kind), str(name)): rows.sort_values("place")["value"].to_numpy(float)
                for (kind, name), rows in table.groupby(["kind", "name"], sort=False)
            }
            for table in tables
        ]

    def __len__(self) -> int:
        return len(self._series)

    def names(self, kind: str) -> list[str]:
        """Return what there is of a kind in every fold, in order."""
        first, *others = self._series
        return [n for k, n in first if k == kind and all((k, n) in one for one in others)]

    def sample(self, kind: str, name: str) -> Sample:
        """Return the mean over folds, draw by draw."""
        found = [one[kind, name] for one in self._series]
        genes = [int(one["count", "genes"][0]) for one in self._series]
        return Sample.mean(
            [Sample(float(v[0]), v[1:], n) for v, n in zip(found, genes, strict=True)]
        )

    def count(self, name: str, kind: str = "count") -> float:
        """Return the mean of a number over folds."""
        return float(np.mean([one[kind, name][0] for one in self._series]))

    def total(self, name: str) -> int:
        """Return the sum of a number over folds."""
        return int(sum(one["count", name][0] for one in self._series))

    def curve(self, name: str) -> FloatArray:
        """Return the mean over folds at each threshold, nan where no fold has a value."""
        values = np.stack([one["curve", name] for one in self._series])
        found = np.isfinite(values)
        total = np.where(found, values, 0).sum(axis=0)
        return np.where(found.any(axis=0), total / np.maximum(found.sum(axis=0), 1), np.nan)


def scores(about: Division, found: Mapping[str, Folds]) -> Iterator[Score]:
    """Yield the score of every predictor by every measure, and how far ours are ahead of others."""
    for measure, what in MEASURES.items():
        samples = {name: folds.sample("measure", measure) for name, folds in found.items()}
        for name, sample in samples.items():
            yield Score(name, measure, sample, found[name].role, **about.keys)
        for name, mine in samples.items():
            for other, theirs in samples.items() if found[name].role == "ours" else ():
                if other != name:
                    ahead = what.ahead(mine, theirs)
                    yield Gain(name, other, measure, ahead, "ours", **about.keys)


def systems(about: Division, found: Mapping[str, Folds]) -> Iterator[Score]:
    """Yield the macro AUROC of every system that has terms to rank, and how many were ranked."""
    told: dict[str, int] = {}
    for name, folds in found.items():
        for system in folds.names("system"):
            sample = folds.sample("system", system)
            if math.isfinite(sample.value):
                told[system] = round(folds.count(system, "terms"))
                yield Score(name, "auroc", sample, folds.role, system=system, **about.keys)
    for system, terms in told.items():
        yield Score("", "terms", terms, system=system, **about.keys)


def curves(about: Division, found: Mapping[str, Folds]) -> Iterator[Curve]:
    """Yield precision and recall of every predictor that is no ablation."""
    for name, folds in found.items():
        if folds.role == "ablation":
            continue
        precision = [round(p, 5) if math.isfinite(p) else None for p in folds.curve("precision")]
        yield Curve(
            collection=about.collection,
            split=about.split,
            predictor=name,
            role=folds.role,
            precision=tuple(precision),
            recall=tuple(round(r, 5) for r in folds.curve("recall")),
        )
