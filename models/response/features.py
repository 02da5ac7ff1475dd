"""What the boosted trees see of a (perturbation, readout, line): one code path for fit and use.

Every feature of a pair is made from *other* experiments: the perturbation's own rows in that line
never enter, because a fold's evidence is fitted without them, and because a perturbation is never
its own relative.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.inputs.screens import UNKNOWN, IntArray, Rows
from models.response.field import (
    N_LINES,
    Field,
    FieldSettings,
    FloatArray,
    fit_field,
    related,
    row_by_row,
)
from models.response.query import Query
from models.response.signed_sets import SET_FEATURES, SetEvidence, set_planes
from models.response.similarity import Kin

PRIOR_ROWS = 3.0
STRENGTH_ROWS = 10.0
SUPPORT = 0.05
# Added to a readout's variance, so that one that never changes is not scaled up to noise.
LEAST_VARIANCE = 0.01
AXES = 8
TASKS = ("de", "up", "signed")


def _each(pattern: str, *tasks: str) -> tuple[str, ...]:
    return tuple(pattern.format(task) for task in tasks or ("de", "up"))


FEATURE_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "readout prior": (*_each("{}_prior", *TASKS), *_each("{}_prior_rows")),
    "neighbour votes": (*_each("{}_vote"), *_each("{}_vote_all"), *_each("{}_support")),
    "strength of the perturbation": (*_each("{}_strength"), *_each("{}_constant")),
    "shared response factors": (
        *_each("{}_factors", *TASKS),
        *(
            name
            for axis in range(AXES)
            for side in ("perturbed", "readout")
            for name in _each(f"{{}}_{side}_axis_{axis}", *TASKS)
        ),
    ),
    "related rows of the same readout": (
        *_each("{}_same_readout", *TASKS), "signed_total", "signed_size",
    ),
    "other lines": tuple(
        name
        for what in ("prior", "lines", "strength", "exact")
        for name in _each(f"{{}}_{what}_elsewhere")
    ),
    "baseline expression": tuple(
        f"{side}_expression{suffix}"
        for side in ("perturbed", "readout")
        for suffix in ("", "_mean", "_spread")
    ),
    "essentiality": ("perturbed_essential", "perturbed_intolerance", "perturbed_fitness"),
    "kinship of perturbed and readout gene": ("kinship", "shared_relatives"),
    "line and support": ("relatives", "line"),
    "signed sets": SET_FEATURES,
}  # fmt: skip
"""Every feature, by what a reader would call the knowledge behind it.

