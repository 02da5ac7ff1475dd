"""Scores gene embeddings in a run folder; a run that was stopped goes on with what it has.

`units/` holds a table per embedding and task, a row per fold; `folds.parquet` the same in one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from evals import genes as benchmark
from evals.genes import published, tasks
from evals.genes.embeddings import BUILT_IN, Embedding, World, fingerprint, read_embedding
from evals.genes.facts import HEADLINE, Absent, Coverage, Facts, TaskFacts
from evals.genes.page import BENCHMARK, WITH_UNIREP
from evals.genes.probe import FOLDS, Folds, fold_scores, folds_of, over_folds
from evals.genes.tasks import GeneTask, read_tasks
from evals.harness.benchmark import Benchmark
from evals.harness.resampling import Estimate
from evals.harness.run import Inputs, Run, Unit, part, write_table
from evals.harness.scores import Gain, Results, Score
from knowledge.errors import DataError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import protein_coding, read_symbols, sources_root
from models.genen import texts
from models.genepheno import sequences
from models.genepheno.encoder import UNIREP

CACHE = Path("cache/genen")
"""Where texts that were encoded are kept, relative to the data folder."""
_BOUNDS = {"pearson": (-1.0, 1.0)}
_UNBOUNDED = frozenset({"r2", "rmse", "mae"})
_COUNTS = ("fold", "train", "test")


class GenesEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    embeddings: tuple[str, ...] = Field(
        BUILT_IN, description="Built-in names and files; others are compared with the first."
    )
    gene_column: str | None = Field(
        None, description="Column of a file that holds symbols, Ensembl or Entrez ids."
    )
    seed: int = Field(0, description="Seed of everything that is drawn.")
    folds: int = Field(FOLDS, ge=2, description="Folds over genes.")
    derived: bool = Field(True, description="Score single classes of multi-label tasks too.")
    tasks: tuple[str, ...] = Field((), description="Names of the tasks to score.")


class Pair(NamedTuple):
    """One embedding on one task."""

    embedding: Embedding
    task: GeneTask
    folds: Folds

    def unit(self) -> Unit:
        """Return the work of it: a row per fold."""
        name = f"{self.embedding.name}/{self.task.name.replace('/', '-')}"
        return Unit(
            name, lambda: fold_scores(self.task, _vectors(self), self.folds), self.embedding.name
        )


def evaluate(
    data: Path, out: Path, settings: GenesEval, progress: Progress, cache: Path | None = None
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        settings: What is evaluated.
        progress: Told what is being done.
        cache: Folder of texts that were encoded before; in the data folder if left out.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
    """
    inputs = _inputs(sources_root(data), settings)
    return _told(settings).evaluate(
        out,
        settings,
        inputs,
        lambda run: _evaluated(data, run, settings, cache or data / CACHE),
        progress,
    )


def _evaluated(data: Path, run: Run, settings: GenesEval, cache: Path) -> Results:
    root = sources_root(data)
    with run.clock("read"):
        run.progress("reading labels", 0.0)
        symbols, coding = read_symbols(root), protein_coding(root)
        every = read_tasks(root, symbols, coding, derived=settings.derived)
        found = _chosen(every, settings.tasks)
        genes = tuple(sorted({gene for task in found for gene in task.genes}))
        world = World(data, symbols, genes, cache, settings.seed)
    with run.clock("embed"):
        told = part(run.progress, 0.02, 0.18)
        embeddings = [
            read_embedding(word, world, settings.gene_column, told) for word in settings.embeddings
        ]
    _distinct(embeddings)
    common = frozenset.intersection(*(frozenset(one.genes) for one in embeddings))
    folds = {task.name: _folds(task, common, settings) for task in found}
    pairs = [
        Pair(one, task, folds[task.name])
        for one in embeddings
        for task in found
        if folds[task.name]
    ]
    tables = run.tables((pair.unit() for pair in pairs), 0.2, 0.78)
    run.progress("comparing", 0.98)
    with run.clock("score"):
        facts = Facts(
            embeddings=tuple(_coverage(one, genes) for one in embeddings),
            tasks=tuple(_about(task, folds[task.name]) for task in found if folds[task.name]),
            absent=published.absent_tasks(root, frozenset(task.name for task in every)),
            skipped=tuple(
                Absent(task=task.name, group=task.group, why=_too_few(task, common))
                for task in found
                if not folds[task.name]
            ),
        )
        scores = [*_scores(run, pairs, tables), *published.published_scores(root)]
    return Results.of(_told(settings).kind, scores, facts)


