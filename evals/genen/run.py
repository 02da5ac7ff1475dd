"""Scores gene properties in a run folder; a run that was stopped goes on with what it has.

config.json      settings, hashes of data and code; a folder holds one run
units/           held-out scores of a task, condition and predictor, a row per gene and repeat
maps/            places of genes on the maps, before and after message passing
metrics.json     every figure; the same after a second run with the same seed
timing.json      how long each predictor took and how much memory
scoreboard.md    the tables; report.html has the plots too
"""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evals.folder import Clock, claim, finished, part, write_table
from evals.genen.comparison import compared
from evals.genen.maps import MAPPED, draw_map
from evals.genen.render import render
from evals.genen.schema import HEADLINE, Condition, Metrics, Neighbourhood
from evals.genen.units import GenenEval, Unit, fit, planned
from evals.genen.workers import clock_of, fit_together, merge_times
from evals.genen.world import PATHWAYS, PUBLISHED, World, read_world
from knowledge.files import replace_text
from knowledge.sources.registry import missing, sha256_of
from knowledge.texts.encoder import Encoder
from models.genen import graphs, interactions, labels, study_bias, texts
from models.provenance import code_commit
from models.response.annotations import HGNC, sources_root
from models.response.settings import Progress

UNSCORED = frozenset(
    {"plots", "render", "report", "tables", "workers", "attribution", "checkpoint", "heads",
     "model", "neighbourhood", "representation", "shipping"}
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
) -> Metrics:
    """Return the metrics; a finished run is read, an interrupted one gone on with.

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
    claim(out, _config(sources_root(data), settings, encoder))
    metrics = finished(
        out, Metrics, lambda: _evaluated(data, out, settings, encoder, cache, jobs, progress)
    )
    progress("drawing", 0.99)
    render(metrics, out)
    progress("done", 1.0)
    return metrics


def _evaluated(
    data: Path,
    out: Path,
    settings: GenenEval,
    encoder: Encoder,
    cache: Path,
    jobs: int,
    progress: Progress,
) -> Metrics:
    clock = Clock(out)
    with clock("read"):
        progress("reading tasks and texts", 0.0)
        world = read_world(data, settings.tasks, settings.seed, encoder, cache)
    units = planned(world, settings)
    told = part(progress, 0.01, 0.89)
    if jobs > 1:
        _read_texts(world, units, told)
        fit_together(units, data, out, settings, encoder.name, cache, jobs, told)
    else:
        fits = clock_of(out, 0)
        for number, unit in enumerate(units):
            now = part(told, number / len(units), 0)
            fit(unit, world, out / "units", settings, fits, now)
    with clock("maps"):
        maps = _maps(world, out / "maps", settings, part(progress, 0.9, 0.05))
    with clock("score"):
        tables = {
            (unit.task.name, unit.condition, unit.entry.predictor.name): pd.read_parquet(
                out / "units" / unit.path
            )
            for unit in units
        }
        roles = {unit.entry.predictor.name: unit.entry.role for unit in units}
        found = compared(world, tables, roles, maps, settings.draws, part(progress, 0.95, 0.04))
    merge_times(out)
    return found


def _read_texts(world: World, units: Sequence[Unit], told: Progress) -> None:
    """Encode every text before several processes ask for the same ones."""
    for compartment in {unit.condition.compartment for unit in units}:
        kinds = {unit.condition.graph for unit in units} - {None, "ppi"}
        kind = "go" if kinds else "ppi"
        world.inputs(Condition(graph=kind, compartment=compartment), part(told, 0, 0))


def _maps(
    world: World, folder: Path, settings: GenenEval, told: Progress
) -> tuple[Neighbourhood, ...]:
    """Return what the maps show; each is drawn once and kept."""
    tasks = [task for task in world.tasks if task.name in MAPPED]
    if HEADLINE.graph not in settings.graphs:
        return ()
    found: list[Neighbourhood] = []
    for number, task in enumerate(tasks):
        told(f"{task.name}: a map of its genes", number / len(tasks))
        kept = folder / f"{task.name}.json"
        if not kept.is_file():
            inputs = world.inputs(HEADLINE, told)
            rng = np.random.default_rng(settings.seed)
            places, said = draw_map(task, inputs, world.pathways, rng)
            write_table(places, kept.with_suffix(".parquet"))
            record = [one.model_dump() for one in said]
            replace_text(kept, json.dumps(record, indent=1) + "\n")
        record = json.loads(kept.read_text(encoding="utf-8"))
        found += [Neighbourhood.model_validate(one) for one in record]
    return tuple(found)


def _config(root: Path, settings: GenenEval, encoder: Encoder) -> dict[str, Any]:
    """Return what a run is, with hashes of what goes into it."""
    names = [
        *labels.FILES, *texts.FILES, *interactions.FILES, graphs.OBO, graphs.GAF,
        study_bias.PUBLICATIONS, PATHWAYS, PUBLISHED, HGNC,
    ]  # fmt: skip
    paths = {name: root / name for name in dict.fromkeys(names)}
    for path in paths.values():
        if not path.is_file():
            raise missing(path)
    folders = (Path(labels.__file__).parent, Path(__file__).parent)
    code = [path for folder in folders for path in folder.glob("*.py") if path.stem not in UNSCORED]
    return {
        "settings": settings.model_dump(mode="json"),
        "data": {name: sha256_of(path) for name, path in paths.items()}
        | {"encoder": encoder.fingerprint},
        "code": {
            f"{path.parent.parent.name}/genen/{path.name}": sha256_of(path) for path in sorted(code)
        },
        "commit": code_commit(),
        "knockwise": version("knockwise"),
    }