The signed sets are features in `extended` alone.
"""


@dataclass(frozen=True, slots=True)
class GeneFacts:
    """What is known of every gene of the vocabulary before any screen.

    Attributes:
        baseline: log2(NX + 1) `(genes, lines + 2)`: each line, mean and spread over 69 lines.
        essential: `(genes, 3)`: DepMap share, pLI, RPE1 Bayes factor.
    """

    baseline: FloatArray
    essential: FloatArray


@dataclass(frozen=True, slots=True)
class Task:
    """One question, fitted to rows.

    Attributes:
        prior: Shrunken mean per line and readout `(lines, readouts)`.
        deviation: Its standard deviation over perturbations.
        count: Rows behind it.
        residual: Per line, label minus prior, scaled to unit variance.
        seen: Per line, 1 where a label is.
        field: The process fitted to the residuals.
        strength: Shrunken mean residual per line and perturbation `(lines, perturbations)`.
        n_rows: Rows behind it.
    """

    prior: FloatArray
    deviation: FloatArray
    count: FloatArray
    residual: tuple[sparse.csr_array, ...]
    seen: tuple[sparse.csr_array, ...]
    field: Field
    strength: FloatArray
    n_rows: FloatArray


@dataclass(frozen=True, slots=True)
class FittedEvidence:
    """The three questions behind the features.

    Attributes:
        de: Is the readout changed?
        up: If so, is it up?
        signed: +1 up, -1 down, 0 unchanged: it joins the direction to the rows that say no change.
        sets: What the signed sets say, in `extended`.
    """

    de: Task
    up: Task
    signed: Task
    sets: SetEvidence | None = None


def labels(rows: Rows) -> dict[str, tuple[Rows, FloatArray]]:
    """Return the rows and labels of each task."""
    changed = rows.up != UNKNOWN
    directed = rows.take(changed)
    return {
        "de": (rows, rows.de.astype(np.float32)),
        "up": (directed, directed.up.astype(np.float32)),
        "signed": (rows, np.where(changed, 2 * rows.up - 1, 0).astype(np.float32)),
    }


def fit_evidence(
    rows: Rows, similarity: FloatArray, n_readouts: int, settings: Mapping[str, FieldSettings]
) -> FittedEvidence:
    """Fit the three tasks to `rows`."""
    tasks = {}
    for name, (chosen, values) in labels(rows).items():
        centre, deviation, _ = moments(chosen, values, n_readouts)
        residual = _residuals(chosen, values, centre, deviation)
        field = fit_field(chosen, residual, similarity, n_readouts, settings[name])
        tasks[name] = assemble_task(chosen, values, field, (len(similarity), n_readouts))
    return FittedEvidence(tasks["de"], tasks["up"], tasks["signed"])


def assemble_task(
    rows: Rows,
    values: FloatArray,
    field: Field,
    shape: tuple[int, int],
    own: NDArray[np.bool_] | None = None,
) -> Task:
    """Return the task around a fitted process.

    Args:
        rows: The measured pairs.
        values: Their labels.
        field: The process.
        shape: `(perturbations, readouts)`.
        own: Which rows are of screens of one's own. Those make no prior, for changes are rarer or
            more frequent among them; they are set against the prior at their own rate of change.
    """
    trained = slice(None) if own is None else ~own
    fitted = rows if own is None else rows.take(~own)
    prior, deviation, count = moments(fitted, values[trained], shape[1])
    scaled = _residuals(rows, values, prior, deviation)
    if own is not None:
        mine = rows.take(own)
        scaled[own] = _at_own_rate(mine, values[own], fitted, values[trained], prior, deviation)
        read = np.bincount(mine.line * shape[1] + mine.readout, minlength=count.size)
        count = np.where(count > 0, count, read.reshape(count.shape)).astype(np.float32)
    ones = np.ones(len(rows), np.float32)
    residual = tuple(rows.matrix(line, scaled, shape) for line in range(N_LINES))
    seen = tuple(rows.matrix(line, ones, shape) for line in range(N_LINES))
    summed = np.stack([m.sum(1) for m in residual]).astype(np.float32)
    n_rows = np.stack([m.sum(1) for m in seen]).astype(np.float32)
    strength = (summed / (n_rows + STRENGTH_ROWS)).astype(np.float32)
    return Task(prior, deviation, count, residual, seen, field, strength, n_rows)


def _at_own_rate(
    mine: Rows,
    values: FloatArray,
    fitted: Rows,
    labels: FloatArray,
    prior: FloatArray,
    deviation: FloatArray,
) -> FloatArray:
    """Return how far rows of one's own depart from priors at their own mean, line by line.

    A probability moves on the log-odds scale, a signed mean in proportion.
    """
    expected = prior[mine.line, mine.readout].astype(np.float64)
    signed = bool(labels.min(initial=0) < 0)
    for line in np.unique(mine.line):
        here = mine.line == line
        usual = labels[fitted.line == line]
        if not len(usual):
            continue
        if signed:
            expected[here] *= np.abs(values[here]).mean() / max(float(np.abs(usual).mean()), 1e-6)
            continue
        rates = np.clip([values[here].mean(), usual.mean()], 1e-3, 1 - 1e-3)
        shift = float(np.diff(np.log(rates / (1 - rates)))[0])
        odds = expected[here] / (1 - expected[here]) * np.exp(-shift)
        expected[here] = odds / (1 + odds)
    at = (mine.line, mine.readout)
    return np.asarray((values - expected) / deviation[at], np.float32)


def _residuals(
    rows: Rows, values: FloatArray, prior: FloatArray, deviation: FloatArray
) -> FloatArray:
    at = (rows.line, rows.readout)
    return ((values - prior[at]) / deviation[at]).astype(np.float32)


def moments(
    rows: Rows, values: FloatArray, n_readouts: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean, deviation and count of each readout per line.

    The mean is shrunk to what the readout does in other lines and to the line's mean.
    """
    key = rows.line * n_readouts + rows.readout
    shape, size = (N_LINES, n_readouts), N_LINES * n_readouts
    count = np.bincount(key, minlength=size).reshape(shape)
    total = np.bincount(key, values, minlength=size).reshape(shape)
    squares = np.bincount(key, values**2, minlength=size).reshape(shape)
    everywhere = np.maximum(count.sum(1), 1)
    mean = (total.sum(1) / everywhere)[:, None]
    square = (squares.sum(1) / everywhere)[:, None]
    pooled = (total - count * mean).sum(0) / (count.sum(0) + PRIOR_ROWS)
    low, high = (0.005, 0.995) if values.min(initial=0) >= 0 else (-0.995, 0.995)
    centre = np.clip(mean + pooled, low, high)
    prior = (total + PRIOR_ROWS * centre) / (count + PRIOR_ROWS)
    second = (squares + PRIOR_ROWS * np.maximum(square, centre**2)) / (count + PRIOR_ROWS)
    deviation = np.sqrt(np.maximum(second - prior**2, 0) + LEAST_VARIANCE)
    return prior.astype(np.float32), deviation.astype(np.float32), count.astype(np.float32)