def _reads_proteins(settings: GenesEval) -> bool:
    return any(word.endswith(UNIREP) for word in settings.embeddings)


def _told(settings: GenesEval) -> Benchmark:
    """Return the page that tells of a run."""
    return WITH_UNIREP if _reads_proteins(settings) else BENCHMARK


def _chosen(found: Sequence[GeneTask], names: Sequence[str]) -> Sequence[GeneTask]:
    known = {task.name: task for task in found}
    if unknown := [name for name in names if name not in known]:
        raise DataError(
            f"{unknown[0]}: no task with labels here; name one of "
            f"{', '.join(name for name in known if ';' not in name)}, or of their single classes."
        )
    return [known[name] for name in names] if names else found


def _folds(task: GeneTask, common: frozenset[str], settings: GenesEval) -> Folds:
    rows = np.flatnonzero([gene in common for gene in task.genes]).astype(np.int64)
    return folds_of(task, rows, settings.seed, settings.folds)


def _vectors(unit: Pair) -> np.ndarray:
    """Return the vectors of the task's genes, zeros where no fold asks for one."""
    asked = np.unique(np.concatenate([rows for fold in unit.folds for rows in fold]))
    width = unit.embedding.vectors.shape[1]
    vectors = np.zeros((len(unit.task), width), np.float32)
    vectors[asked] = unit.embedding.rows([unit.task.genes[row] for row in asked])
    return vectors


def _scores(run: Run, pairs: Sequence[Pair], tables: Sequence[pd.DataFrame]) -> Iterator[Score]:
    """Yield every metric, and gains over the first embedding by the one that tables show."""
    if not pairs:
        raise DataError(
            "no task has enough genes that all of these embeddings have; leave one out, or check "
            "its column of genes."
        )
    kept = {(one.embedding.name, one.task.name): t for one, t in zip(pairs, tables, strict=True)}
    together = [
        table.assign(embedding=embedding, task=task) for (embedding, task), table in kept.items()
    ]
    write_table(pd.concat(together, ignore_index=True), run.out / "folds.parquet")
    first = pairs[0].embedding.name
    for one in pairs:
        task, name = one.task, one.embedding.name
        mine, metric = kept[name, task.name], HEADLINE[task.kind]
        for column in mine.columns:
            if column not in _COUNTS:
                yield Score(name, column, _estimate(column, mine[column].tolist()), task=task.name)
        if name != first:
            gain = over_folds((mine[metric] - kept[first, task.name][metric]).tolist())
            yield Gain(name, first, metric, gain, task=task.name)


def _about(task: GeneTask, folds: Folds) -> TaskFacts:
    return TaskFacts(
        task=task.name,
        group=task.group,
        kind=task.kind,
        origin=task.origin,
        source=task.source,
        labelled=len(task),
        genes=sum(len(test) for _, test in folds),
        published_genes=task.published_genes,
    )


def _estimate(metric: str, values: list[float]) -> Estimate:
    bounds = None if metric in _UNBOUNDED else _BOUNDS.get(metric, (0.0, 1.0))
    return over_folds(values, bounds)


def _coverage(one: Embedding, genes: Sequence[str]) -> Coverage:
    return Coverage(
        name=one.name,
        note=one.note,
        genes=len(one.genes),
        dimensions=one.vectors.shape[1],
        unknown=one.unknown,
        repeated=one.repeated,
        lacking=len(set(genes) - set(one.genes)),
    )


def _too_few(task: GeneTask, common: frozenset[str]) -> str:
    have = sum(gene in common for gene in task.genes)
    return f"{have} of its {len(task)} genes have every embedding, too few for folds"


def _distinct(embeddings: Sequence[Embedding]) -> None:
    (name, times) = Counter(one.name for one in embeddings).most_common(1)[0]
    if times > 1:
        raise DataError(f"{times} embeddings are called {name}; name each once, or rename a file.")


def _inputs(root: Path, settings: GenesEval) -> Inputs:
    """Return what the figures rest on.

    Raises:
        DataError: No embedding is named, or one cannot be read.
    """
    if not settings.embeddings:
        raise DataError(f"no embedding is named; name one of {', '.join(BUILT_IN)}, or a file.")
    names = [*tasks.FILES, *published.FILES]
    names += texts.FILES if "text" in settings.embeddings else ()
    names += sequences.FILES if _reads_proteins(settings) else ()
    prints = {f"embedding {word}": fingerprint(word) for word in settings.embeddings}
    return Inputs({name: root / name for name in names}, (benchmark,), prints)
