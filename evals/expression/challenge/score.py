"""Puts the six measures on the challenge's scale; a pure function of tables and a seed."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from evals.expression.challenge.facts import MEASURES, MOST, PanelFacts, Scale
from evals.harness.resampling import Resampler, Sample
from evals.harness.scores import Gain, Score

DRAWS = 1000
SCORE = "score"
MEAN = "mean response"
FLOOR = -6.0


def value(table: pd.DataFrame, measure: str) -> float:
    """Return what a table of perturbations comes to by one measure.

    The error is a share of the measured effects; where these are no larger than noise there is none
    (nan), as in cell-eval2.
    """
    if measure == "error":
        effects = float(table["distance"].sum())
        return float(table["error"].sum()) / effects if effects > 0 else float("nan")
    return float(table[measure].mean())


def scale_of(mean: pd.DataFrame, replicates: pd.DataFrame, measure: str) -> Scale:
    """Return the scale of a measure.

    Args:
        mean: The table of the mean response.
        replicates: Tables of all splits, told apart by `split`.
        measure: Which.
    """
    splits = [value(one, measure) for _, one in replicates.groupby("split")]
    known = np.isfinite(splits).all()
    zero = value(mean, measure)
    return Scale(
        mean=zero if np.isfinite(zero) else None,
        replicate=float(np.mean(splits)) if known else None,
        spread=float(np.std(splits, ddof=1)) if known and len(splits) > 1 else None,
    )


def scores(
    panel: PanelFacts,
    task: str,
    tables: Mapping[str, pd.DataFrame],
    roles: Mapping[str, str],
    seed: int,
    draws: int = DRAWS,
) -> Iterator[Score]:
    """Yield the scaled measures of every predictor, their mean, and what ours gain over others.

    Args:
        panel: With the scales.
        task: What was held out.
        tables: Of each predictor; that of the mean response is the 0.
        roles: Of each predictor.
        seed: Of the resamples of perturbations, which all share.
        draws: How many.
    """  # fmt: skip
    keys = {"context": panel.context, "task": task}
    perturbations = tables[MEAN]["perturbation"]
    draw = Resampler(perturbations, seed, draws)
    totals: dict[str, Sample] = {}
    for name, table in tables.items():
        found: list[Sample] = []
        for measure in MEASURES:
            if not np.isfinite(value(table, measure)):
                continue
            raw = sample(table, measure, draw)
            yield Score(name, f"raw {measure}", raw, roles[name], **keys)
            if measure in panel.usable:
                found.append(_scaled(raw, sample(tables[MEAN], measure, draw), panel, measure))
                yield Score(name, measure, found[-1], roles[name], **keys)
        if len(found) >= MOST:
            mean = Sample.mean(found)
            totals[name] = Sample(mean.value, mean.draws, len(perturbations))
            yield Score(name, SCORE, totals[name], roles[name], **keys)
    for name in (one for one in totals if roles[one] == "ours"):
        for other in totals:
            if other != name:
                yield Gain(name, other, SCORE, totals[name] - totals[other], "ours", **keys)


def sample(table: pd.DataFrame, measure: str, draw: Resampler) -> Sample:
    """Return a measure with its resamples."""
    units = table["perturbation"]
    if measure == "error":
        return draw.mean(units, table["error"]) / draw.mean(units, table["distance"])
    return draw.mean(units, table[measure])


def _scaled(raw: Sample, zero: Sample, panel: PanelFacts, measure: str) -> Sample:
    """Return a measure on the scale, whose span is not drawn anew."""
    scale = panel.scales[measure]
    span = (scale.replicate or 0.0) - (scale.mean or 0.0)
    low, high = {"error": (0.0, 1.0), "fold change": (FLOOR, np.inf)}.get(
        measure, (-np.inf, np.inf)
    )
    draws = np.clip((raw.draws - zero.draws) / span, low, high)
    return Sample(float(np.clip((raw.value - zero.value) / span, low, high)), draws, raw.units)
