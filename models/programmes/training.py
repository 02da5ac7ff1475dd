"""Learns programmes from the screens' training rows and writes a checkpoint."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.base import Knowledge
from knowledge.progress import Progress
from knowledge.sources.genes import sources_root
from knowledge.sources.registry import sha256_of
from models.checkpoint import write_checkpoint
from models.inputs import annotations
from models.inputs.screens import CELL_LINES, SCREEN_FILES, folds
from models.programmes.checkpoint import FORMAT, Checkpoint, Config
from models.programmes.naming import Named, named
from models.programmes.shifts import axes_of, fit, measured_counts
from models.programmes.trust import TOLD
from models.programmes.validation import (
    Folds,
    HeldOut,
    choose,
    fold_axes,
    folds_of,
    held_out,
    least_expected,
    within_readout,
)
from models.provenance import code_commit
from models.response.corpus import Corpus, read_corpus
from models.response.field import N_LINES, Field, FloatArray

N_FOLDS = 5
MOST_COUNTED = 255
# Bins of trust for the record of how well it is calibrated.
BINS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


def train(
    data: Path, knowledge: Knowledge, out: Path, progress: Progress, seed: int = 0
) -> dict[str, Any]:
    """Train from a data folder, write a checkpoint to `out` and return its record.

    Args:
        data: Mirror or data folder with the screens and what is known of genes.
        knowledge: Regulons, sets and complexes that programmes are named by.
        out: Folder of the checkpoint.
        progress: Told how far it has come.
        seed: Of folds and decompositions.

    Raises:
        DataError: A file is missing.
    """
    root = sources_root(data)
    files = (*SCREEN_FILES, *annotations.FILES)
    origin = {
        "commit": code_commit(),
        "sources": {name: sha256_of(root / name) for name in files},
        "knowledge": knowledge.versions,
    }
    corpus = read_corpus(data, "multi", lambda what, done: progress(what, done / 2))
    stored, record = trained(corpus, knowledge, progress, seed)
    record = {**record, **origin}
    write_checkpoint(out, FORMAT, stored, record)
    progress("done", 1.0)
    return record


def trained(
    corpus: Corpus, knowledge: Knowledge, progress: Progress, seed: int = 0
) -> tuple[Checkpoint, dict[str, Any]]:
    """Return the parts of a model trained on what was read, and the record of its training."""
    rows, n_readouts = corpus.screens.rows, len(corpus.vocabulary.readouts)
    similarity = corpus.relatives.between(corpus.vocabulary.perturbations)
    fold = folds(rows, "multi", N_FOLDS, np.random.default_rng(seed))
    found = fold_axes(corpus, similarity, fold, seed, progress)
    rank, least, figures = choose(corpus, similarity, fold, found, progress)
    without = folds_of(corpus, similarity, rank, fold, found, progress)
    progress("all training rows", 0.9)
    everything = axes_of(rows, similarity, n_readouts, rank, seed)
    field, deviation = fit(rows, similarity, n_readouts, rank, everything)
    progress("held-out perturbations", 0.94)
    held = held_out(corpus, similarity, without, field.loadings, least)
    progress("names", 0.97)
    words = np.array(corpus.vocabulary.genes)
    perturbations = words[corpus.vocabulary.perturbations].tolist()
    readouts = words[corpus.vocabulary.readouts].tolist()
    names = named(
        field.loadings, _mean_shifts(field, similarity, corpus), readouts, perturbations, knowledge
    )
    stored = _checkpoint(corpus, field, deviation, held, names, least, perturbations, readouts)
    record = {
        "setting": "multi",
        "seed": seed,
        "folds": N_FOLDS,
        "rows": len(rows),
        "date": datetime.now(UTC).date().isoformat(),
        "choice": figures,
        "metrics": _metrics(corpus, held, without, stored.config),
    }
    return stored, record


def _mean_shifts(field: Field, similarity: FloatArray, corpus: Corpus) -> np.ndarray:
    """Return each perturbation's mean shifts over the lines it was measured in, NaN if none."""
    rows, n = corpus.screens.rows, len(similarity)
    total, count = np.zeros((n, field.loadings.shape[1])), np.zeros((n, 1))
    for line in range(N_LINES):
        own = np.unique(rows.pert[rows.line == line])
        total[own] += field.latent(similarity[own], own, line)
        count[own] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _checkpoint(
    corpus: Corpus,
    field: Field,
    deviation: FloatArray,
    held: HeldOut,
    names: Named,
    least: float,
    perturbations: list[str],
    readouts: list[str],
) -> Checkpoint:
    rows = corpus.screens.rows
    loaded = field.loadings * names.turn
    along, against = measured_counts(rows, loaded, len(perturbations))
    speaks = least_expected(rows, held.value)
    programmes = tuple(
        one.model_copy(
            update={
                "stability": round(float(held.stability[k]), 3),
                "hold": round(float(held.hold[k]), 3),
            }
        )
        for k, one in enumerate(names.programmes)
    )
    return Checkpoint(
        Config(
            setting="multi",
            field=field.settings,
            programmes=programmes,
            least_shift=least,
            least_expected=speaks,
            breaks=held.breaks,
            paths=held.paths,
            hold=tuple(held.hold.tolist()),
        ),
        {"perturbations": tuple(perturbations), "readouts": tuple(readouts)},
        {
            "loadings": loaded.astype(np.float16),
            "deviation": deviation.astype(np.float16),
            "factors": (field.factors * names.turn).astype(np.float16),
            "along": _counted(along),
            "against": _counted(against),
            "held": _counted(held.held),
            "failed": _counted(held.failed),
        },
    )


def _counted(counts: np.ndarray) -> np.ndarray:
    kept: np.ndarray = np.minimum(counts, MOST_COUNTED).astype(np.uint8)
    return kept


def _metrics(corpus: Corpus, held: HeldOut, without: Folds, config: Config) -> dict[str, Any]:
    """Return figures of held-out training perturbations, per line and together."""
    rows, n_readouts = corpus.screens.rows, len(corpus.vocabulary.readouts)
    loads = [field.loadings != 0 for field, _ in without.fits]
    out: dict[str, Any] = {
        "programmes": without.rank,
        "stability": float(held.stability.mean()),
        "stable at 0.7": float((held.stability >= 0.7).mean()),
        "loadings per readout": float(np.mean([one.sum(1).mean() for one in loads])),
    }
    for number, name in enumerate((*CELL_LINES, "all")):
        here = np.ones(len(rows), bool) if name == "all" else rows.line == number
        mine, value, path = rows.take(here), held.value[here], held.path[here]
        changed = mine.up >= 0
        right = (value > 0) == (mine.up == 1)
        told = (np.abs(value) >= config.least_expected) & (path >= TOLD)
        out[name] = {
            "within-readout AUROC": within_readout(mine, value, n_readouts, without.fold[here]),
            "changed": int(changed.sum()),
            "covered": float(told[changed].mean()),
            "unchanged covered": float(told[~changed].mean()),
            "agreement": float(right[changed & told].mean()),
        }
    use = (rows.up >= 0) & (np.abs(held.value) >= config.least_expected) & np.isfinite(held.path)
    right = ((held.value > 0) == (rows.up == 1))[use]
    path = held.path[use]
    out["trust"] = [
        {
            "low": low,
            "high": high,
            "pairs": int(((path >= low) & (path < high)).sum()),
            "mean": float(path[(path >= low) & (path < high)].mean()),
            "right": float(right[(path >= low) & (path < high)].mean()),
        }
        for low, high in zip((0.0, *BINS[:-1]), BINS, strict=True)
        if ((path >= low) & (path < high)).any()
    ]
    return out
