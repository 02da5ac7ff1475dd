"""Scores gene properties in a run folder; a run that was stopped goes on with what it has.

`units/` holds the held-out scores of a task, condition and predictor, a row per gene and repeat;
`maps/` the places of genes on the maps, before and after message passing.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from evals import genen as benchmark
from evals.genen import study_bias
from evals.genen.comparison import compared
from evals.genen.facts import HEADLINE, Condition, Neighbourhood
from evals.genen.maps import MAPPED, draw_map
from evals.genen.page import BENCHMARK
from evals.genen.units import GenenEval, Unit, fit, planned
from evals.genen.workers import clock_of, fit_together, merge_times
from evals.genen.world import PATHWAYS, PUBLISHED, World, read_world
from evals.harness.run import Inputs, Run, part, write_table
from evals.harness.scores import Results
from knowledge.progress import Progress
from knowledge.sources.genes import HGNC, sources_root
from knowledge.texts.encoder import Encoder
from models import genen as model
from models.genen import graphs, interactions, labels, texts
from models.genen.labels import PropertyTask

UNSCORED = frozenset(
    {"workers", "attribution", "checkpoint", "heads", "model", "neighbourhood", "representation",
     "shipping"}
)  # fmt: skip
"""Modules that no figure depends on, such as those of the model that is shipped."""


def evaluate(
    data: Path,
    out: Path,
    settings: GenenEval,
    encoder: Encoder,
    cache: Path,
    jobs: int,
    progress: Progress,
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        settings: What is evaluated.
        encoder: Embeds texts.
        cache: Folder that keeps embeddings from run to run.
        jobs: Processes that share the work.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
    """
    inputs = _inputs(sources_root(data), encoder)
    return BENCHMARK.evaluate(
        out,
        settings,
        inputs,
        lambda run: _evaluated(data, run, settings, encoder, cache, jobs),
        progress,
    )


def _evaluated(
    data: Path, run: Run, settings: GenenEval, encoder: Encoder, cache: Path, jobs: int
) -> Results:
    with run.clock("read"):
        run.progress("reading tasks and texts", 0.0)
        world = read_world(data, settings.tasks, settings.seed, encoder, cache)
    units = planned(world, settings)
    told = part(run.progress, 0.01, 0.89)
    if jobs > 1:
        _read_texts(world, units, told)
        fit_together(units, data, replace(run, progress=told), settings, encoder.name, cache, jobs)
    else:
        clock = clock_of(run.out, 0)
        for number, unit in enumerate(units):
            fit(unit, world, run, settings, clock, part(told, number / len(units), 0))
    with run.clock("maps"):
        maps = _maps(world, run, settings)
    with run.clock("score"):
        tables = {
            (unit.task.name, unit.condition, unit.entry.predictor.name): pd.read_parquet(
                run.path(unit.name)
            )
            for unit in units
        }
        roles = {unit.entry.predictor.name: unit.entry.role for unit in units}
        told = part(run.progress, 0.95, 0.04)
        found = compared(world, tables, roles, maps, settings.draws, told)
    merge_times(run.out)
    return found


def _read_texts(world: World, units: Sequence[Unit], told: Progress) -> None:
    """Encode every text before several processes ask for the same ones."""
    for compartment in {unit.condition.compartment for unit in units}:
        kinds = {unit.condition.graph for unit in units} - {None, "ppi"}
        kind = "go" if kinds else "ppi"
        world.inputs(Condition(graph=kind, compartment=compartment), part(told, 0, 0))


def _maps(world: World, run: Run, settings: GenenEval) -> tuple[Neighbourhood, ...]:
    """Return what the maps show; each is drawn once and kept."""
    if HEADLINE.graph not in settings.graphs:
        return ()
    told = part(run.progress, 0.9, 0.05)
    tasks = [task for task in world.tasks if task.name in MAPPED]
    found: list[Neighbourhood] = []
    for number, task in enumerate(tasks):
        told(f"{task.name}: a map of its genes", number / len(tasks))

        def drawn(task: PropertyTask = task) -> tuple[Neighbourhood, ...]:
            inputs = world.inputs(HEADLINE, told)
            rng = np.random.default_rng(settings.seed)
            places, said = draw_map(task, inputs, world.pathways, rng)
            write_table(places, run.out / "maps" / f"{task.name}.parquet")
            return said

        found += run.figures(f"maps/{task.name}", tuple[Neighbourhood, ...], drawn, "maps")
    return tuple(found)


def _inputs(root: Path, encoder: Encoder) -> Inputs:
    """Return what the figures rest on."""
    names = [
        *labels.FILES, *texts.FILES, *interactions.FILES, graphs.OBO, graphs.GAF,
        study_bias.PUBLICATIONS, PATHWAYS, PUBLISHED, HGNC,
    ]  # fmt: skip
    return Inputs(
        {name: root / name for name in names},
        (benchmark, model),
        {"encoder": encoder.fingerprint},
        UNSCORED,
    )
