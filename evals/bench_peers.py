"""Measures us and peers on the same rows in one run: `make bench PEERS=DIR` prints the ratios.

DIR is an environment in which cell-gears is installed (docs/expression.md says how), or an empty
folder: then the plain models alone stand beside us. Every fit runs in a process of its own, so
that peak memory is its own. A frozen tabular foundation model is not among them: TabPFN and TabICL
fetch their weights from a hub when first used, and nothing is fetched here.
"""

import resource
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from models.expression.baselines import (
    LinearSelf,
    NearestNeighbours,
    RidgeFeatures,
    TrainingMean,
    filled,
)
from models.expression.choice import Fold, folds_of
from models.expression.genes import GeneFeatures
from models.expression.kernel import KernelResidual
from models.expression.screens import ExpressionScreen, IntArray, Predictor

OURS = "Knockwise, kernel residual"
GEARS = "GEARS, one epoch"
CONTEXT, LARGE = "norman", "replogle-k562"
FOLDS = 5
FACTORS = (1, 2, 4)
LEAST_PERTURBATIONS, LEAST_READOUTS = 200, 500
"""Of the large screen at the factor 1."""


class Fitted(NamedTuple):
    """What one fit took and reached.

    Attributes:
        train_s: Seconds of training; of a lazy model none.
        predict_s: Seconds of predicting the held-out rows.
        memory_mib: Peak of the process.
        error: Mean L2 to the held-out responses.
    """

    train_s: float
    predict_s: float
    memory_mib: float
    error: float

    @property
    def whole_s(self) -> float:
        """Return training and prediction together."""
        return self.train_s + self.predict_s


