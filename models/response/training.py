"""Trains the shipped checkpoint from a data folder, resumably."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from knowledge.errors import DataError
from knowledge.files import replacing
from knowledge.progress import Progress
from knowledge.schema import Gene
from knowledge.sources.genes import sources_root
from knowledge.sources.registry import sha256_of
from models.checkpoint import write_checkpoint
from models.inputs import annotations
from models.inputs.genes import gene_fields
from models.inputs.screens import CELL_LINES, SCREEN_FILES, UNKNOWN
from models.provenance import code_commit
from models.response.checkpoint import FORMAT, Checkpoint, Config, coarse
from models.response.corpus import Corpus, read_corpus
from models.response.features import TASKS, labels
from models.response.field import N_LINES, FieldSettings
from models.response.scoring import FittedModel, fit_model
from models.response.settings import TrainingSettings
from models.response.trees import SEEDS, TREES
from models.threshold import best_f1_threshold

HELD_OUT = "held_out.parquet"
_FILES = (*SCREEN_FILES, *annotations.FILES)


Score = Callable[[FittedModel], Sequence[Mapping[str, Any]]]
"""Returns figures of how well held-out perturbations are predicted, as records."""


def train(
    data: Path, out: Path, run: TrainingSettings, progress: Progress, score: Score
) -> FittedModel:
    """Train from a data folder and write a checkpoint to `out`, with its figures.

    Raises:
        DataError: A source is missing, or the setting is one that no weights are written in.
    """
    if run.setting == "extended":
        raise DataError(
            "The extended setting is for scoring only, as its extra sets may not be shipped; "
            "train in multi or strict."
        )
    commit = code_commit()  # of the code that is loaded now; hours later it may be another
    sources = {name: sha256_of(sources_root(data) / name) for name in _FILES}
    corpus = read_corpus(data, run.setting, progress)
    return train_corpus(corpus, out, run, progress, score, {"commit": commit, "sources": sources})


def train_corpus(
    corpus: Corpus,
    out: Path,
    run: TrainingSettings,
    progress: Progress,
    score: Score = lambda _: (),
    origin: Mapping[str, Any] | None = None,
) -> FittedModel:
    """Train on what was read; finished folds survive an interruption.

    Args:
        corpus: What was read.
        out: Folder of the checkpoint.
        run: What the training is told.
        progress: Told how far it has come.
        score: Figures for the record of the training.
        origin: What the record says of code and sources.
    """
    cache = out / "partial"
    fitted = fit_model(corpus, run, cache, progress)
    progress("scoring", 1.0)
    record = {**_record(fitted), **(origin or {}), "metrics": list(score(fitted))}
    write_checkpoint(out, FORMAT, _checkpoint(fitted), record)
    with replacing(out / HELD_OUT) as draft:
        held_out_table(fitted).to_parquet(draft)
    shutil.rmtree(cache)
    progress("done", 1.0)
    return fitted


def held_out_table(fitted: FittedModel) -> pd.DataFrame:
    """Return the calibrated held-out probability of every training row, for what is fitted on top.

    Columns: `task` (`de` or `dir`), `pert`, `gene` (approved symbols), `cell_line`, `label`, `p`,
    `fold`. Rows of a readout are to be ranked within their fold alone: the prior of a fold that
    holds a readout's changes out is lower than that of the others.
    """
    rows, vocabulary = fitted.rows, fitted.corpus.vocabulary
    words = np.array(vocabulary.genes)
    parts = []
    for task, curve, label, score in (
        ("de", "de", rows.de, fitted.held_out.changed),
        ("dir", "up", rows.up, fitted.held_out.up),
    ):
        for line, name in enumerate(CELL_LINES):
            here = (rows.line == line) & (label != UNKNOWN) & np.isfinite(score)
            parts.append(
                pd.DataFrame(
                    {
                        "task": task,
                        "pert": words[vocabulary.perturbations[rows.pert[here]]],
                        "gene": words[vocabulary.readouts[rows.readout[here]]],
                        "cell_line": name,
                        "label": label[here],
                        "p": fitted.calibrations[curve].probability(score[here], line),
                        "fold": fitted.held_out.fold[here],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def _checkpoint(fitted: FittedModel) -> Checkpoint:
    """Pack what was fitted, rows sorted by line, perturbation and readout."""
    corpus, held, curves = fitted.corpus, fitted.held_out, fitted.calibrations
    p = curves["de"].probability(held.changed, fitted.rows.line)
    threshold = best_f1_threshold(p, fitted.rows.de)
    order = np.lexsort((fitted.rows.readout, fitted.rows.pert, fitted.rows.line))
    scores = np.stack([held.changed, held.up])[:, order]
    rows = fitted.rows.take(order)
    width = len(corpus.vocabulary.perturbations)
    starts = np.r_[0, np.flatnonzero(np.diff(rows.line * width + rows.pert)) + 1]
    arrays = {
        "perturbations": corpus.vocabulary.perturbations.astype(np.uint16),
        "readouts": corpus.vocabulary.readouts.astype(np.uint16),
        "relatives": corpus.relatives.index,
        "level": corpus.relatives.level,
        "reason": corpus.relatives.reason,
        "baseline": corpus.facts.baseline.astype(np.float16),
        "essential": corpus.facts.essential.astype(np.float16),
        "block_line": rows.line[starts].astype(np.uint8),
        "block_pert": rows.pert[starts].astype(np.uint16),
        "block_size": np.diff(np.r_[starts, len(rows)]).astype(np.uint16),
        "row_readout": rows.readout.astype(np.uint16),
        "row_outcome": (rows.up + 1).astype(np.uint8),
        "held_out": coarse(scores),
    }
    for name, (chosen, _) in labels(rows).items():
        field = getattr(fitted.evidence, name).field
        arrays[f"{name}_loadings"] = coarse(field.loadings)
        duals = np.empty(len(chosen), np.float32)
        for line in range(N_LINES):
            here = chosen.line == line
            duals[here] = field.duals[line][chosen.pert[here], chosen.readout[here]]
        arrays[f"{name}_duals"] = coarse(duals)
    config = Config(
        setting=fitted.run.setting,
        de_threshold=threshold,
        field={name: getattr(fitted.evidence, name).field.settings for name in TASKS},
        features=held.names,
        calibration=curves,
    )
    genes = _genes(corpus)
    names = {
        "genes": tuple(gene.symbol for gene in genes),
        "gene fields": tuple(map(gene_fields, genes)),
        "reasons": corpus.relatives.reasons,
    }
    texts = {"changed": fitted.trees["de"].as_text(), "up": fitted.trees["up"].as_text()}
    return Checkpoint(config, names, arrays, texts)


def _genes(corpus: Corpus) -> list[Gene]:
    """Return the vocabulary with the screens' outdated symbols among the previous ones."""
    out = []
    for symbol in corpus.vocabulary.genes:
        gene = corpus.symbols.get(symbol) or Gene(symbol=symbol)
        older = corpus.screens.older.get(symbol, ())
        previous = tuple(dict.fromkeys((*gene.previous_symbols, *older)))
        out.append(gene.model_copy(update={"previous_symbols": previous}))
    return out


def _record(fitted: FittedModel) -> dict[str, Any]:
    """Return what the weights were made with."""
    return {
        **asdict(fitted.run),
        "field": asdict(FieldSettings(rank=fitted.run.rank)),
        "trees": {**TREES, "seeds": SEEDS},
        "rows": len(fitted.rows),
        "date": datetime.now(UTC).date().isoformat(),
    }
