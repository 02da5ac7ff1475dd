"""Runs the gene-set benchmarks into a folder; a run that was stopped goes on with what it has.

`predictions.parquet` holds every official test row of the set tasks, `names.tsv` every cluster,
what each namer calls it, and what people did.
"""

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from evals import genesets as benchmark
from evals import tasks
from evals.genesets import labels, naming
from evals.genesets.library import library_files, read_library
from evals.genesets.naming import name_clusters, read_clusters, score_names
from evals.genesets.page import BENCHMARK
from evals.genesets.score import (
    PREDICTIONS,
    held_out_predictions,
    official_predictions,
    score_sets,
)
from evals.genesets.stack import SetSettings, fit_sets
from evals.genesets.world import World, read_world
from evals.harness.run import Inputs, Run, part, write_table
from evals.harness.scores import Results, Score
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.texts.encoder import Encoder, load_encoder
from models.inputs import annotations
from models.inputs.screens import SCREEN_FILES, Setting

SETTINGS: tuple[Setting, ...] = ("multi", "strict")


class GenesetsEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="Seed of everything that is drawn.")


class Facts(Frozen):
    """What the page tells besides the scores.

    Attributes:
        encoder: Name of what compares names.
        sets: Named sets in the library.
        genes: Genes in any of them.
        without_label: Clusters that people gave no name.
    """

    encoder: str
    sets: int
    genes: int
    without_label: int


def evaluate(data: Path, out: Path, settings: GenesetsEval, progress: Progress) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Folder that holds `perturbqa/`, `knowledge/` and `networks/`.
        out: The run folder.
        settings: What is evaluated.
        progress: Told what is being done and how far it is.

    Raises:
        DataError: A file is missing.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    library = {path.relative_to(root).as_posix(): path for path in library_files(root).values()}
    names = [*labels.FILES, *SCREEN_FILES, *annotations.FILES, *naming.FILES.values()]
    encoder = load_encoder()
    inputs = Inputs(
        {**{name: root / name for name in names}, **library},
        (benchmark, tasks),
        {"encoder": encoder.fingerprint},
    )
    return BENCHMARK.evaluate(
        out, settings, inputs, lambda run: _evaluated(root, run, settings.seed, encoder), progress
    )


def _evaluated(root: Path, run: Run, seed: int, encoder: Encoder) -> Results:
    scores = [*_sets(root, run, seed)]
    told = part(run.progress, 0.8, 0.2)
    told("reading named gene sets", 0.0)
    library, clusters = read_library(root), read_clusters(root)
    rng = np.random.default_rng(seed)
    table = run.table("names", lambda: name_clusters(clusters, library, encoder, rng, told))
    table.to_csv(run.out / "names.tsv", sep="\t", index=False)
    facts = Facts(
        encoder=encoder.name,
        sets=len(library.sets),
        genes=len(library.background),
        without_label=sum(cluster.label is None for cluster in clusters),
    )
    shutil.rmtree(run.out / "partial", ignore_errors=True)
    return Results.of(BENCHMARK.kind, [*scores, *score_names(table, seed)], facts)


def _sets(root: Path, run: Run, seed: int) -> Iterator[Score]:
    """Fit both settings and yield their scores."""
    read = cache(lambda: read_world(root, part(run.progress, 0.0, 0.1)))
    tested = []
    for number, setting in enumerate(SETTINGS):
        told = part(run.progress, 0.1 + 0.35 * number, 0.35, setting)
        paths = {name: run.path(f"{setting}/{name}") for name in ("held_out", "tested")}
        if not all(path.is_file() for path in paths.values()):
            with run.clock(setting):
                for name, table in _predicted(root, run, setting, seed, read(), told).items():
                    write_table(table, paths[name])
        told("scoring", 0.95)
        yield from score_sets(pd.read_parquet(paths["held_out"]), "cv", seed)
        tested.append(pd.read_parquet(paths["tested"]))
    table = pd.concat(tested, ignore_index=True)
    yield from score_sets(table, "test", seed)
    write_table(table[PREDICTIONS], run.out / "predictions.parquet")


def _predicted(
    root: Path, run: Run, setting: Setting, seed: int, world: World, told: Progress
) -> dict[str, pd.DataFrame]:
    """Return what a setting's model says of held-out training rows and of the official ones."""
    symbols = read_symbols(root)
    model = fit_sets(world, SetSettings(setting=setting, seed=seed), run.out / "partial", told)
    return {
        "held_out": held_out_predictions(world, model, setting, seed),
        "tested": official_predictions(world, model, setting, seed, root, symbols),
    }
