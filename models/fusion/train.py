"""Fits the posterior on both worlds: training perturbations of the screens, and regulators.

The response model's training leaves a table of held-out predictions (`held_out.parquet`): one row
per training example with the probability that a model gave which never saw that perturbation in
that line (`multi`) or in any line (`strict`). The regulators come from hundreds of studies of other
cells. Figures are cross-fitted, by perturbation and by regulator; the shipped heads use all rows.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from knowledge.base import load_knowledge
from knowledge.errors import DataError
from knowledge.progress import Progress
from knowledge.sources.genes import sources_root
from knowledge.sources.registry import sha256_of
from knowledge.trust import save_edge_trust
from models.checkpoint import write_checkpoint
from models.fusion.checkpoint import FORMAT, Floats, FusionConfig, Head, Heads, Scope, to_store
from models.fusion.edge_trust import fit_edge_trust, measured_signs
from models.fusion.habit import LossHabit
from models.fusion.habit_training import fit_habit, gene_features, regulators
from models.fusion.posterior import PathKind, Support, Task, features, logit
from models.fusion.regulator_sets import consensus, read_regulator_sets, without_repeats
from models.fusion.rows import Rows, SupportReader, read_held_out
from models.provenance import code_commit
from models.response import ResponseModel
from models.threshold import best_f1_threshold

FOLDS = 5
# Fewer net votes say next to nothing about the sign of a change.
LEAST_VOTES = 2
# Perturbations of which the paths are followed; a search over the databases takes a quarter second.
MOST_PERTURBATIONS = 1500
# Ridge strength of the heads: weak, there are a dozen weights and 10^5 rows.
INVERSE_PENALTY = 10.0
Figures = dict[str, dict[str, float]]


def fit_head(rows: Rows, task: Task) -> Head:
    """Fit one head to rows; features without a value in them get weight zero."""
    found = features(rows.support, task)
    x = np.column_stack(list(found.values()))
    # Most rows have no path: a first-order solver would stop before it has seen those that do.
    model = LogisticRegression(C=INVERSE_PENALTY, solver="newton-cholesky")
    model.fit(x, rows.label, sample_weight=rows.weight)
    weights = [float(value) for value in model.coef_[0]]
    return Head(bias=float(model.intercept_[0]), weights=dict(zip(found, weights, strict=True)))


def cross_fitted(rows: Rows, task: Task, seed: int = 0) -> Floats:
    """Return each row's probability from heads that saw neither its perturbation's rows."""
    fold = folds_of(rows.group, seed)
    out = np.empty(len(rows.label))
    for number in range(FOLDS):
        test = fold == number
        head = fit_head(rows.take(~test), task)
        out[test] = expit(head.logit(features(rows.support.take(test), task)))
    return out


def folds_of(groups: NDArray[np.str_], seed: int = 0) -> NDArray[np.int64]:
    """Return a fold for each row, the same one for all rows of a group in every table."""
    digest = {
        group: int(hashlib.sha256(f"{seed}:{group}".encode()).hexdigest(), 16) % FOLDS
        for group in set(groups.tolist())
    }
    return np.array([digest[group] for group in groups.tolist()], np.int64)


def train(held_out: Mapping[str, Path], data: Path, out: Path, told: Progress) -> Figures:
    """Fit edge trust, habits and heads; write them, and return the figures.

    `knowledge/edge_trust.json` is written anew, and `out` gets the checkpoint and the cross-fitted
    probabilities: `held_out_fused_SETTING.parquet` (training perturbations of the screens, with
    `p_fused`) and `regulators_held_out.parquet` (`regulator`, `gene`, `p_up`, `scope`).

    Args:
        held_out: Setting -> table of held-out predictions, for `multi` and `strict`.
        data: The data folder, pulled and compiled; the groups `regulators` and `perturbseq` too.
        out: Folder of the checkpoint.
        told: Is told what is being done, and how much of it is finished.

    Raises:
        DataError: A table or a source is missing.
    """
    tables = {setting: read_held_out(path) for setting, path in held_out.items()}
    response = ResponseModel.load()
    full = load_knowledge(data, extra_genes=response.genes())
    if full.scope != "full":
        raise DataError(f"{data} is not compiled; run `knockwise index build`.")
    root = sources_root(data)
    votes = consensus(without_repeats(read_regulator_sets(root, full.symbols)))
    directions = tables["multi"][tables["multi"]["task"] == "dir"]
    told("learning how far each database is trusted", 0.0)
    trust, trusted = fit_edge_trust(full.graph.edges, measured_signs(votes, directions))
    save_edge_trust(trust, trusted)
    genes = sorted({*votes["gene"], *(gene.symbol for gene in response.genes())})
    acting = regulators(full.graph.edges)
    told("learning what genes usually do", 0.0)
    known = gene_features(genes, full, root)
    whole = fit_habit(votes, genes, known, acting)
    habits = _habits_without(votes, genes, known, acting)
    scopes: dict[Scope, Heads] = {}
    figures: Figures = {"edge trust": trusted}
    versions: dict[str, dict[str, str]] = {}
    fused: list[pd.DataFrame] = []
    regulated: list[pd.DataFrame] = []
    for scope in get_args(Scope):
        folder = data if scope == "full" else Path("/nonexistent")
        knowledge = load_knowledge(folder, extra_genes=response.genes())
        versions[scope] = knowledge.versions
        world = SupportReader(knowledge, response, acting)
        some = tables if scope == "starter" else _sample(tables)
        heads: dict[str, Head | float] = {}
        for task in get_args(Task):
            screens = world.screens(some, task, told)
            if task == "up":
                enough = votes[votes["votes"].abs() >= LEAST_VOTES]
                elsewhere = world.regulators(enough, habits, told)
                # A screen that measured a regulator says what it does in the line; studies of
                # other cells must not talk it down.
                rows = Rows.joined([screens, elsewhere.take(~elsewhere.support.known)])
            else:
                rows = screens
            p, head = cross_fitted(rows, task), fit_head(rows, task)
            heads[task] = head
            of_screens = p[: len(screens.label)]
            figures[f"{scope}, {task}"] = _losses(screens, of_screens, task)
            if task == "de":
                heads["de_threshold"] = best_f1_threshold(of_screens, screens.label.astype(float))
            else:
                of_known = elsewhere.take(elsewhere.support.known)
                said = [p[len(screens.label) :], _probability(head, of_known.support, "up")]
                new = elsewhere.take(~elsewhere.support.known)
                regulated.append(_by_pair([new, of_known], said).assign(scope=scope))
            if scope == "starter":
                fused.append(_with_response(screens, task).assign(p_fused=of_screens))
        scopes[scope] = Heads.model_validate(heads)
    out.mkdir(parents=True, exist_ok=True)
    together = pd.concat(fused, ignore_index=True)
    for setting, table in together.groupby("setting"):
        table.drop(columns="setting").to_parquet(out / f"held_out_fused_{setting}.parquet")
    pd.concat(regulated, ignore_index=True).to_parquet(out / "regulators_held_out.parquet")
    _write(out, FusionConfig(scopes=scopes), whole, versions, held_out, figures)
    return figures


def _probability(head: Head, support: Support, task: Task) -> Floats:
    return np.asarray(expit(head.logit(features(support, task))))


def _habits_without(
    votes: pd.DataFrame,
    genes: list[str],
    known: NDArray[np.float32],
    acting: frozenset[str],
) -> dict[str, LossHabit]:
    """Return, for each regulator, the habits learnt without those of its fold."""
    names = np.array(sorted(votes["regulator"].unique()))
    fold = folds_of(names)
    found: dict[str, LossHabit] = {}
    for number in range(FOLDS):
        own = set(names[fold == number])
        habit = fit_habit(votes[~votes["regulator"].isin(own)], genes, known, acting)
        found.update(dict.fromkeys(own, habit))
    return found


def _sample(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the rows of some perturbations, the same in each table."""
    names = sorted({name for table in tables.values() for name in table["pert"]})
    order = np.random.default_rng(0).permutation(names)[:MOST_PERTURBATIONS]
    return {setting: table[table["pert"].isin(order)] for setting, table in tables.items()}


