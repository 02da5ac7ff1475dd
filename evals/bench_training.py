"""Measures training and prediction of the response model from a data folder, and how they grow."""

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from evals.bench import Measurement
from models.inputs.screens import CELL_LINES
from models.response.corpus import read_corpus
from models.response.scoring import FittedModel, fit_model
from models.response.settings import TrainingSettings

SHARES = (0.25, 0.5, 1.0)
RUN = TrainingSettings(folds=2, rounds=100)
PAIRS = (1_000, 10_000, 50_000)


def measured(data: Path) -> Iterator[Measurement]:
    """Yield the measurements; the growth is over shares of the perturbations and over pairs.

    Training here is two folds and a hundred rounds, so that growth is seen in minutes; a shipped
    training has ten folds and more rounds.

    Raises:
        DataError: A file is missing.
    """
    began = time.perf_counter()
    corpus = read_corpus(data, RUN.setting, _silent)
    yield _seconds("read the data", began)
    rows = corpus.screens.rows
    order = np.random.default_rng(0).permutation(len(corpus.screens.perturbations))
    fitted: FittedModel | None = None
    for share in SHARES:
        visible = np.isin(rows.pert, order[: int(len(order) * share)])
        began = time.perf_counter()
        fitted = fit_model(corpus, RUN, None, _silent, visible)
        wall = time.perf_counter() - began
        count = int(visible.sum())
        yield Measurement(name=f"train on {count:,} rows", value=wall, unit="s")
        yield Measurement(name="... rate", value=count / wall, unit="rows/s")
    if fitted is not None:
        yield from _prediction(fitted)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Measurement(name="training, peak memory", value=peak, unit="MiB", limit=6144)


def _prediction(fitted: FittedModel) -> Iterator[Measurement]:
    rng = np.random.default_rng(0)
    screens = fitted.corpus.screens
    for count in PAIRS:
        pairs = pd.DataFrame(
            {
                "pert": rng.choice(np.array(screens.perturbations), count),
                "gene": rng.choice(np.array(screens.readouts), count),
                "cell_line": rng.choice(np.array(CELL_LINES), count),
            }
        )
        began = time.perf_counter()
        fitted.predict(pairs)
        wall = time.perf_counter() - began
        yield Measurement(name=f"predict {count:,} scattered pairs", value=wall, unit="s")
        yield Measurement(name="... rate", value=count / wall, unit="rows/s")


def _seconds(name: str, began: float) -> Measurement:
    return Measurement(name=name, value=time.perf_counter() - began, unit="s")


def _silent(what: str, share: float) -> None:
    """Tell nobody."""
