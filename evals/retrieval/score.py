"""Turns what was found into recalls with intervals; a pure function of tables and a seed."""

from collections.abc import Iterator, Sequence

import pandas as pd

from evals.harness.resampling import Resampler
from evals.harness.scores import Gain, Score
from evals.retrieval.asking import LEGS, MEASURES, RANDOM, WHOLE
from evals.retrieval.questions import SETS
from evals.retrieval.rivals.encoders import OURS

SEARCH, ENCODER = "search", "encoder"
EVERY = "all in prose"


def search_scores(table: pd.DataFrame, seed: int, draws: int) -> Iterator[Score]:
    """Yield the recall of each search on each set, and how far the whole index is ahead."""
    for name in SETS:
        mine = table[table["set"] == name]
        if not mine.empty:
            yield from _scores(mine, (*LEGS, RANDOM), WHOLE, seed, draws, task=SEARCH, set=name)


def encoder_scores(table: pd.DataFrame, seed: int, draws: int) -> Iterator[Score]:
    """Yield the recall of each encoder, on each set and on all of them, and its gain over ours."""
    names = list(dict.fromkeys(table["predictor"]))
    for name in (*dict.fromkeys(table["set"]), EVERY):
        mine = table if name == EVERY else table[table["set"] == name]
        yield from _scores(mine, names, OURS, seed, draws, task=ENCODER, set=name)


def _scores(
    table: pd.DataFrame, names: Sequence[str], ours: str, seed: int, draws: int, **keys: str
) -> Iterator[Score]:
    draw = Resampler(table["unit"], seed, draws)
    for measure in MEASURES:
        found = {}
        for name in names:
            mine = table[table["predictor"] == name]
            found[name] = draw.mean(mine["unit"], mine[measure])
        for name, sample in found.items():
            role = "ours" if name == ours else "control" if name == RANDOM else "rival"
            yield Score(name, measure, sample, role, **keys)
            if name == ours:
                continue
            if keys["task"] == SEARCH:
                yield Gain(ours, name, measure, found[ours] - sample, "ours", **keys)
            else:
                yield Gain(name, ours, measure, sample - found[ours], "rival", **keys)