def planes(
    query: Query, evidence: FittedEvidence, facts: GeneFacts, readout_genes: IntArray, kin: Kin
) -> Iterator[tuple[str, FloatArray]]:
    """Yield each feature by name, broadcastable to `(queries, readouts)`."""
    for name, task in (("de", evidence.de), ("up", evidence.up)):
        prior = task.prior[query.line]
        yield f"{name}_prior", np.log(prior / (1 - prior))[None]
        yield from _field(name, query, task)
        yield from _votes(name, query, task)
        yield from _elsewhere(name, query, task)
    yield from _signed(query, evidence.signed)
    if evidence.sets is not None:
        yield from set_planes(query, evidence.sets)
    yield from _facts(query, facts, readout_genes)
    yield from _kinship(query, kin)
    yield "relatives", query.similarity.max(1, initial=0)[:, None]
    yield "line", np.full((1, 1), query.line, np.float32)


def _field(name: str, query: Query, task: Task) -> Iterator[tuple[str, FloatArray]]:
    latent = task.field.latent(query.similarity, query.own, query.line)
    yield f"{name}_factors", row_by_row(latent, task.field.loadings.T)
    yield f"{name}_constant", latent[:, -1:]
    yield from _axes(name, latent, task)
    yield f"{name}_same_readout", task.field.same_readout(query.similarity, query.own, query.line)


def _axes(name: str, latent: FloatArray, task: Task) -> Iterator[tuple[str, FloatArray]]:
    """Yield where perturbation and readout lie on the leading axes of the responses."""
    for axis in range(min(AXES, latent.shape[1] - 1)):
        yield f"{name}_perturbed_axis_{axis}", latent[:, [axis]]
        yield f"{name}_readout_axis_{axis}", task.field.loadings[:, axis][None]


