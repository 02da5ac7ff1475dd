"""Trains the shipped checkpoint from a data folder, resumably."""

import json
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from knowledge.errors import DataError
from knowledge.schema import Gene
from knowledge.sources import sha256_of
from models.provenance import code_commit
from models.response import annotations
from models.response.annotations import sources_root
from models.response.checkpoint import Checkpoint, coarse, gene_row, save_checkpoint
from models.response.corpus import Corpus, read_corpus
from models.response.features import TASKS, labels
from models.response.field import N_LINES, FieldSettings
from models.response.scoring import FittedModel, fit_model
from models.response.screens import CELL_LINES, SCREEN_FILES, UNKNOWN
from models.response.settings import Progress, TrainingSettings
from models.response.trees import SEEDS, TREES
from models.threshold import best_f1_threshold

HELD_OUT = "held_out.parquet"


def train(data: Path, out: Path, run: TrainingSettings, progress: Progress) -> FittedModel:
    """Train from a data folder and write a checkpoint to `out`.

    Raises:
        DataError: A source is missing, or the setting is one that no weights are written in.
    """
    if run.setting == "extended":
        raise DataError(
            "The extended setting is for scoring only, as its extra sets may not be shipped; "
            "train in multi or strict."
        )
    commit = code_commit()  # of the code that is loaded now; hours later it may be another
    fitted = train_corpus(read_corpus(data, run.setting, progress), out, run, progress)
    record = _record(sources_root(data), fitted, commit)
    (out / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    held_out_table(fitted).to_parquet(out / HELD_OUT)
    return fitted


def train_corpus(
    corpus: Corpus, out: Path, run: TrainingSettings, progress: Progress
) -> FittedModel:
    """Train on what was read; finished folds survive an interruption."""
    cache = out / "partial"
    fitted = fit_model(corpus, run, cache, progress)
    save_checkpoint(out, _checkpoint(fitted))
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
    config = {
        "cell_lines": list(CELL_LINES),
        "setting": fitted.run.setting,
        "de_threshold": threshold,
        "field": {name: asdict(getattr(fitted.evidence, name).field.settings) for name in TASKS},
        "features": list(held.names),
        "calibration": {name: curve.as_json() for name, curve in curves.items()},
    }
    return Checkpoint(
        config,
        tuple(gene_row(gene) for gene in _genes(corpus)),
        corpus.relatives.reasons,
        arrays,
        fitted.trees["de"].as_text(),
        fitted.trees["up"].as_text(),
    )


def _genes(corpus: Corpus) -> list[Gene]:
    """Return the vocabulary with the screens' outdated symbols among the previous ones."""
    out = []
    for symbol in corpus.vocabulary.genes:
        gene = corpus.symbols.get(symbol) or Gene(symbol=symbol)
        older = corpus.screens.older.get(symbol, ())
        previous = tuple(dict.fromkeys((*gene.previous_symbols, *older)))
        out.append(gene.model_copy(update={"previous_symbols": previous}))
    return out


def _record(root: Path, fitted: FittedModel, commit: str) -> dict[str, Any]:
    """Return what the weights were made from and with."""
    return {
        **asdict(fitted.run),
        "field": asdict(FieldSettings(rank=fitted.run.rank)),
        "trees": {**TREES, "seeds": SEEDS},
        "rows": len(fitted.rows),
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
        "sources": {name: sha256_of(root / name) for name in (*SCREEN_FILES, *annotations.FILES)},
    }
