"""Trains the morphology model that is shipped, from PERISCOPE and what is known of genes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.progress import Progress
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.sources.registry import sha256_of
from models.checkpoint import write_checkpoint
from models.inputs import annotations
from models.morphology.checkpoint import FORMAT, Checkpoint, Config
from models.morphology.features import FloatArray, gene_features
from models.morphology.kernel import ChannelKernel, calibration
from models.morphology.model import NOT_MEASURED
from models.morphology.periscope import CHANNELS, FILES, read_periscope
from models.provenance import code_commit

FOLDS = 5
STEPS = 127
DRAWS = 500


def train(
    data: Path,
    out: Path,
    progress: Progress,
    embedded: tuple[Sequence[str], NDArray[np.floating]] | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Train on the mirror and write a checkpoint; return the held-out figures as records.

    Args:
        data: A mirror, or a data folder with `sources`.
        out: Folder of the checkpoint.
        progress: Told how far it has come.
        embedded: Genes and their embeddings by another model.
        seed: Of folds and decomposition.

    Raises:
        DataError: A source is missing or malformed.
    """
    root = sources_root(data)
    commit = code_commit()
    progress("reading the screen", 0.0)
    symbols = read_symbols(root)
    screen = read_periscope(root, symbols)
    other = read_periscope(root, symbols, medium="HPLM")
    hits = screen.hits()
    progress("reading what is known of genes", 0.05)
    known = (*screen.genes, *(embedded[0] if embedded is not None else ()))
    found = gene_features(root, known, symbols, embedded, seed)
    vectors, vector_scale = _stepped(found.vectors)
    traits, trait_scale = _stepped(found.traits)
    row = {gene: i for i, gene in enumerate(found.genes)}
    rows = np.array([row[gene] for gene in hits.genes])
    # As they are stored, so that a prediction is what was scored.
    mine = vectors[rows].astype(np.float32) * vector_scale
    plain = traits[rows].astype(np.float32) * trait_scale
    altered = hits.altered
    fold = np.random.default_rng(seed).permutation(len(rows)) % FOLDS
    held_out = np.zeros(altered.shape, np.float32)
    for number in range(FOLDS):
        progress("holding genes out", 0.6 + 0.3 * number / FOLDS)
        train_rows, test_rows = fold != number, fold == number
        fit = ChannelKernel.fit(mine[train_rows], plain[train_rows], altered[train_rows])
        held_out[test_rows] = fit.scores(mine[test_rows], plain[test_rows])
    slope, start = calibration(held_out, altered)
    progress("fitting", 0.92)
    whole = ChannelKernel.fit(mine, plain, altered)
    figures = [_auroc(held_out[:, i], altered[:, i], seed) for i in range(len(CHANNELS))]
    config = Config(
        seed=seed,
        channels=CHANNELS,
        thresholds=tuple(int(one) for one in screen.thresholds),
        mean=tuple(float(one) for one in whole.mean),
        slope=tuple(float(one) for one in slope),
        start=tuple(float(one) for one in start),
        held_out=tuple(figures),
        vector_scale=vector_scale,
        trait_scale=trait_scale,
    )
    there = {gene: i for i, gene in enumerate(other.genes)}
    elsewhere = np.full(screen.counts.shape, NOT_MEASURED, np.uint16)
    for i, gene in enumerate(screen.genes):
        if gene in there:
            elsewhere[i] = other.counts[there[gene]]
    arrays: dict[str, NDArray[Any]] = {
        "vectors": vectors,
        "traits": traits,
        "counts": screen.counts.astype(np.uint16),
        "counts_hplm": elsewhere,
        "hit": screen.hit.astype(np.uint8),
        "rows": rows.astype(np.uint16),
        "duals": whole.duals.astype(np.float16),
        "held_out": held_out.astype(np.float16),
    }
    told = [
        {"channel": name, "auroc": round(value, 4), "interval": [round(low, 4), round(high, 4)]}
        for name, (value, low, high) in zip(CHANNELS, figures, strict=True)
    ]
    record = {
        "seed": seed,
        "folds": FOLDS,
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
        "genes": len(found.genes),
        "hits": len(rows),
        "metrics": told,
        "sources": {name: sha256_of(root / name) for name in (*FILES, *annotations.FILES)},
    }
    names = {"genes": found.genes, "measured": screen.genes}
    write_checkpoint(out, FORMAT, Checkpoint(config, names, arrays), record)
    progress("done", 1.0)
    return told


def _stepped(values: FloatArray) -> tuple[NDArray[np.int8], float]:
    scale = float(np.float32(np.abs(values).max() / STEPS))
    return np.rint(values / scale).astype(np.int8), scale


def _auroc(
    scores: NDArray[np.floating], altered: NDArray[np.bool_], seed: int
) -> tuple[float, float, float]:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(seed)
    value = float(roc_auc_score(altered, scores))
    draws = []
    for _ in range(DRAWS):
        rows = rng.integers(0, len(scores), len(scores))
        draws.append(float(roc_auc_score(altered[rows], scores[rows])))
    low, high = np.quantile(draws, [0.025, 0.975])
    return value, float(low), float(high)