def _votes(name: str, query: Query, task: Task) -> Iterator[tuple[str, FloatArray]]:
    """Yield what related perturbations did to the readout, here and in all lines."""
    w, line = query.similarity, query.line
    summed, support = related(w, task.residual[line]), related(w, task.seen[line])
    yield f"{name}_vote", summed / (support + SUPPORT)
    yield f"{name}_support", support
    for other in _others(line):
        summed = summed + related(w, task.residual[other])
        support = support + related(w, task.seen[other])
    yield f"{name}_vote_all", summed / (support + SUPPORT)
    rows = task.n_rows[line]
    strength = (w @ (task.strength[line] * rows)) / (w @ rows + 1)
    yield f"{name}_strength", strength[:, None]


def _elsewhere(name: str, query: Query, task: Task) -> Iterator[tuple[str, FloatArray]]:
    """Yield what the readout, and the very same perturbation, did in other lines."""
    others = _others(query.line)
    yield f"{name}_prior_rows", np.log1p(task.count[query.line])[None]
    rows = task.count[others].sum(0)
    mean = (task.prior[others] * task.count[others]).sum(0) / np.maximum(rows, 1)
    yield f"{name}_prior_elsewhere", np.where(rows > 0, mean, np.nan)[None].astype(np.float32)
    known = np.flatnonzero(query.own >= 0)
    mine = query.own[known]
    lines = np.zeros(len(query.own), np.float32)
    strength = np.zeros(len(query.own), np.float32)
    exact = np.zeros((len(query.own), task.prior.shape[1]), np.float32)
    for other in others:
        lines[known] += task.n_rows[other, mine] > 0
        strength[known] += task.strength[other, mine]
        exact[known] += task.residual[other][mine].toarray()
    mean = np.where(lines > 0, strength / np.maximum(lines, 1), np.nan)
    yield f"{name}_lines_elsewhere", lines[:, None]
    yield f"{name}_strength_elsewhere", mean[:, None].astype(np.float32)
    yield f"{name}_exact_elsewhere", exact


def _signed(query: Query, task: Task) -> Iterator[tuple[str, FloatArray]]:
    latent = task.field.latent(query.similarity, query.own, query.line)
    factors = row_by_row(latent, task.field.loadings.T)
    same = task.field.same_readout(query.similarity, query.own, query.line)
    total = (factors + same) * task.deviation[query.line] + task.prior[query.line]
    yield "signed_factors", factors
    yield from _axes("signed", latent, task)
    yield "signed_same_readout", same
    yield "signed_prior", task.prior[query.line][None]
    yield "signed_total", total
    yield "signed_size", np.abs(total)


def _facts(
    query: Query, facts: GeneFacts, readout_genes: IntArray
) -> Iterator[tuple[str, FloatArray]]:
    mine, theirs = facts.baseline[query.gene], facts.baseline[readout_genes]
    yield "perturbed_expression", mine[:, [query.line]]
    yield "perturbed_expression_mean", mine[:, [N_LINES]]
    yield "perturbed_expression_spread", mine[:, [N_LINES + 1]]
    yield "readout_expression", theirs[:, query.line][None]
    yield "readout_expression_mean", theirs[:, N_LINES][None]
    yield "readout_expression_spread", theirs[:, N_LINES + 1][None]
    for column, name in enumerate(("essential", "intolerance", "fitness")):
        yield f"perturbed_{name}", facts.essential[query.gene, column][:, None]


def _kinship(query: Query, kin: Kin) -> Iterator[tuple[str, FloatArray]]:
    """Yield how alike perturbed gene and readout gene are: members of a complex compensate."""
    direct = np.zeros((len(query.own), kin.direct.shape[1]), np.float32)
    known = query.own >= 0
    direct[known] = kin.direct[query.own[known]].toarray()
    length = np.linalg.norm(query.similarity, axis=1, keepdims=True)
    yield "kinship", direct
    shared = related(query.similarity, kin.unit)
    yield "shared_relatives", shared / np.maximum(length, np.float32(1e-6))


def _others(line: int) -> list[int]:
    return [other for other in range(N_LINES) if other != line]
