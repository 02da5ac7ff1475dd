"""Fits the fusion heads on held-out predictions for training perturbations.

The response model's training leaves a table of them (`held_out.parquet`): one row per training
example with the probability that a model gave which never saw that perturbation. Metrics are
cross-validated over perturbations; the shipped heads and the threshold use all training rows.
"""

import hashlib
import json
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import GroupKFold

from knowledge.base import Knowledge, load_knowledge
from knowledge.cascade import CellState, reach, start
from knowledge.errors import DataError
from knowledge.schema import Perturbation
from models.fusion import (
    Floats,
    FusionConfig,
    Head,
    Heads,
    Scope,
    balance,
    logit,
    strength,
)
from models.provenance import code_commit
from models.threshold import best_f1_threshold

FOLDS = 5
Metrics = dict[str, dict[str, dict[str, float]]]
"""Knowledge scope, task, name of the figure."""
# Ridge strength of the logistic heads: weak, there are three weights and 10^5 rows.
INVERSE_PENALTY = 10.0


def cascade_support(rows: pd.DataFrame, knowledge: Knowledge) -> tuple[Floats, Floats]:
    """Return the confidences that the cascade raises and lowers each row's readout, `(n,)` each.

    Args:
        rows: Columns `pert`, `gene` (approved symbols) and `cell_line`.
        knowledge: Its graph and cell lines are used.
    """
    up, down = np.zeros(len(rows)), np.zeros(len(rows))
    keys = list(zip(rows["pert"], rows["cell_line"], rows["gene"], range(len(rows)), strict=True))
    for (pert, line), group in groupby(sorted(keys), key=lambda key: key[:2]):
        perturbation = Perturbation(genes=(pert,), kind="knockdown", cell_line=line)
        cell = CellState(knowledge.cell_lines.ground(line), knowledge.expression)
        reached = reach(knowledge.graph, start(perturbation), cell=cell)
        for _, _, gene, index in group:
            up[index] = reached.confidence(gene, "up")
            down[index] = reached.confidence(gene, "down")
    return up, down


def fit_head(x: Floats, label: Floats, p_response: Floats | None) -> Head:
    """Fit one head; without `p_response`, one that stands alone."""
    columns = [x] if p_response is None else [logit(p_response), x]
    # Most rows have no path: a first-order solver would stop before it has seen those that do.
    model = LogisticRegression(C=INVERSE_PENALTY, solver="newton-cholesky")
    model.fit(np.column_stack(columns), label)
    weights = [float(value) for value in model.coef_[0]]
    response = 0.0 if p_response is None else weights[0]
    return Head(bias=float(model.intercept_[0]), response=response, cascade=weights[-1])


def evaluate(
    x: Floats,
    label: Floats,
    p_response: Floats,
    perts: NDArray[np.str_],
    genes: NDArray[np.str_],
) -> dict[str, float]:
    """Return cross-validated scores over perturbations: response alone, cascade alone, fused.

    AUROC is pooled over the rows with a path, where the frequency of each readout gene alone does
    well; that control is reported beside it.
    """
    fused, frequency = np.empty(len(label)), np.empty(len(label))
    for fit, test in GroupKFold(FOLDS).split(x, label, perts):
        head = fit_head(x[fit], label[fit], p_response[fit])
        fused[test] = head.probability(p_response[test], x[test])
        rates = pd.Series(label[fit]).groupby(genes[fit]).mean()
        frequency[test] = rates.reindex(genes[test]).fillna(label[fit].mean())
    touched = x != 0
    ranked = {
        "gene_frequency": frequency,
        "cascade": x,
        "response": p_response,
        "fused": fused,
    }
    return {
        "rows": len(label),
        "rows_with_path": int(touched.sum()),
        **{
            f"auroc_with_path_{name}": float(roc_auc_score(label[touched], score[touched]))
            for name, score in ranked.items()
        },
        "log_loss_response": float(log_loss(label, p_response)),
        "log_loss_fused": float(log_loss(label, fused)),
        "log_loss_with_path_response": float(log_loss(label[touched], p_response[touched])),
        "log_loss_with_path_fused": float(log_loss(label[touched], fused[touched])),
        "brier_response": float(brier_score_loss(label, p_response)),
        "brier_fused": float(brier_score_loss(label, fused)),
    }


def train(held_out: Path, data: Path, out: Path) -> Metrics:
    """Fit the heads of every knowledge scope at hand, write the checkpoint to `out`, return scores.

    Raises:
        DataError: The table of held-out predictions cannot be read.
    """
    try:
        rows = pd.read_parquet(held_out)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{held_out} is no table of held-out predictions ({error}); "
            "`knockwise train response` writes one."
        ) from error
    scopes: dict[Scope, Heads] = {}
    metrics: Metrics = {}
    versions: dict[str, dict[str, str]] = {}
    for scope in get_args(Scope):
        knowledge = load_knowledge(data if scope == "full" else Path("/nonexistent"))
        if knowledge.scope != scope:
            continue
        versions[scope] = knowledge.versions
        heads: dict[str, Head | float] = {}
        metrics[scope] = {}
        for task, name in (("de", "de"), ("dir", "up")):
            part = rows[rows["task"] == task].reset_index(drop=True)
            up, down = cascade_support(part, knowledge)
            x = strength(up, down) if task == "de" else balance(up, down)
            label, p = part["label"].to_numpy(float), part["p"].to_numpy(float)
            head = heads[name] = fit_head(x, label, p)
            heads[f"{name}_alone"] = fit_head(x, label, None)
            metrics[scope][task] = evaluate(
                x, label, p, part["pert"].to_numpy(str), part["gene"].to_numpy(str)
            )
            if task == "de":
                heads["de_threshold"] = best_f1_threshold(head.probability(p, x), label)
        scopes[scope] = Heads.model_validate(heads)
    config = FusionConfig(scopes=scopes)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(config.model_dump_json(indent=2) + "\n")
    training: dict[str, object] = {
        "held_out_sha256": hashlib.sha256(held_out.read_bytes()).hexdigest(),
        "knowledge": versions,
        "folds": FOLDS,
        "metrics": metrics,
        "commit": code_commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    (out / "training.json").write_text(json.dumps(training, indent=2, sort_keys=True) + "\n")
    return metrics