def _with_response(rows: Rows, task: Task) -> pd.DataFrame:
    """Return the table of the screens' rows with the response model's own probability."""
    p = rows.support.p_de if task == "de" else rows.support.p_up
    return rows.table.assign(task={"de": "de", "up": "dir"}[task], label=rows.label, p=p)


def _by_pair(parts: list[Rows], said: list[Floats]) -> pd.DataFrame:
    """Return `regulator`, `gene` and `p_up`, the log-odds of the lines averaged."""
    table = pd.concat([part.table for part in parts], ignore_index=True)
    table = table.rename(columns={"pert": "regulator"}).assign(p_up=logit(np.concatenate(said)))
    mean = table.groupby(["regulator", "gene"])["p_up"].mean().reset_index()
    return mean.assign(p_up=expit(mean["p_up"]))


def _losses(rows: Rows, p: Floats, task: Task) -> dict[str, float]:
    """Return log loss and Brier score, alone and fused, over all rows and parts of them."""
    alone = rows.support.p_de if task == "de" else rows.support.p_up
    found: dict[str, float] = {}
    for name, chosen in (
        ("", np.ones(len(p), bool)),
        (", path", rows.support.kind != PathKind.NONE),
        (", multi", (rows.table["setting"] == "multi").to_numpy()),
        (", strict", (rows.table["setting"] == "strict").to_numpy()),
    ):
        label = rows.label[chosen]
        found[f"rows{name}"] = int(chosen.sum())
        if len(set(label.tolist())) < 2:
            continue
        for who, values in (("response", alone), ("fused", p)):
            found[f"log loss, {who}{name}"] = float(log_loss(label, values[chosen]))
            found[f"Brier, {who}{name}"] = float(brier_score_loss(label, values[chosen]))
    return found


def _write(
    out: Path,
    config: FusionConfig,
    habit: LossHabit,
    versions: Mapping[str, Mapping[str, str]],
    held_out: Mapping[str, Path],
    figures: Figures,
) -> None:
    training: dict[str, object] = {
        "held_out_sha256": {name: sha256_of(path) for name, path in held_out.items()},
        "knowledge": versions,
        "folds": FOLDS,
        "least_votes": LEAST_VOTES,
        "metrics": figures,
        "commit": code_commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    write_checkpoint(out, FORMAT, to_store(config, habit), training)
