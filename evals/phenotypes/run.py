"""Scores predicted phenotypes in a run folder; a run that was stopped goes on with what it has.

config.json      settings, hashes of data and code; a folder holds one run
alignments.parquet  proteins against each other by MMseqs2, for splits and baselines
candidates.parquet  the same by the search of our model
units/           a table per collection, split, predictor and fold
metrics.json     every figure; the same after a second run with the same seed
timing.json      how long each predictor took and how much memory
scoreboard.md    the tables; report.html has the plots too
"""

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evals.folder import Clock, claim, finished, part, write_table
from evals.phenotypes import score
from evals.phenotypes.bottleneck import bottleneck
from evals.phenotypes.measures import DRAWS, information_content, measured
from evals.phenotypes.predictors import Entry, Task, World, entries, fitted, predicted
from evals.phenotypes.render import render
from evals.phenotypes.schema import (
    MEASURES,
    Bottleneck,
    Curve,
    Division,
    Gain,
    Metrics,
    Score,
    SystemScore,
)
from evals.phenotypes.score import Folds, as_table
from knowledge.files import replace_text
from knowledge.schema import Frozen
from knowledge.sources.registry import missing, sha256_of
from models.genepheno import baselines, ontology, phenotypes, sequences
from models.genepheno.baselines import Aligner, AllAgainstAll, searched
from models.genepheno.homology import Hits, families
from models.genepheno.phenotypes import (
    FEWEST_GENES,
    Collection,
    PhenotypeLabels,
    read_labels,
)
from models.genepheno.predictor import GenePheno, Workbench, aligned
from models.genepheno.sequences import Protein, by_gene, read_proteins
from models.genepheno.splits import (
    FOLDS,
    GeneSplit,
    SplitName,
    homology_split,
    random_split,
    temporal_split,
)
from models.provenance import code_commit
from models.response.annotations import read_symbols, sources_root
from models.response.settings import Progress

PLAN: dict[Collection, tuple[SplitName, ...]] = {
    "mp": ("random", "homology"),
    "hpo": ("random", "homology"),
    "hpo-2014": ("temporal",),
    "komp": ("random",),
    "gwas": ("random",),
}
"""Under which splits each collection is scored."""
CHOSEN: tuple[Collection, ...] = tuple(PLAN)


class PhenotypeEval(Frozen):
    """What an evaluation can be told; another value is another run.

    Attributes:
        collections: What is scored.
        seed: Of folds, networks and resamples.
        folds: How many of the five folds are scored.
        ablation: Whether ours is also trained without each of its parts.
        draws: Bootstrap resamples of genes.
    """

    collections: tuple[Collection, ...] = CHOSEN
    seed: int = 0
    folds: int = 1
    ablation: bool = True
    draws: int = DRAWS