def compared(data: Path, peers: Path, console: Console) -> list[dict[str, object]]:
    """Print us beside peers on the same rows, and how each grows; return the numbers.

    Args:
        data: Data folder or mirror.
        peers: An environment with cell-gears, or a folder without one.
        console: Where to print.

    Raises:
        DataError: A file is missing.
    """
    from models.expression.genes import gene_features
    from models.expression.mirror import read_contexts

    small, large = read_contexts(data, [CONTEXT, LARGE])
    features = gene_features(data, also={*small.genes, *large.genes})
    models = _models(features)
    fold = folds_of(small, "singles", FOLDS, 0)[0]
    found = {name: _measured(model, small, fold) for name, model in models.items()}
    python = peers / "bin" / "python"
    rival = None
    if python.is_file():
        from evals.expression.gears import Gears

        rival = Gears(python, data, epochs=1)
        found[GEARS] = _measured(rival, small, fold)
    else:
        console.print(f"{python} is not there: GEARS is left out.", style="dim")
    console.print(_table(f"{CONTEXT}: {len(fold.training)} perturbations learnt from", found))
    records: list[dict[str, object]] = [
        {"peer": name, "rows": CONTEXT, **one._asdict()} for name, one in found.items()
    ]
    sizes = [*_grown(large, LEAST_PERTURBATIONS, LEAST_READOUTS)]
    grown = {
        name: [_measured(model, part, held) for _, part, held in sizes]
        for name, model in models.items()
    }
    columns = [label for label, *_ in sizes]
    console.print(_growth(f"{LARGE}: seconds", columns, grown))
    if rival is not None:
        parts = [*_grown(small, max(4, len(fold.training) // FACTORS[-1]), None)]
        theirs = {GEARS: [_measured(rival, part, held) for _, part, held in parts]}
        console.print(_growth(f"{CONTEXT}: seconds", [label for label, *_ in parts], theirs))
        records += _kept(theirs, [label for label, *_ in parts])
    return records + _kept(grown, columns)


def _models(features: GeneFeatures) -> dict[str, Predictor]:
    rivals = (LinearSelf(), RidgeFeatures(features), NearestNeighbours(features))
    return {OURS: KernelResidual(features), **{one.name: one for one in rivals}}


def _grown(
    screen: ExpressionScreen, perturbations: int, readouts: int | None
) -> Iterator[tuple[str, ExpressionScreen, Fold]]:
    """Yield parts of a screen, once, twice and four times as large, and what is held out of them.

    Args:
        screen: Of which single perturbations are taken.
        perturbations: At the factor 1.
        readouts: At the factor 1; None: all of them always.
    """
    rng = np.random.default_rng(0)
    rows = rng.permutation(screen.rows(several=False))
    columns = rng.permutation(len(screen.readouts))
    for factor in FACTORS:
        kept = columns if readouts is None else columns[:readouts]
        part = _part(screen, rows[: factor * perturbations], kept)
        yield f"{factor}x perturbations ({len(part):,})", part, _first(part)
    for factor in FACTORS[1:] if readouts is not None else ():
        part = _part(screen, rows[:perturbations], columns[: factor * (readouts or 0)])
        yield f"{factor}x readouts ({len(part.readouts):,})", part, _first(part)


def _first(screen: ExpressionScreen) -> Fold:
    return folds_of(screen, "singles", FOLDS, 0, fewest=2)[0]


def _part(screen: ExpressionScreen, rows: IntArray, columns: IntArray) -> ExpressionScreen:
    taken = screen.take(np.sort(rows))
    at = np.sort(columns)
    return replace(
        taken,
        readouts=tuple(taken.readouts[column] for column in at),
        response=taken.response[:, at],
        baseline=None if taken.baseline is None else taken.baseline[at],
    )


def _measured(model: Predictor, screen: ExpressionScreen, fold: Fold) -> Fitted:
    """Return what a model takes and reaches, in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_fitted, model, screen, fold).result()


def _fitted(model: Predictor, screen: ExpressionScreen, fold: Fold) -> Fitted:
    from models.threads import yield_cores

    yield_cores()
    asked = [screen.perturbations[row] for row in fold.held_out]
    began = time.perf_counter()
    fitted = model.fit(screen.take(fold.training), 0)
    trained = time.perf_counter()
    said = fitted.predict(asked)
    done = time.perf_counter()
    # Where a model has no answer the training mean stands in, as in `eval expression`.
    fallback = TrainingMean().fit(screen.take(fold.training), 0).predict(asked)
    said, _ = filled(said, fallback)
    wrong = (said - screen.response[fold.held_out])[:, screen.scored]
    peak = max(resource.getrusage(who).ru_maxrss
               for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))  # fmt: skip
    error = float(np.linalg.norm(wrong, axis=1).mean())
    return Fitted(trained - began, done - trained, peak / 1024, error)


def _table(title: str, found: dict[str, Fitted]) -> Table:
    made = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    names = ("", "train", "predict", "times ours", "peak memory", "times ours", "mean L2",
             "times ours")  # fmt: skip
    for name in names:
        made.add_column(name, justify="right" if name else "left")
    ours = found[OURS]
    for name, one in found.items():
        made.add_row(
            name, f"{one.train_s:,.2f} s", f"{one.predict_s:,.2f} s",
            f"{one.whole_s / ours.whole_s:,.1f}", f"{one.memory_mib:,.0f} MiB",
            f"{one.memory_mib / ours.memory_mib:.1f}", f"{one.error:.3f}",
            f"{one.error / ours.error:.2f}",
        )  # fmt: skip
    return made


def _growth(title: str, columns: Sequence[str], grown: dict[str, list[Fitted]]) -> Table:
    made = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    made.add_column("")
    for name in columns:
        made.add_column(name, justify="right")
    for name, several in grown.items():
        first = several[0].whole_s
        cells = (f"{one.whole_s:,.2f} ({one.whole_s / first:.1f}x)" for one in several)
        made.add_row(name, *cells)
    return made


def _kept(grown: dict[str, list[Fitted]], columns: Sequence[str]) -> list[dict[str, object]]:
    return [
        {"peer": name, "rows": label, **one._asdict()}
        for name, several in grown.items()
        for label, one in zip(columns, several, strict=True)
    ]
