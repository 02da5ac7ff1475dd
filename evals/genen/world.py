"""What an evaluation of gene properties reads: tasks, texts, graphs, and who is studied."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.genen.facts import Condition, Quoted
from evals.genen.inputs import GeneInputs, read_inputs
from evals.genen.rewiring import rewired
from evals.genen.study_bias import StudyBias, read_study_bias
from knowledge.errors import DataError
from knowledge.ontology import GeneOntology
from knowledge.parsers.gmt import read_gmt
from knowledge.progress import Progress
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.sources.registry import missing
from knowledge.texts.encoder import Encoder
from models.genen.graphs import gene_universe, read_ontology
from models.genen.labels import PropertyTask, TaskName, read_tasks
from models.genen.splits import Split, repeated_splits
from models.genen.texts import GeneText, gene_texts, same_text_groups, text_masks

BoolArray: TypeAlias = NDArray[np.bool_]
PATHWAYS = "knowledge/pathways/Reactome_2022.gmt.gz"
PUBLISHED = "genen/benchmark/gene_benchmark_preformance_long_form.csv.gz"
BENCHMARK_NAMES: Mapping[TaskName, str] = {
    "dosage-sensitivity": "dosage sensitive vs insensitive TF",
    "bivalent-non-methylated": "bivalent vs non-methylated",
    "tf-range": "long vs short range TF",
}
"""What gene-benchmark calls the tasks that it has too."""


Source: TypeAlias = Callable[[Condition, Progress], GeneInputs]
"""Gives the whole texts and the edges of a condition."""


@dataclass(frozen=True, eq=False)
class World:
    """The tasks, and all that their predictors may be told.

    Attributes:
        tasks: Of protein-coding genes alone, each a node of every graph.
        texts: What is written about every gene of the graphs.
        studied: How much was written about the genes of each task, in their order.
        pathways: Genes of each pathway.
        quoted: What others published.
        seed: Of folds, of rewired edges and of hidden texts.
        source: Reads a graph; one is kept until another is asked for.
    """

    tasks: tuple[PropertyTask, ...]
    texts: tuple[GeneText, ...]
    studied: Mapping[TaskName, StudyBias]
    pathways: Mapping[str, frozenset[str]]
    quoted: tuple[Quoted, ...]
    seed: int
    source: Source

    @cached_property
    def _kept(self) -> dict[Condition, GeneInputs]:
        return {}

    @cached_property
    def _row(self) -> Mapping[str, int]:
        return {text.symbol: row for row, text in enumerate(self.texts)}

    def inputs(self, condition: Condition, progress: Progress) -> GeneInputs:
        """Return what predictors are given under a condition; one that needs no graph has one.

        The same object is returned until another condition is asked for, so that predictors may
        keep what they derive from it.

        Raises:
            DataError: The data cannot be read.
        """
        whole = Condition(
            graph=condition.graph or "ppi",
            compartment=condition.compartment,
            rewired=condition.rewired,
        )
        key = whole.model_copy(update={"hidden": condition.hidden})
        if key not in self._kept:
            found = self._kept.get(whole) or self.source(whole, progress)
            self._kept.clear()
            self._kept[whole] = found
            if key.hidden:
                self._kept[key] = found.without_texts(self._masks(key.hidden))
        return self._kept[key]

    def splits(
        self, task: PropertyTask, condition: Condition, repeats: int, folds: int
    ) -> tuple[Split, ...]:
        """Return the splits of a task, the same for every predictor and graph.

        Raises:
            DataError: A class has fewer genes than there are folds.
        """
        groups = None
        if condition.together:
            groups = same_text_groups([self.texts[self._row[gene]] for gene in task.genes])
        return repeated_splits(task, self.seed, repeats, folds, groups)

    def hidden(self, task: PropertyTask, share: float) -> BoolArray:
        """Return which genes of a task have a text that is hidden `(rows,)`."""
        return self._masks(share)[[self._row[gene] for gene in task.genes]]

    def _masks(self, share: float) -> BoolArray:
        present = np.array([bool(text.description) for text in self.texts])
        return text_masks(present, self.seed, (share,))[share]


def read_world(
    data: Path, names: Sequence[TaskName], seed: int, encoder: Encoder, cache: Path
) -> World:
    """Return the tasks of these names and what is known of their genes.

    Args:
        data: A mirror, or a data folder with `sources`.
        names: Which tasks.
        seed: Of all that is drawn.
        encoder: Embeds texts.
        cache: Folder that keeps embeddings.

    Raises:
        DataError: A file is missing or malformed.
    """
    root = sources_root(data)
    symbols, genes = read_symbols(root), gene_universe(data)
    tasks = tuple(task.among(set(genes)) for task in read_tasks(data, names, symbols))
    texts = gene_texts(data, genes)
    whole = read_study_bias(data, texts, symbols)
    row = {gene: i for i, gene in enumerate(genes)}
    pathways = {name: frozenset(members) for name, _, members in read_gmt(root / PATHWAYS)}
    ontology: list[GeneOntology] = []

    def source(condition: Condition, progress: Progress) -> GeneInputs:
        kind = condition.graph or "ppi"
        progress(f"reading {condition.edges}", 0.0)
        if kind != "ppi" and not ontology:
            ontology.append(read_ontology(data, symbols))
        found = read_inputs(
            data,
            kind,
            encoder,
            cache,
            compartment=condition.compartment,
            symbols=symbols,
            ontology=None if kind == "ppi" else ontology[0],
            texts=texts,
            progress=progress,
        )
        if not condition.rewired:
            return found
        progress("rewiring edges", 1.0)
        return found.over(rewired(found.graph, np.random.default_rng(seed)))

    return World(
        tasks,
        texts,
        {task.name: _among(whole, [row[gene] for gene in task.genes]) for task in tasks},
        pathways,
        quoted(root / PUBLISHED, names),
        seed,
        source,
    )


def quoted(path: Path, names: Sequence[TaskName]) -> tuple[Quoted, ...]:
    """Return the mean over folds of gene-benchmark's published AUROCs, best first.

    Raises:
        DataError: The file is missing or malformed.
    """
    columns = ["task_name", "Model", "metric", "score"]
    try:
        table = pd.read_csv(path, usecols=columns)
    except FileNotFoundError:
        raise missing(path) from None
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path}: expected {', '.join(columns)} ({error}).") from error
    found = []
    for task in names:
        mine = table[(table.task_name == BENCHMARK_NAMES.get(task)) & (table.metric == "roc_auc")]
        means = mine.groupby("Model").score.mean().sort_values(ascending=False)
        found += [
            Quoted(task=task, model=str(model), source="gene-benchmark", value=float(value))
            for model, value in means.items()
        ]
    return tuple(found)


def _among(studied: StudyBias, rows: Sequence[int]) -> StudyBias:
    return StudyBias(
        tuple(studied.genes[row] for row in rows), studied.words[rows], studied.publications[rows]
    )
