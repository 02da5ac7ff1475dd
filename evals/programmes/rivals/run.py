"""Fits SAMS-VAE and its comparators in a run folder; a run that was stopped goes on."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from scipy import stats

import evals.programmes.rivals
from evals.harness.resampling import Estimate
from evals.harness.run import Inputs, Run, Unit
from evals.harness.scores import Results, Score
from evals.programmes.rivals import doubles
from evals.programmes.rivals.cells import PAPALEXI, Cells, papalexi, simulated
from evals.programmes.rivals.fitting import Measured, fitted, measured
from evals.programmes.rivals.models import KINDS, Kind
from evals.programmes.rivals.page import BENCHMARK, MEASURES, NAMES
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from models import expression as model
from models.expression import mirror
from models.inputs import annotations

SIMULATION = "simulation"


class RivalsEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="First of the seeds.")
    seeds: int = Field(3, description="Of parts, simulations and weights.")
    epochs: int = Field(25, description="At most, with early stopping.")
    hidden: int = Field(64, description="Width of the networks.")


def evaluate(data: Path, out: Path, settings: RivalsEval, progress: Progress) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Raises:
        DataError: A file is missing.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    names = (PAPALEXI, *mirror.files(doubles.CONTEXTS), *annotations.FILES)
    inputs = Inputs({name: root / name for name in names}, (evals.programmes.rivals, model),
                    {"torch": torch.__version__})  # fmt: skip

    def scored(run: Run) -> Results:
        seeds = range(settings.seed, settings.seed + settings.seeds)
        units = [
            Unit(
                f"{name}/{kind}/{seed}",
                partial(_fit, data, name, kind, seed, settings),
                name,
            )
            for seed in seeds
            for name in (SIMULATION, "Papalexi")
            for kind in KINDS
        ]
        pairs = [
            Unit(f"doubles/{name}/{seed}", partial(doubles.errors, data, name, seed), "doubles")
            for seed in seeds
            for name in doubles.CONTEXTS
        ]
        table = pd.concat(run.tables(units, 0.0, 0.95), ignore_index=True)
        errors = pd.concat(run.tables(pairs, 0.95, 0.98), ignore_index=True)
        found = [*_scores(table), *doubles.scores(errors, settings.seed)]
        return Results.of(BENCHMARK.kind, found)

    return BENCHMARK.evaluate(out, settings, inputs, scored, progress)


def _fit(data: Path, name: str, kind: Kind, seed: int, settings: RivalsEval) -> pd.DataFrame:
    torch.set_num_threads(1)
    cells: Cells = simulated(seed) if name == SIMULATION else papalexi(data, seed)
    latent = 8 if name == SIMULATION else 20
    model = fitted(kind, cells, seed, settings.epochs, latent, settings.hidden)
    found = measured(model, cells, seed)
    return pd.DataFrame([{"data": name, "kind": kind, "seed": seed, **found._asdict()}])


def _scores(table: pd.DataFrame) -> Iterator[Score]:
    for (name, kind), rows in table.groupby(["data", "kind"], sort=False):
        for measure in Measured._fields[:-1]:
            values = rows[measure].dropna().to_numpy()
            if len(values):
                yield Score(str(kind), NAMES[measure], over_seeds(values), data=str(name))
    wide = table.set_index(["data", "seed", "kind"]).test.unstack("kind")
    for name, rows in wide.groupby(level="data"):
        for kind in KINDS[1:]:
            ahead = (rows[KINDS[0]] - rows[kind]).to_numpy()
            yield Score(KINDS[0], f"test IWELBO ahead of {kind}", over_seeds(ahead), "ahead",
                        data=str(name))  # fmt: skip


def over_seeds(values: np.ndarray) -> Estimate:
    """Return the mean with the 95 % interval of Student's t over seeds."""
    n, mean = len(values), float(values.mean())
    if n < 2:
        return Estimate(value=mean, n=n)
    half = float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Estimate(value=mean, low=mean - half, high=mean + half, n=n)


__all__ = ["MEASURES", "RivalsEval", "evaluate"]
