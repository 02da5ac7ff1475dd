"""Predicts which sets a knockdown changes: the response model's evidence, with sets as readouts.

The Gaussian process and the votes of `models.response` are fitted to gene rows and set labels
together, so that a set borrows from its neighbours among sets and genes. Every feature of a set and
its mean over the set's members, is made without the perturbation asked about; boosted trees and a
logistic regression on these held-out features are averaged and calibrated.
"""

import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from evals.genesets.world import K562, World
from knowledge.files import replacing
from knowledge.progress import Progress
from models.inputs.screens import UNKNOWN, IntArray, Rows, Setting
from models.response.calibration import Calibration, fit_calibration
from models.response.features import TASKS, fit_evidence, planes
from models.response.field import FieldSettings, FloatArray, fit_field
from models.response.model import LEAST_SIMILARITY
from models.response.query import Query

Floats = NDArray[np.float64]
TREES: Mapping[str, Any] = {
    "objective": "binary", "learning_rate": 0.03, "num_leaves": 7, "min_data_in_leaf": 40,
    "feature_fraction": 0.3, "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 10.0,
    "max_bin": 63, "deterministic": True, "force_row_wise": True, "verbose": -1,
}  # fmt: skip
REGULARISATION = 0.003
OF_MEMBERS = "members_"
HEADS = ("de", "up")


@dataclass(frozen=True, slots=True)
class SetSettings:
    """What a fit can be told; all but the seed chosen over training perturbations."""

    setting: Setting = "multi"
    seed: int = 0
    folds: int = 5
    rounds: int = 200
    rank: int = 32
    threads: int = 2


@dataclass(frozen=True, slots=True)
class SetTable:
    """Features and scores of (perturbation, set) pairs.

    Attributes:
        pert: Index of each pair's perturbation.
        which: Index of its set.
        features: `(pairs, features)`.
        names: Names of the features.
        scores: Raw score per head, `de` and `up`.
        nearest: Similarity of the perturbation's nearest relative.
        supported: Whether anything is known that tells the perturbation from any other.
    """

    pert: IntArray
    which: IntArray
    features: FloatArray
    names: tuple[str, ...]
    scores: Mapping[str, Floats]
    nearest: Floats
    supported: NDArray[np.bool_]

    def column(self, name: str) -> Floats:
        """Return a feature; 0 where it says nothing."""
        return np.nan_to_num(self.features[:, self.names.index(name)]).astype(np.float64)


@dataclass(frozen=True, slots=True)
class SetModel:
    """A fitted model.

    Attributes:
        fold: Fold of each training row.
        held_out: Every training row as predicted by a fit that did not see its perturbation.
        tested: Every pair of a test perturbation and a set.
        calibrations: Curves of both heads, fitted to held-out scores.
        priors: Rate of each set in the training rows, per head.
    """

    fold: IntArray
    held_out: SetTable
    tested: SetTable
    calibrations: Mapping[str, Calibration]
    priors: Mapping[str, Floats]

    def probability(self, table: SetTable, head: str) -> Floats:
        """Return calibrated probabilities; a set's rate where the model abstains."""
        p = self.calibrations[head].probability(table.scores[head], 0)
        return np.where(table.supported, p, self.priors[head][table.which])


def set_folds(world: World, run: SetSettings) -> IntArray:
    """Return a fold for every training row; a perturbation has one."""
    perts, which = np.unique(world.labels.pert, return_inverse=True)
    order = np.random.default_rng(run.seed).permutation(len(perts))
    drawn: IntArray = (order % run.folds)[which]
    return drawn


def fit_sets(world: World, run: SetSettings, cache: Path | None, progress: Progress) -> SetModel:
    """Fit to the training rows and score the pairs of the test perturbations.

    Args:
        world: What was read.
        run: Setting, seed and sizes.
        cache: Folder in which finished parts are kept for a resumed run.
        progress: Told after each part.
    """
    labels, fold = world.labels, set_folds(world, run)
    which = labels.readout - world.n_readouts
    folder = _folder(world, run, cache)
    features: FloatArray | None = None
    names: tuple[str, ...] = ()
    for k in range(run.folds):
        progress(f"held-out features, fold {k + 1} of {run.folds}", 0.1 + 0.6 * k / run.folds)
        here = np.flatnonzero(fold == k)
        perts, at = np.unique(labels.pert[here], return_inverse=True)
        path = folder / f"fold-{k}.npz" if folder else None
        block, names = _kept(path, world, run, perts)
        if features is None:
            features = np.empty((len(labels), len(names)), np.float32)
        features[here] = block[at, which[here]]
    if features is None:
        raise ValueError("a fit needs at least one fold")
    progress("features of the test perturbations", 0.75)
    block, names = _kept(folder / "test.npz" if folder else None, world, run, world.tested)
    asked_pert, asked = (
        x.ravel()
        for x in np.meshgrid(
            np.arange(len(world.tested)), np.arange(len(world.sets)), indexing="ij"
        )
    )
    asked_features = block[asked_pert, asked]
    progress("fitting the stack", 0.85)
    held: dict[str, Floats] = {}
    tested: dict[str, Floats] = {}
    for head, label in (("de", labels.de), ("up", labels.up)):
        use = label != UNKNOWN
        held[head] = np.full(len(labels), np.nan)
        for k in range(run.folds):
            fit, test = use & (fold != k), use & (fold == k)
            stack = _Stack(features[fit], which[fit], label[fit], len(world.sets), run)
            held[head][test] = stack.score(features[test], which[test])
        stack = _Stack(features[use], which[use], label[use], len(world.sets), run)
        tested[head] = stack.score(asked_features, asked)
    held_out = _table(labels.pert, which, features, names, held)
    return SetModel(
        fold=fold,
        held_out=held_out,
        tested=_table(world.tested[asked_pert], asked, asked_features, names, tested),
        calibrations={
            head: _calibration(held_out, head, label)
            for head, label in (("de", labels.de), ("up", labels.up))
        },
        priors={
            "de": _rates(which, labels.de, len(world.sets)),
            "up": _rates(which, labels.up, len(world.sets)),
        },
    )


