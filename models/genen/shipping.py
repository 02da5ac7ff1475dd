"""Trains the Genen model that is shipped: embeddings of all genes, and a head per property."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.progress import Progress
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.sources.registry import sha256_of
from knowledge.texts.encoder import Encoder
from models.checkpoint import write_checkpoint
from models.genen import interactions, labels, texts
from models.genen.checkpoint import FORMAT, Checkpoint, Config, PropertyConfig
from models.genen.graphs import (
    GAF,
    OBO,
    PropertyGraph,
    gene_universe,
    read_graph,
    read_ontology,
)
from models.genen.heads import REPEATS, Features, Head, HeldOut, fit_head
from models.genen.labels import PropertyTask, read_tasks
from models.genen.model import unit
from models.genen.neighbourhood import Neighbourhood
from models.genen.representation import TextSpace, heard, places, root_mean_square
from models.genen.splits import FOLDS
from models.genen.texts import BoolArray, FloatArray, embed, gene_texts
from models.provenance import code_commit

FILES = (*labels.FILES, *texts.FILES, *interactions.FILES[:-1], OBO, GAF)
"""What is read, relative to the root of the data; iRefIndex is not."""
FAMILIAR = 0.95
"""Share of the labelled genes that count as like the others."""
SHARED, SET_APART = 0.8, 10.0
"""Share of the labelled genes that has a term, and how much commoner it is among them than among
all genes, for the labels to be of such genes."""
_BLOCK = 2000


def train(
    data: Path,
    out: Path,
    encoder: Encoder,
    cache: Path,
    progress: Progress,
    seed: int = 0,
    repeats: int = REPEATS,
) -> list[dict[str, Any]]:
    """Train on the mirror and write a checkpoint; return held-out figures as records.

    Args:
        data: A mirror, or a data folder with `sources`.
        out: Folder of the checkpoint.
        encoder: Embeds the texts.
        cache: Folder that keeps embeddings from run to run.
        progress: Told how far it has come.
        seed: Of folds and decompositions.
        repeats: How often the genes of a small task are dealt into folds.

    Raises:
        DataError: A source is missing or malformed, or the cache cannot be written.
    """
    root = sources_root(data)
    progress("reading genes, terms and labels", 0.0)
    symbols = read_symbols(root)
    ontology = read_ontology(data, symbols)
    genes = gene_universe(data)
    graph = read_graph(data, "go+ppi", genes, symbols=symbols, ontology=ontology)
    written = gene_texts(data, genes)
    described = np.array([bool(text.description) for text in written])
    words = [text.text if text.description else "" for text in written]
    vectors = embed(words, encoder, cache, lambda what, done: progress(what, 0.05 + 0.55 * done))
    known = set(genes)
    tasks = [task.among(known) for task in read_tasks(data, symbols=symbols)]
    files = {name: sha256_of(root / name) for name in FILES}
    term_names = tuple(ontology.term(term).name for term in graph.terms)
    found = DescribedGenes(graph, vectors, described, term_names)
    return train_described(found, tasks, encoder, out, progress, seed, files, repeats)


@dataclass(frozen=True, eq=False, slots=True)
class DescribedGenes:
    """What is known of genes besides labels.

    Attributes:
        graph: Interactions and direct annotations.
        vectors: Embedded text of each gene `(genes, encoder's dimensions)`.
        described: Which genes have one; the vectors of the others are not looked at `(genes,)`.
        term_names: Of the graph's terms.
    """

    graph: PropertyGraph
    vectors: FloatArray
    described: BoolArray
    term_names: tuple[str, ...]


def train_described(
    known: DescribedGenes,
    tasks: Sequence[PropertyTask],
    encoder: Encoder,
    out: Path,
    progress: Progress,
    seed: int = 0,
    files: Mapping[str, str] | None = None,
    repeats: int = REPEATS,
) -> list[dict[str, Any]]:
    """Train on what was read and write a checkpoint; return held-out figures as records.

    Args:
        known: Texts, interactions and annotations.
        tasks: Properties and their labels; every gene is in the graph.
        encoder: What embedded the texts.
        out: Folder of the checkpoint.
        progress: Told how far it has come.
        seed: Of folds and decompositions.
        files: SHA-256 of what was read, by name.
        repeats: How often the genes of a small task are dealt into folds.

    Raises:
        DataError: A task has too few genes.
    """
    commit = code_commit()
    progress("placing genes", 0.6)
    neighbourhood = Neighbourhood.of(known.graph)
    space = TextSpace.of(known.vectors, known.described)
    own = space.project(known.vectors, known.described)
    told = heard(neighbourhood.hearing, own)
    scale = 1 / root_mean_square(told)
    told *= np.float32(scale)
    place = places(neighbourhood, seed)
    embeddings = np.concatenate([own, told, place], axis=1)
    features = Features(np.concatenate([own, told], axis=1), neighbourhood.rows)
    arrays: dict[str, NDArray[Any]] = {
        "own": own.astype(np.float16),
        "place": place.astype(np.float16),
        "text/mean": space.mean,
        "text/directions": space.directions,
        **neighbourhood.arrays(),
    }
    configs, figures = [], []
    for done, task in enumerate(tasks):
        progress(f"learning {task.name}", 0.65 + 0.3 * done / len(tasks))
        rows = known.graph.rows(task.genes)
        head, held, choice = fit_head(task, rows, features, seed, repeats)
        arrays |= _stored(task, rows, head, held)
        configs.append(
            PropertyConfig(
                name=task.name,
                kind=task.kind,
                title=task.title,
                classes=task.classes,
                genes=len(task),
                penalty=choice.penalty,
                texts=choice.texts,
                metric=held.metric,
                held_out=held.figure,
                brier=held.brier,
                calibration_error=held.calibration_error,
                half_width=held.half_width,
                nearest=_familiar(embeddings[rows]),
                common=common_term(neighbourhood, rows),
            )
        )
        figures.append(_figures(configs[-1]))
    progress("writing", 0.97)
    config = Config(
        seed=seed,
        encoder=encoder.name,
        fingerprint=encoder.fingerprint,
        heard_scale=float(np.float32(scale)),
        properties=tuple(configs),
    )
    names = {
        "genes": known.graph.genes,
        "terms": known.graph.terms,
        "term_names": known.term_names,
    }
    record = {
        "seed": seed,
        "folds": FOLDS,
        "repeats": repeats,
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
        "encoder": {"name": encoder.name, "fingerprint": encoder.fingerprint},
        "genes": len(known.graph.genes),
        "described": int(known.described.sum()),
        "compartment": known.graph.compartment,
        "metrics": figures,
        "sources": dict(files or {}),
    }
    write_checkpoint(out, FORMAT, Checkpoint(config, names, arrays), record)
    progress("done", 1.0)
    return figures


def _stored(
    task: PropertyTask, rows: NDArray[np.int64], head: Head, held: HeldOut
) -> dict[str, NDArray[Any]]:
    value = task.kind == "regression"
    return {
        f"{task.name}/weights": head.weights.astype(np.float16),
        f"{task.name}/intercept": head.intercept.astype(np.float32),
        f"{task.name}/rows": rows.astype(np.uint16),
        f"{task.name}/labels": task.labels.astype(np.float16 if value else np.uint8),
        f"{task.name}/held_out": held.scores.astype(np.float16),
    }


def _familiar(vectors: FloatArray) -> float:
    """Return the cosine to the most alike other row that `FAMILIAR` of the rows reach."""
    directions = unit(vectors)
    nearest = np.zeros(len(directions), np.float32)
    for start in range(0, len(directions), _BLOCK):
        alike = directions[start : start + _BLOCK] @ directions.T
        alike[np.arange(len(alike)), np.arange(start, start + len(alike))] = -1
        nearest[start : start + _BLOCK] = alike.max(axis=1)
    return float(np.quantile(nearest, 1 - FAMILIAR))


def common_term(neighbourhood: Neighbourhood, rows: NDArray[np.int64]) -> str | None:
    """Return the GO term that nearly all of some genes have and few others, if there is one."""
    has = neighbourhood.annotated.astype(bool).astype(np.float64)
    mine = np.asarray(has[rows].mean(axis=0)).ravel()
    every = np.asarray(has.mean(axis=0)).ravel()
    fits = (mine >= SHARED) & (mine >= SET_APART * every)
    if not fits.any():
        return None
    return neighbourhood.terms[int(np.argmax(np.where(fits, mine - every, -1)))]


def _figures(config: PropertyConfig) -> dict[str, Any]:
    """Return what is told of a head, as a record."""
    value, low, high = config.held_out
    shown: dict[str, Any] = {
        "property": config.name,
        "genes": config.genes,
        "metric": config.metric,
        "value": round(value, 4),
        "interval": [round(low, 4), round(high, 4)],
        "penalty": config.penalty,
        "texts": config.texts,
    }
    for name in ("brier", "calibration_error", "half_width"):
        number = getattr(config, name)
        if number is not None:
            shown[name] = round(number, 4)
    return shown
