"""Turns kept tables into scores and gains; a pure function of them."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from evals.harness.metrics import Ranking
from evals.harness.resampling import Estimate, Resampler, Sample
from evals.harness.scores import Gain, Score
from evals.images.facts import (
    CLASSICAL,
    LEARNT,
    LINEAR,
    OURS,
    PERMUTED,
    REQUIRED,
    TRAITS,
    WellScore,
)

ROLES = {LEARNT: "ours", CLASSICAL: "baseline", LINEAR: "baseline", OURS: "ours", TRAITS: "control"}


def told_apart(table: pd.DataFrame, seed: int, draws: int) -> Iterator[Score]:
    """Yield how well cells of each knockdown are told from control cells, plates held out.

    Intervals are over cells: of wells there are two of a kind on a plate at most.
    """
    for against, rows in table.groupby("against", sort=True):
        resampler = Resampler(rows["cell"], seed, draws)
        samples = {}
        for name in (LEARNT, CLASSICAL, LINEAR):
            samples[name] = _auroc(resampler, rows[rows["predictor"] == name])
        for name, sample in samples.items():
            yield Score(name, "auroc", sample, ROLES[name], part="cells", task=str(against))
        for name in (CLASSICAL, LINEAR):
            gain = samples[LEARNT] - samples[name]
            yield Gain(LEARNT, name, "auroc", gain, "ours", part="cells", task=str(against))
        mixed = [
            _auroc(resampler, one)
            for name, one in rows.groupby("predictor", sort=True)
            if str(name).startswith(PERMUTED)
        ]
        values = np.array([one.value for one in mixed])
        low, high = np.quantile(values, [0.025, 0.975])
        spread = Estimate(
            value=float(values.mean()), low=float(low), high=float(high), n=len(mixed)
        )
        yield Score(PERMUTED, "auroc", spread, "control", part="cells", task=str(against))


def _auroc(resampler: Resampler, rows: pd.DataFrame) -> Sample:
    ranking = Ranking(
        rows["plate"].to_numpy(), rows["label"].to_numpy().astype(int), rows["score"].to_numpy()
    )
    return resampler.auroc(rows["cell"], ranking)


def wells(table: pd.DataFrame) -> Iterator[WellScore]:
    """Yield the mean score of each well, by each predictor that is no control."""
    told = table[table["predictor"].isin([LEARNT, CLASSICAL, LINEAR])]
    keys = ["against", "plate", "well", "perturbation", "predictor"]
    for key, rows in told.groupby(keys, sort=True):
        against, plate, well, perturbation, predictor = map(str, key)
        score = float(rows["score"].mean())
        yield WellScore(
            against=against,
            plate=plate,
            well=well,
            perturbation=perturbation,
            predictor=predictor,
            cells=len(rows),
            score=score,
        )


def pictures(table: pd.DataFrame, seed: int, draws: int) -> Iterator[Score]:
    """Yield how far pictures of the plate not learnt from are from their rebuilt ones."""
    errors = table[table["measure"] == "error"]
    resampler = Resampler(errors["cell"], seed, draws)
    for channel, rows in errors.groupby("channel", sort=True):
        samples = {
            str(name): resampler.mean(one["cell"], one["value"])
            for name, one in rows.groupby("predictor", sort=True)
        }
        for name, sample in samples.items():
            yield Score(
                name, "error", sample, ROLES.get(name, ""), part="pictures", task=str(channel)
            )
        gain = samples[LINEAR] - samples[LEARNT]
        yield Gain(LEARNT, LINEAR, "error", gain, "ours", part="pictures", task=str(channel))
    for key, one in table[table["measure"] == "frechet"].groupby(["plate", "predictor"]):
        plate, name = map(str, key)
        value = Estimate(value=float(one["value"].iloc[0]))
        yield Score(str(name), "frechet", value, ROLES.get(str(name), "reference"),
                    part="generated", task=str(plate))  # fmt: skip


def channels(tables: Mapping[str, pd.DataFrame], seed: int, draws: int) -> Iterator[Score]:
    """Yield the AUROC of each channel over held-out hits, and how far ours is ahead of each."""
    for split, table in tables.items():
        resampler = Resampler(table["unit"], seed, draws)
        every: dict[str, list[Sample]] = {}
        for channel, rows in table.groupby("channel", sort=False):
            samples = {}
            for name, one in rows.groupby("predictor", sort=False):
                # Over all folds at once: scores of all folds are on one scale.
                ranking = Ranking(np.zeros(len(one), int), one["label"].to_numpy().astype(int),
                                  one["score"].to_numpy())  # fmt: skip
                samples[str(name)] = resampler.auroc(one["unit"], ranking)
            yield from _compared(samples, split, str(channel))
            for name, sample in samples.items():
                every.setdefault(name, []).append(sample)
        yield from _compared(
            {name: Sample.mean(some) for name, some in every.items()}, split, "all"
        )


def _compared(samples: Mapping[str, Sample], split: str, channel: str) -> Iterator[Score]:
    for name, sample in samples.items():
        role = ROLES.get(name, "baseline")
        yield Score(name, "auroc", sample, role, part="periscope", task=channel, split=split)
    for name in (*REQUIRED, TRAITS):
        gain = samples[OURS] - samples[name]
        yield Gain(OURS, name, "auroc", gain, "ours", part="periscope", task=channel, split=split)
