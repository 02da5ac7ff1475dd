"""Predicts from retrieved examples alone, without a model: what reading them is worth by itself.

The examples are the rows of the same readout that the product's own retrieval shows first: those of
the most similar perturbations, rows of another line weighing less. The shuffled control retrieves
the same examples and permutes their outcomes within the readout, so that nothing but chance may be
left.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.inputs.screens import UNKNOWN, IntArray, Rows
from models.response.experiments import ELSEWHERE
from models.response.field import N_LINES, FloatArray

EXAMPLES = 10
ByteArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Questions:
    """Pairs asked about; every field but `similarity` has one entry per pair.

    Attributes:
        line: Index of the line.
        asked: Row of `similarity`.
        readout: Index of the readout, -1 where no training row has it.
        similarity: Of each perturbation asked about to all of training `(asked, perturbations)`.
        own: Its own index among them `(asked,)`, -1 where it was never perturbed.
    """

    line: IntArray
    asked: IntArray
    readout: IntArray
    similarity: FloatArray
    own: IntArray


@dataclass(frozen=True, slots=True)
class Votes:
    """Share of the retrieved examples with outcome 1, and the same after shuffling."""

    retrieved: NDArray[np.float64]
    shuffled: NDArray[np.float64]


def retrieval_votes(
    questions: Questions,
    visible: Rows,
    label: IntArray,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Votes:
    """Return the vote of the `EXAMPLES` nearest rows of the same readout.

    The readout's own rate counts as one more example, so that a pair without examples gets it.

    Args:
        questions: The pairs.
        visible: Rows that may be retrieved.
        label: Their outcomes, 0 or 1; rows with `UNKNOWN` are not retrieved.
        shape: Numbers of perturbations and of readouts.
        rng: Shuffles the outcomes.
    """
    known = label != UNKNOWN
    rows, label = visible.take(known), label[known]
    n_perts, n_readouts = shape
    # One row per (line, perturbation): bytes, since a few hundred million of them are looked at.
    seen = np.zeros((N_LINES * n_perts, n_readouts), np.uint8)
    outcome, permuted = np.zeros_like(seen), np.zeros_like(seen)
    block = rows.line * n_perts + rows.pert
    seen[block, rows.readout] = 1
    outcome[block, rows.readout] = label
    permuted[block, rows.readout] = _within_readout(rows, label, rng)
    count = np.bincount(rows.readout, minlength=n_readouts)
    rate = (np.bincount(rows.readout, label, minlength=n_readouts) + label.mean()) / (count + 1)
    retrieved = np.full(len(questions.line), float(label.mean()))
    shuffled = retrieved.copy()
    for pairs, order in _by_perturbation(questions, n_perts):
        columns = questions.readout[pairs]
        at = np.ix_(order, columns)
        there = seen[at]
        shown = there & (np.cumsum(there, axis=0, dtype=np.uint16) <= EXAMPLES)
        n = shown.sum(axis=0) + 1.0
        retrieved[pairs] = ((shown & outcome[at]).sum(axis=0) + rate[columns]) / n
        shuffled[pairs] = ((shown & permuted[at]).sum(axis=0) + rate[columns]) / n
    return Votes(retrieved, shuffled)


def _within_readout(rows: Rows, label: IntArray, rng: np.random.Generator) -> IntArray:
    """Return the outcomes, permuted among the rows of the same readout.

    Over all lines: within a line, the count of a perturbation's relatives there would say something
    about the rate there.
    """
    out = np.empty_like(label)
    shuffled = np.lexsort((rng.random(len(label)), rows.readout))
    out[np.argsort(rows.readout, kind="stable")] = label[shuffled]
    return out


def _by_perturbation(questions: Questions, n_perts: int) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the pairs of each perturbation and line, and its relatives' blocks, nearest first."""
    key = questions.asked * N_LINES + questions.line
    order = np.argsort(key, kind="stable")
    order = order[questions.readout[order] >= 0]
    for pairs in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
        if not len(pairs):
            continue
        asked, line = questions.asked[pairs[0]], questions.line[pairs[0]]
        alike, own = questions.similarity[asked].copy(), questions.own[asked]
        if own >= 0:
            alike[own] = 1.0
        weight = np.tile(alike * ELSEWHERE, (N_LINES, 1))
        weight[line] = alike
        if own >= 0:
            weight[line, own] = 0.0
        flat = weight.ravel()
        nearest = np.argsort(-flat, kind="stable")
        yield pairs, nearest[: np.count_nonzero(flat > 0)]
