"""Scores predicted phenotypes in a run folder; a run that was stopped goes on with what it has.

`alignments.parquet` holds proteins against each other by MMseqs2, for splits and baselines,
`candidates.parquet` the same by the search of our model, `units/` a table per collection, split,
predictor and fold.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
from pydantic import Field

from evals import phenotypes as benchmark
from evals.harness.run import Inputs, Run, part, write_table
from evals.harness.scores import Results, Score
from evals.phenotypes import score
from evals.phenotypes.bottleneck import bottleneck
from evals.phenotypes.facts import Bottleneck, Curve, Division, Facts
from evals.phenotypes.measures import DRAWS, information_content, measured
from evals.phenotypes.page import BENCHMARK, WITH_UNIREP
from evals.phenotypes.predictors import Entry, Task, World, entries, fitted, predicted
from evals.phenotypes.score import Folds, as_table
from evals.phenotypes.splits import (
    FOLDS,
    GeneSplit,
    SplitName,
    homology_split,
    random_split,
    temporal_split,
)
from knowledge.files import replace_text
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import read_symbols, sources_root
from models import genepheno as model
from models.genepheno import ontology, phenotypes, sequences
from models.genepheno.baselines import Aligner, AllAgainstAll, FloatArray, searched
from models.genepheno.encoder import UniRepEncoder
from models.genepheno.homology import Hits, families
from models.genepheno.phenotypes import (
    FEWEST_GENES,
    Collection,
    PhenotypeLabels,
    read_labels,
)
from models.genepheno.predictor import GenePheno, Workbench, aligned
from models.genepheno.sequences import Protein, by_gene, read_proteins
from models.inputs import unirep

PLAN: dict[Collection, tuple[SplitName, ...]] = {
    "mp": ("random", "homology"),
    "hpo": ("random", "homology"),
    "hpo-2014": ("temporal",),
    "komp": ("random",),
    "hmd": ("random", "homology"),
    "gwas": ("random",),
}
"""Under which splits each collection is scored."""
CHOSEN: tuple[Collection, ...] = tuple(PLAN)


class PhenotypeEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    collections: tuple[Collection, ...] = Field(CHOSEN, description="Collections to score.")
    splits: tuple[SplitName, ...] = Field(
        get_args(SplitName), description="Splits to score, of those that a collection has."
    )
    seed: int = Field(0, description="Seed of everything that is drawn.")
    folds: int = Field(1, ge=1, le=5, description="How many of five folds over genes are scored.")
    ablation: bool = Field(True, description="Train also without each part of the model.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of genes.")
    unirep: Path | None = Field(
        None, description="UniRep's weights: what they add is compared, and nothing else."
    )

    def entries(self, task: Task) -> tuple[Entry, ...]:
        """Return what is scored on a task."""
        return entries(task, ablation=self.ablation, language=self.unirep is not None)


def evaluate(data: Path, out: Path, settings: PhenotypeEval, progress: Progress) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

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
    told = BENCHMARK if settings.unirep is None else WITH_UNIREP
    return told.evaluate(
        out,
        settings,
        _inputs(root, settings),
        lambda run: _evaluated(root, run, settings),
        progress,
    )


def _evaluated(root: Path, run: Run, settings: PhenotypeEval) -> Results:
    with run.clock("read and align"):
        run.progress("reading and aligning proteins", 0.0)
        world, found = open_world(root, run.out, settings)
    work = [(task, fold) for task in found for fold in task.folds]
    work.sort(key=lambda one: one[1].fold)
    told = part(run.progress, 0.05, 0.92)
    for done, (task, fold) in enumerate(work):
        every = {entry.name: entry for entry in settings.entries(task)}
        answers: dict[str, FloatArray] = {}
        for number, entry in enumerate(every.values()):
            told(
                f"{task.collection}, {task.split}: {entry.name}",
                (done + number / len(every)) / len(work),
            )
            path = run.path(unit_name(task, entry, fold))
            if path.is_file():
                continue
            for name in entry.mean_of or (entry.name,):
                if name not in answers:
                    answers[name] = _answered(run, every[name], world, task, fold)
            probabilities = np.mean([answers[n] for n in entry.mean_of or (entry.name,)], axis=0)
            with run.clock("measures"):
                write_table(measured_fold(probabilities, task, fold, settings), path)
    run.progress("putting together", 0.97)
    return _results(run, found, settings)


def _answered(run: Run, entry: Entry, world: World, task: Task, fold: GeneSplit) -> FloatArray:
    """Return what an entry predicts of the tested genes; the bottleneck of ours is kept."""
    with run.clock(entry.name):
        predictor = fitted(entry, world, task, fold)
        probabilities = predicted(predictor, task, fold)
    if isinstance(predictor, GenePheno) and entry.role == "ours" and fold.fold == 0:
        path = run.path(unit_name(task, entry, fold))
        _keep_bottleneck(predictor, task, path.with_name("bottleneck.json"))
    return probabilities


def _keep_bottleneck(model: GenePheno, task: Task, path: Path) -> None:
    found = bottleneck(model, task)
    if found is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, found.model_dump_json())


def unit_name(task: Task, entry: Entry, fold: GeneSplit) -> str:
    """Return what the table of one predictor on one fold is kept as."""
    return f"{task.collection}/{task.split}/{entry.name}/{fold.fold}"


def open_world(root: Path, out: Path, settings: PhenotypeEval) -> tuple[World, list[Task]]:
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
        for split in (one for one in PLAN[collection] if one in settings.splits):
            tasks.append(_task(collection, split, labels, later, genes, align, settings))
    genes_known = {*genes, *(gene for one in background.values() for gene in one.genes)}
    labelled = {gene for task in tasks for gene in task.labels.genes}
    functions = ontology.read_functions(root, sorted(genes_known), symbols=symbols)
    bench = Workbench(functions, _aligner(named, out / "candidates.parquet", aligned))
    family = families(align.hits)
    language = None
    if settings.unirep is not None:
        language = Workbench(functions, bench.align, UniRepEncoder(settings.unirep, out))
    known = frozenset(labelled)
    return World(root, align, bench, named, family, background, known, language), tasks


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


def measured_fold(
    probabilities: FloatArray, task: Task, fold: GeneSplit, settings: PhenotypeEval
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


def _results(run: Run, tasks: list[Task], settings: PhenotypeEval) -> Results:
    divisions: list[Division] = []
    scores: list[Score] = []
    curves: list[Curve] = []
    for task in tasks:
        found = {
            entry.name: Folds(
                [pd.read_parquet(run.path(unit_name(task, entry, fold))) for fold in task.folds],
                entry.role,
            )
            for entry in settings.entries(task)
        }
        about = _division(task, next(iter(found.values())))
        divisions.append(about)
        scores += (*score.scores(about, found), *score.systems(about, found))
        curves += score.curves(about, found)
    facts = Facts(
        divisions=tuple(divisions), curves=tuple(curves), bottlenecks=tuple(_bottlenecks(run.out))
    )
    kind = BENCHMARK.kind if settings.unirep is None else WITH_UNIREP.kind
    return Results.of(kind, scores, facts)


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


def _inputs(root: Path, settings: PhenotypeEval) -> Inputs:
    """Return what the figures rest on."""
    asked = set(settings.collections) | ({"hpo"} if "hpo-2014" in settings.collections else set())
    names = [phenotypes.FILES[one] for one in phenotypes.COLLECTIONS if one in asked]
    names += [*ontology.FILES.values(), *ontology.GO_FILES, *sequences.FILES, phenotypes.MP_NAMES]
    files = {name: root / name for name in names}
    if settings.unirep is not None:
        files["unirep"] = settings.unirep
    return Inputs(files, (benchmark, model, unirep))
