"""Ways of learning from the same features: boosted trees told otherwise, and other learners."""

from collections.abc import Iterable, Mapping
from typing import Any

import lightgbm
import numpy as np
import torch
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from evals.tasks import TaskName
from evals.variants.ground import Ground, Scores, Split
from models.inputs.screens import CELL_LINES, IntArray
from models.response.features import FEATURE_FAMILIES
from models.response.field import FloatArray
from models.response.trees import TREES

RISING = ("prior", "vote", "vote_all", "strength", "factors", "same_readout", "constant")
"""What can only make a change (or a rise) more likely, by the end of a feature's name."""
PACE = 2
"""Steps of the trees are so many times as long as the model's, and rounds so many times fewer."""
UNITS, DROPOUT, EPOCHS, BATCH, STEP = (128, 64), 0.2, 3, 2048, 2e-3


def boosted(
    ground: Ground,
    task: TaskName,
    extra: FloatArray | None = None,
    names: tuple[str, ...] = (),
    members: int = 1,
    longer: int = 1,
    **changed: Any,  # noqa: ANN401  # LightGBM's own
) -> Scores:
    """Return the raw scores of boosted trees for the rows that a task asks, nan elsewhere.

    Args:
        ground: Rows, folds and features.
        task: Which task.
        extra: Further features `(rows, more)`.
        names: Their names.
        members: Trees of so many seeds are averaged.
        longer: How many times as many rounds.
        changed: Settings of the trees that differ from the model's.
    """
    out = np.full(len(ground.rows), np.nan)
    features = ground.features if extra is None else np.hstack([ground.features, extra])
    told = {**_told(ground), **changed}
    one = ground.split(task)
    data = lightgbm.Dataset(
        features[one.fit], one.label, weight=one.weight,
        feature_name=[*ground.names, *names], params=told,
    )  # fmt: skip
    total = np.zeros(len(one.asked))
    for member in range(members):
        told["seed"] = ground.seed + member
        trees = lightgbm.train(told, data, longer * ground.rounds)
        total += np.asarray(trees.predict(features[one.asked], raw_score=True,
                                          num_threads=ground.threads))  # fmt: skip
    out[one.asked] = total / members
    return out


def listwise(ground: Ground, task: TaskName, objective: str) -> Scores:
    """Return scores of trees whose loss ranks the perturbations within a readout and line."""
    out = np.full(len(ground.rows), np.nan)
    told = {
        **_told(ground), "objective": objective, "lambdarank_truncation_level": 1000,
        "bagging_by_query": True,
    }  # fmt: skip
    one = ground.split(task)
    rows = ground.rows.take(one.fit)
    key = rows.line * (int(rows.readout.max()) + 1) + rows.readout
    order = np.argsort(key, kind="stable")
    _, size = np.unique(key, return_counts=True)
    data = lightgbm.Dataset(
        ground.features[one.fit[order]], one.label[order], group=size,
        feature_name=list(ground.names),
    )  # fmt: skip
    trees = lightgbm.train(told, data, ground.rounds)
    out[one.asked] = trees.predict(ground.features[one.asked], num_threads=ground.threads)
    return out


def _told(ground: Ground) -> dict[str, Any]:
    longer_steps = {"learning_rate": PACE * TREES["learning_rate"]}
    return {**TREES, **longer_steps, "seed": ground.seed, "num_threads": ground.threads}


def monotone(ground: Ground, task: TaskName) -> Mapping[str, Any]:
    """Return the setting by which support for a change (or a rise) never lowers the score."""
    mine = {f"{'de' if task == 'de' else 'up'}_{end}" for end in RISING}
    return {"monotone_constraints": [int(name in mine) for name in ground.names]}


def apart(ground: Ground, task: TaskName) -> Mapping[str, Any]:
    """Return the setting by which no branch joins features of two families of knowledge.

    Priors, line and support may stand in every branch.
    """
    shared = {*FEATURE_FAMILIES["readout prior"], *FEATURE_FAMILIES["line and support"]}
    families = (set(one) | shared for one in FEATURE_FAMILIES.values())
    numbers = [[i for i, name in enumerate(ground.names) if name in one] for one in families]
    return {"interaction_constraints": [one for one in numbers if one]}


def logistic(ground: Ground, task: TaskName) -> Scores:
    """Return the log-odds of a logistic regression on the same features."""
    out = np.full(len(ground.rows), np.nan)
    one = ground.split(task)
    model = LogisticRegression(solver="newton-cholesky")
    scale, fit = _prepared(ground, one.fit)
    model.fit(fit, one.label, one.weight)
    out[one.asked] = model.decision_function(scale.transform(_columns(ground, one.asked)))
    return out


def network(ground: Ground, task: TaskName) -> Scores:
    """Return the log-odds of a small neural network on the same features."""
    out = np.full(len(ground.rows), np.nan)
    one = ground.split(task)
    scale, fit = _prepared(ground, one.fit)
    asked = np.clip(scale.transform(_columns(ground, one.asked)), -5, 5)
    out[one.asked] = _trained(np.clip(fit, -5, 5), one, asked, ground)
    return out


def _trained(fit: FloatArray, split: Split, asked: FloatArray, ground: Ground) -> Scores:
    threads = torch.get_num_threads()
    torch.set_num_threads(ground.threads)
    # Initial weights have no generator of their own; the global one is left as it was.
    with torch.random.fork_rng():
        torch.manual_seed(ground.seed)
        model = torch.nn.Sequential(*_layers(fit.shape[1]))
        inputs = torch.from_numpy(fit.astype(np.float32))
        label = torch.from_numpy(split.label.astype(np.float32))
        weight = torch.from_numpy(split.weight)
        steps = EPOCHS * -(-len(fit) // BATCH)
        optimizer = torch.optim.AdamW(model.parameters(), STEP, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, STEP, total_steps=steps)
        for _ in range(EPOCHS):
            for part in torch.randperm(len(fit)).split(BATCH):  # type: ignore[no-untyped-call]
                loss = torch.nn.functional.binary_cross_entropy_with_logits(
                    model(inputs[part]).squeeze(1), label[part], weight[part]
                )
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
        model.eval()
        with torch.inference_mode():
            told = model(torch.from_numpy(asked.astype(np.float32))).squeeze(1)
    torch.set_num_threads(threads)
    scores: Scores = told.numpy().astype(np.float64)
    return scores


def _layers(width: int) -> Iterable[torch.nn.Module]:
    for units in UNITS:
        yield from (torch.nn.Linear(width, units), torch.nn.SiLU(), torch.nn.Dropout(DROPOUT))
        width = units
    yield torch.nn.Linear(width, 1)


def _prepared(ground: Ground, fit: IntArray) -> tuple[Pipeline, FloatArray]:
    """Return what standardises features, an unknown one being the mean, and those to fit to."""
    scale = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    prepared: FloatArray = scale.fit_transform(_columns(ground, fit))
    return scale, prepared


def _columns(ground: Ground, rows: IntArray) -> FloatArray:
    at = ground.names.index("line")
    lines = ground.rows.line[rows][:, None] == np.arange(len(CELL_LINES))
    return np.hstack([np.delete(ground.features[rows], at, 1), lines.astype(np.float32)])
