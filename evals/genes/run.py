"""Scores gene embeddings in a run folder; a run that was stopped goes on with what it has.

config.json      settings, hashes of data, code and embeddings; a folder holds one run
units/           a table per embedding and task, a row per fold
folds.parquet    the same in one table
metrics.json     every figure; the same after a second run with the same seed
timing.json      how long each embedding took and how much memory
scoreboard.md    the tables
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from evals.folder import Clock, claim, finished, part, write_table
from evals.genes import published, tasks
from evals.genes.embeddings import BUILT_IN, Embedding, World, fingerprint, read_embedding
from evals.genes.probe import FOLDS, Folds, fold_scores, folds_of, over_folds
from evals.genes.report import as_markdown
from evals.genes.schema import HEADLINE, Absent, Coverage, Metrics, TaskScore
from evals.genes.tasks import GeneTask, read_tasks
from evals.harness.resampling import Estimate
from knowledge.errors import DataError
from knowledge.files import replace_text
from knowledge.schema import Frozen
from knowledge.sources.registry import missing, sha256_of
from models.genen import texts
from models.provenance import code_commit
from models.response.annotations import protein_coding, read_symbols, sources_root
from models.response.settings import Progress

CACHE = Path("cache/genen")
"""Where texts that were encoded are kept, relative to the data folder."""
_BOUNDS = {"pearson": (-1.0, 1.0)}
_UNBOUNDED = frozenset({"r2", "rmse", "mae"})
_COUNTS = ("fold", "train", "test")


class GenesEval(Frozen):
    """What an evaluation can be told; another value is another run.

    Attributes:
        embeddings: Built-in names and files; others are compared with the first.
        gene_column: Which column of a file holds the genes; guessed if left out.
        seed: Of folds, and of the random embedding.
        folds: Of the cross-validation over genes.
        derived: Whether single classes of multi-label tasks are scored too.
        tasks: Names of the tasks to score; all if left out.
    """

    embeddings: tuple[str, ...] = BUILT_IN
    gene_column: str | None = None
    seed: int = 0
    folds: int = FOLDS
    derived: bool = True
    tasks: tuple[str, ...] = ()


class Unit(NamedTuple):
    """One embedding on one task."""

    embedding: Embedding
    task: GeneTask
    folds: Folds

    @property
    def path(self) -> Path:
        """Return where its table lies, relative to those of all."""
        name = re.sub(r"[^\w.-]+", "-", self.task.name)
        return Path(re.sub(r"[^\w.-]+", "-", self.embedding.name)) / f"{name}.parquet"


def evaluate(
    data: Path, out: Path, settings: GenesEval, progress: Progress, cache: Path | None = None
) -> Metrics:
    """Return the metrics; a finished run is read, an interrupted one gone on with.

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
    root = sources_root(data)
    claim(out, _config(root, settings))
    metrics = finished(
        out, Metrics, lambda: _evaluated(data, out, settings, progress, cache or data / CACHE)
    )
    timing = json.loads((out / "timing.json").read_text(encoding="utf-8"))
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    page = as_markdown({"metrics": metrics.model_dump(), "config": config, "timing": timing})
    replace_text(out / "scoreboard.md", page + "\n")
    progress("done", 1.0)
    return metrics