def evaluate(data: Path, out: Path, settings: PhenotypeEval, progress: Progress) -> Metrics:
    """Return the metrics; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        settings: What is evaluated.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    claim(out, _config(root, settings))
    metrics = finished(out, Metrics, lambda: _evaluated(root, out, settings, progress))
    progress("drawing", 0.99)
    render(metrics, out)
    progress("done", 1.0)
    return metrics


def _evaluated(root: Path, out: Path, settings: PhenotypeEval, progress: Progress) -> Metrics:
    clock = Clock(out)
    with clock("read and align"):
        progress("reading and aligning proteins", 0.0)
        world, found = _world(root, out, settings)
    work = [
        (task, entry, fold)
        for task in found
        for fold in task.folds
        for entry in entries(task, ablation=settings.ablation)
    ]
    told = part(progress, 0.05, 0.92)
    for done, (task, entry, fold) in enumerate(work):
        told(f"{task.collection}, {task.split}: {entry.name}", done / len(work))
        path = unit_path(out, task, entry, fold)
        if path.is_file():
            continue
        with clock(entry.name):
            predictor = fitted(entry, world, task, fold)
            probabilities = predicted(predictor, task, fold)
        if isinstance(predictor, GenePheno) and entry.role == "ours" and fold.fold == 0:
            _keep_bottleneck(predictor, task, path.with_name("bottleneck.json"))
        with clock("measures"):
            write_table(_measured(probabilities, task, fold, settings), path)
    progress("putting together", 0.97)
    return _metrics(out, found, settings)


def _keep_bottleneck(model: GenePheno, task: Task, path: Path) -> None:
    found = bottleneck(model, task)
    if found is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, found.model_dump_json())


def unit_path(out: Path, task: Task, entry: Entry, fold: GeneSplit) -> Path:
    """Return where the table of one predictor on one fold lies."""
    name = re.sub(r"[^\w.-]+", "-", entry.name).strip("-")
    return out / "units" / task.collection / task.split / name / f"{fold.fold}.parquet"


def _world(root: Path, out: Path, settings: PhenotypeEval) -> tuple[World, list[Task]]:
    """Return what predictors may know, and the tasks."""
    symbols = read_symbols(root)
    proteins = read_proteins(root, symbols)
    genes = by_gene(proteins)
    named = tuple(genes.values())
    align = _aligner(named, out / "alignments.parquet", searched)

    def read(collection: Collection, min_genes: int = FEWEST_GENES) -> PhenotypeLabels:
        return read_labels(root, collection, min_genes, symbols, genes.keys(), every=True)

    tasks = []
    background: dict[Collection, PhenotypeLabels] = {}
    for collection in settings.collections:
        every = read(collection)
        labels = every.among(genes)
        background[collection] = every.among(set(every.genes) - genes.keys())
        # What is rare today decides nothing about the terms of then.
        later = read("hpo", 1).among(genes) if "temporal" in PLAN[collection] else None
        for split in PLAN[collection]:
            tasks.append(_task(collection, split, labels, later, genes, align, settings))
    genes_known = {*genes, *(gene for one in background.values() for gene in one.genes)}
    labelled = {gene for task in tasks for gene in task.labels.genes}
    functions = ontology.read_functions(root, sorted(genes_known), symbols=symbols)
    bench = Workbench(functions, _aligner(named, out / "candidates.parquet", aligned))
    family = families(align.hits)
    return World(root, align, bench, named, family, background, frozenset(labelled)), tasks


def _aligner(named: tuple[Protein, ...], path: Path, search: Aligner) -> AllAgainstAll:
    """Return the alignments of proteins among themselves; those found before are read."""
    hits = Hits.load(path) if path.is_file() else search(named, named)
    if not path.is_file():
        hits.save(path)
    return AllAgainstAll(named, hits)


def _task(
    collection: Collection,
    split: SplitName,
    labels: PhenotypeLabels,
    later: PhenotypeLabels | None,
    genes: dict[str, Protein],
    align: AllAgainstAll,
    settings: PhenotypeEval,
) -> Task:
    """Return a collection under a split, with the folds that are scored."""
    folds: tuple[GeneSplit, ...]
    if later is not None:
        labels, fold = temporal_split(labels, later, settings.seed)
        folds = (fold,)
    proteins = tuple(genes[gene] for gene in labels.genes)
    if split == "random":
        folds = random_split(labels.genes, settings.seed, FOLDS)
    elif split == "homology":
        hits = align(proteins, proteins)
        folds = homology_split(proteins, settings.seed, FOLDS, hits=hits)
    return Task(collection, split, labels, proteins, folds[: settings.folds])


def _measured(
    probabilities: baselines.FloatArray, task: Task, fold: GeneSplit, settings: PhenotypeEval
) -> pd.DataFrame:
    """Return the measures of a fold; all its predictors share the resamples."""
    vocabulary = task.labels.vocabulary
    learnt = task.labels.taking(np.concatenate([fold.train, fold.validation]))
    return as_table(
        measured(
            task.labels.propagated[fold.test],
            probabilities,
            vocabulary,
            information_content(learnt.propagated, vocabulary.parents),
            np.random.default_rng((settings.seed, fold.fold)),
            settings.draws,
        )
    )


def _metrics(out: Path, tasks: list[Task], settings: PhenotypeEval) -> Metrics:
    divisions: list[Division] = []
    scores: list[Score] = []
    gains: list[Gain] = []
    systems: list[SystemScore] = []
    curves: list[Curve] = []
    for task in tasks:
        found = {
            entry.name: Folds(
                [pd.read_parquet(unit_path(out, task, entry, fold)) for fold in task.folds],
                entry.role,
            )
            for entry in entries(task, ablation=settings.ablation)
        }
        about = _division(task, next(iter(found.values())))
        divisions.append(about)
        scores += score.scores(about, found, tuple(MEASURES))
        gains += score.gains(about, found, tuple(MEASURES))
        systems += score.systems(about, found)
        curves += score.curves(about, found)
    return Metrics(
        divisions=tuple(divisions),
        scores=tuple(scores),
        gains=tuple(gains),
        systems=tuple(systems),
        curves=tuple(curves),
        bottlenecks=tuple(_bottlenecks(out)),
    )


def _division(task: Task, first: Folds) -> Division:
    return Division(
        collection=task.collection,
        split=task.split,
        folds=len(task.folds),
        genes=sum(len(fold.test) for fold in task.folds),
        learnt=round(
            float(np.mean([len(fold.train) + len(fold.validation) for fold in task.folds]))
        ),
        terms=len(task.labels.vocabulary),
        ranked=round(first.count("terms")),
    )


def _bottlenecks(out: Path) -> Iterator[Bottleneck]:
    for path in sorted(out.glob("units/*/random/*/bottleneck.json")):
        yield Bottleneck.model_validate_json(path.read_text(encoding="utf-8"))


def _config(root: Path, settings: PhenotypeEval) -> dict[str, Any]:
    """Return what a run is, with hashes of what goes into it."""
    asked = set(settings.collections) | ({"hpo"} if "hpo-2014" in settings.collections else set())
    names = [phenotypes.FILES[one] for one in phenotypes.COLLECTIONS if one in asked]
    names += [*ontology.FILES.values(), *ontology.GO_FILES, *sequences.FILES, phenotypes.MP_NAMES]
    for name in names:
        if not (root / name).is_file():
            raise missing(root / name)
    code = [*Path(baselines.__file__).parent.glob("*.py"), *Path(__file__).parent.glob("*.py")]
    return {
        "settings": settings.model_dump(mode="json"),
        "data": {name: sha256_of(root / name) for name in names},
        "code": {f"{one.parent.name}/{one.name}": sha256_of(one) for one in sorted(code)},
        "commit": code_commit(),
        "knockwise": version("knockwise"),
    }