def set_features(
    world: World, run: SetSettings, perts: IntArray
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return features `(perturbations, sets, features)` of perturbations nothing is seen of.

    The evidence is fitted to `world.visible(run.setting, perts)`.
    """
    rows = world.visible(run.setting, perts)
    field = dict.fromkeys(TASKS, FieldSettings(rank=run.rank))
    n = world.n_readouts
    evidence = fit_evidence(rows, world.similarity, len(world.readouts), field)
    query = Query(K562, world.perturbed[perts], perts, world.similarity[perts])
    shape = (len(perts), len(world.sets))
    columns: dict[str, FloatArray] = {}
    for name, plane in planes(query, evidence, world.facts, world.readouts, world.kin):
        if plane.shape[1] == 1:
            columns[name] = np.broadcast_to(plane, shape)
            continue
        columns[name] = np.broadcast_to(plane[:, n:], shape)
        if plane.shape[0] > 1:
            columns[OF_MEMBERS + name] = np.nan_to_num(plane[:, :n]) @ world.members
    return np.stack(list(columns.values()), -1).astype(np.float32), tuple(columns)


class _Stack:
    """Boosted trees and a logistic regression, averaged on the scale of log-odds."""

    def __init__(
        self, features: FloatArray, which: IntArray, label: IntArray, n_sets: int, run: SetSettings
    ) -> None:
        self._n_sets, self._threads = n_sets, run.threads
        parameters = {**TREES, "seed": run.seed, "num_threads": run.threads}
        self._trees = lightgbm.train(parameters, lightgbm.Dataset(features, label), run.rounds)
        self._line: Pipeline = make_pipeline(
            StandardScaler(), LogisticRegression(C=REGULARISATION, max_iter=1000)
        ).fit(self._plain(features, which), label)

    def score(self, features: FloatArray, which: IntArray) -> Floats:
        """Return log-odds of pairs."""
        trees = self._trees.predict(features, raw_score=True, num_threads=self._threads)
        mean: Floats = (trees + self._line.decision_function(self._plain(features, which))) / 2
        return mean

    def _plain(self, features: FloatArray, which: IntArray) -> FloatArray:
        one_hot = np.eye(self._n_sets, dtype=np.float32)[which]
        return np.hstack([np.nan_to_num(features), one_hot])


def _table(
    pert: IntArray,
    which: IntArray,
    features: FloatArray,
    names: tuple[str, ...],
    scores: Mapping[str, Floats],
) -> SetTable:
    nearest = features[:, names.index("relatives")].astype(np.float64)
    elsewhere = features[:, names.index("de_lines_elsewhere")] > 0
    supported = (nearest >= LEAST_SIMILARITY) | elsewhere
    return SetTable(pert, which, features, names, scores, nearest, supported)


def _calibration(table: SetTable, head: str, label: IntArray) -> Calibration:
    use = (label != UNKNOWN) & table.supported
    line = np.zeros(int(use.sum()), np.int64)
    return fit_calibration(
        table.scores[head][use], label[use], line, table.pert[use], table.nearest[use]
    )


def _rates(which: IntArray, label: IntArray, n_sets: int) -> Floats:
    """Return the share of ones per set, shrunk by one row of either kind."""
    use = label != UNKNOWN
    ones = np.bincount(which[use], label[use], n_sets)
    rates: Floats = (ones + 1) / (np.bincount(which[use], minlength=n_sets) + 2)
    return rates


def _kept(
    path: Path | None, world: World, run: SetSettings, perts: IntArray
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the features of `perts` from `path`, making and keeping them the first time."""
    if path and path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            return stored["features"], tuple(stored["names"].tolist())
    features, names = set_features(world, run, perts)
    if path:
        with replacing(path) as draft, draft.open("wb") as file:
            np.savez(file, features=features, names=np.array(names))
    return features, names


def _folder(world: World, run: SetSettings, cache: Path | None) -> Path | None:
    """Return the folder of the finished parts of just this fit."""
    if cache is None:
        return None
    digest = hashlib.sha256(json.dumps(asdict(run), sort_keys=True).encode())
    for rows in (world.genes, world.labels):
        for part in (rows.line, rows.pert, rows.readout, rows.de, rows.up):
            digest.update(np.ascontiguousarray(part).tobytes())
    digest.update(np.ascontiguousarray(world.similarity).tobytes())
    digest.update(world.tested.tobytes())
    for made_by in (fit_evidence, fit_field, SetSettings):
        digest.update(Path(inspect.getfile(made_by)).read_bytes())
    folder = cache / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def shuffled(rows: Rows, rng: np.random.Generator) -> Rows:
    """Return the rows with outcomes drawn anew among the rows of the same readout."""
    order = np.arange(len(rows))
    for readout in np.unique(rows.readout):
        here = np.flatnonzero(rows.readout == readout)
        order[here] = rng.permutation(here)
    return Rows(rows.line, rows.pert, rows.readout, rows.de[order], rows.up[order])