def _evaluated(
    data: Path, out: Path, settings: GenesEval, progress: Progress, cache: Path
) -> Metrics:
    root, clock = sources_root(data), Clock(out)
    with clock("read"):
        progress("reading labels", 0.0)
        symbols, coding = read_symbols(root), protein_coding(root)
        every = read_tasks(root, symbols, coding, derived=settings.derived)
        found = _chosen(every, settings.tasks)
        genes = tuple(sorted({gene for task in found for gene in task.genes}))
        world = World(data, symbols, genes, cache, settings.seed)
    with clock("embed"):
        told = part(progress, 0.02, 0.18)
        embeddings = [
            read_embedding(word, world, settings.gene_column, told) for word in settings.embeddings
        ]
    _distinct(embeddings)
    common = frozenset.intersection(*(frozenset(one.genes) for one in embeddings))
    folds = {task.name: _folds(task, common, settings) for task in found}
    units = [
        Unit(one, task, folds[task.name])
        for one in embeddings
        for task in found
        if folds[task.name]
    ]
    told = part(progress, 0.2, 0.78)
    for number, unit in enumerate(units):
        told(f"{unit.embedding.name}: {unit.task.name}", number / len(units))
        path = out / "units" / unit.path
        if not path.is_file():
            with clock(unit.embedding.name):
                write_table(fold_scores(unit.task, _vectors(unit), unit.folds), path)
    progress("comparing", 0.98)
    with clock("score"):
        return Metrics(
            embeddings=tuple(_coverage(one, genes) for one in embeddings),
            scores=tuple(_scores(out, units)),
            published=published.published_scores(root),
            absent=published.absent_tasks(root, frozenset(task.name for task in every)),
            skipped=tuple(
                Absent(task=task.name, group=task.group, why=_too_few(task, common))
                for task in found
                if not folds[task.name]
            ),
        )


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


def _vectors(unit: Unit) -> np.ndarray:
    """Return the vectors of the task's genes, zeros where no fold asks for one."""
    asked = np.unique(np.concatenate([rows for fold in unit.folds for rows in fold]))
    width = unit.embedding.vectors.shape[1]
    vectors = np.zeros((len(unit.task), width), np.float32)
    vectors[asked] = unit.embedding.rows([unit.task.genes[row] for row in asked])
    return vectors


def _scores(out: Path, units: Sequence[Unit]) -> list[TaskScore]:
    """Return the score of every unit, those of a task beside each other."""
    tables = {
        (unit.embedding.name, unit.task.name): pd.read_parquet(out / "units" / unit.path)
        for unit in units
    }
    together = [
        table.assign(embedding=embedding, task=task) for (embedding, task), table in tables.items()
    ]
    if not together:
        raise DataError(
            "no task has enough genes that all of these embeddings have; leave one out, or check "
            "its column of genes."
        )
    write_table(pd.concat(together, ignore_index=True), out / "folds.parquet")
    first = units[0].embedding.name
    found = []
    for unit in units:
        task, mine = unit.task, tables[unit.embedding.name, unit.task.name]
        metric = HEADLINE[task.kind]
        gain = mine[metric] - tables[first, task.name][metric]
        found.append(
            TaskScore(
                embedding=unit.embedding.name,
                task=task.name,
                group=task.group,
                kind=task.kind,
                origin=task.origin,
                source=task.source,
                labelled=len(task),
                genes=sum(len(test) for _, test in unit.folds),
                published_genes=task.published_genes,
                scores={
                    name: _estimate(name, mine[name].tolist())
                    for name in mine.columns
                    if name not in _COUNTS
                },
                ahead=None if unit.embedding.name == first else over_folds(gain.tolist()),
            )
        )
    return found


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


def _config(root: Path, settings: GenesEval) -> dict[str, Any]:
    """Return what a run is, with hashes of what goes into it."""
    if not settings.embeddings:
        raise DataError(f"no embedding is named; name one of {', '.join(BUILT_IN)}, or a file.")
    names = [*tasks.FILES, *published.FILES]
    names += texts.FILES if "text" in settings.embeddings else ()
    paths = {name: root / name for name in dict.fromkeys(names)}
    for path in paths.values():
        if not path.is_file():
            raise missing(path)
    code = sorted(Path(__file__).parent.glob("*.py"))
    return {
        "settings": settings.model_dump(mode="json"),
        "data": {
            **{name: sha256_of(path) for name, path in paths.items()},
            **{f"embedding {word}": fingerprint(word) for word in settings.embeddings},
        },
        "code": {f"{path.parent.name}/{path.name}": sha256_of(path) for path in code},
        "commit": code_commit(),
        "knockwise": version("knockwise"),
    }
