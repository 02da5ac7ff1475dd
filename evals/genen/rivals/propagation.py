"""What spreads over a graph with nothing trained: features, labels and errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.genen.graphs import PropertyGraph, Relation

Matrix = NDArray[np.floating]
NEAREST = 8
"""Edges of each relation that reach a node of a network at most: its surest interactions, its most
informative terms, as many of a term's genes. With all of a million edges a table takes hours."""


def relation_matrix(
    graph: PropertyGraph, relation: Relation, values: Matrix | None = None
) -> sparse.csr_array:
    """Return the edges of one relation among all nodes, target by source `(nodes, nodes)`.

    Genes come first, then terms, as in `PropertyGraph.homogeneous`.

    Args:
        graph: The nodes.
        relation: The edges.
        values: Weight of each edge `(edges,)`; the relation's own without.
    """
    size = len(graph.genes) + len(graph.terms)
    start = {"gene": 0, "term": len(graph.genes)}
    weight = relation.weight if values is None else values
    ends = relation.index[1] + start[relation.target], relation.index[0] + start[relation.source]
    return sparse.csr_array((weight.astype(np.float32), ends), shape=(size, size))


def adjacency(
    graph: PropertyGraph, weighted: bool = True, most: int | None = None
) -> sparse.csr_array:
    """Return all edges of a graph, target by source, without self-loops `(nodes, nodes)`.

    Args:
        graph: What to join.
        weighted: Whether edges weigh what the graph says, or all one.
        most: Edges of a relation that reach a node are its heaviest so many; all without.
    """
    size = len(graph.genes) + len(graph.terms)
    total = sparse.csr_array((size, size), dtype=np.float32)
    for relation in graph.relations:
        matrix = relation_matrix(graph, relation)
        total = total + (matrix if most is None else strongest(matrix, most))
    if not weighted:
        total.data[:] = 1
    return total


def symmetric(matrix: sparse.csr_array, loops: float = 1.0) -> sparse.csr_array:
    """Return the renormalised adjacency `D^-1/2 (A + loops I) D^-1/2` of Kipf & Welling (2017).

    D holds the row sums of `A + loops I` on the left and its column sums on the right, which are
    the same where every edge goes both ways. A node without edges and loops keeps a row of zeros.
    """
    looped = matrix + sparse.diags_array(np.full(matrix.shape[0], loops, np.float32), format="csr")
    left, right = (
        sparse.diags_array(_inverse(np.sqrt(np.asarray(looped.sum(axis=axis)).ravel())))
        for axis in (1, 0)
    )
    return sparse.csr_array(left @ looped @ right)


def _inverse(numbers: Matrix) -> Matrix:
    return np.divide(1, numbers, out=np.zeros_like(numbers), where=numbers > 0)


def mean_of_neighbours(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return the adjacency whose rows sum to one: a product with it is a mean `(nodes, nodes)`.

    Rows of nodes without edges stay zero.
    """
    scale = _inverse(np.asarray(matrix.sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(scale) @ matrix)


def spread(operator: sparse.csr_array, start: Matrix, alpha: float, steps: int) -> Matrix:
    """Return `F` after `F <- (1 - alpha) start + alpha operator F`, `steps` times `(nodes, c)`.

    Zhou et al. (2004), Learning with local and global consistency.
    """
    state = start
    for _ in range(steps):
        state = (1 - alpha) * start + alpha * (operator @ state)
    return np.asarray(state, np.float32)


@dataclass(frozen=True, slots=True)
class Spreading:
    """How far something spreads.

    Attributes:
        alpha: Share of a node's value that comes from its neighbours at every step.
        steps: Steps.
    """

    alpha: float = 0.8
    steps: int = 10


def propagated_labels(
    operator: sparse.csr_array,
    rows: NDArray[np.int64],
    known: NDArray[np.int64],
    values: Matrix,
    how: Spreading,
) -> Matrix:
    """Return what known labels say of all rows of a task over the graph `(rows, c)`.

    Each known row starts from its value less the mean of the known ones, all other nodes from 0;
    what arrives is added to the mean. Nodes that no label reaches thus get the mean.

    Args:
        operator: Normalised adjacency `(nodes, nodes)`.
        rows: Node of each row of the task.
        known: Rows whose values may be read.
        values: Values of all rows, of which only the known are read `(rows, c)`.
        how: How far labels spread.
    """
    mean = values[known].mean(axis=0)
    start = np.zeros((operator.shape[0], values.shape[1]), np.float32)
    start[rows[known]] = values[known] - mean
    return np.asarray(spread(operator, start, how.alpha, how.steps)[rows] + mean, np.float32)


def corrected(
    operator: sparse.csr_array,
    rows: NDArray[np.int64],
    known: NDArray[np.int64],
    values: Matrix,
    predicted: Matrix,
    held_out: Matrix,
    scale: float = 1.0,
    steps: int = 10,
) -> Matrix:
    """Return predictions corrected by the errors of their neighbours `(rows, c)`.

    The first half of correct and smooth (Huang et al., 2021), "FDiff-scale": errors of the known
    rows stay as they are while they spread, and what arrives elsewhere is scaled. They are errors
    of held-out predictions, since a model that fits its training rows has none to spread.

    Args:
        operator: Normalised adjacency `(nodes, nodes)`.
        rows: Node of each row of the task.
        known: Rows whose values may be read.
        values: Values of all rows, of which only the known are read `(rows, c)`.
        predicted: Predictions of all rows `(rows, c)`.
        held_out: Predictions of the known rows by models that did not see them `(known, c)`.
        scale: What arrives is multiplied by it.
        steps: How far errors spread.
    """
    nodes, errors = rows[known], values[known] - held_out
    state = np.zeros((operator.shape[0], values.shape[1]), np.float32)
    state[nodes] = errors
    for _ in range(steps):
        state = operator @ state
        state[nodes] = errors
    arrived = state[rows]
    arrived[known] = 0
    return np.asarray(predicted + scale * arrived, np.float32)


def smoothed(
    operator: sparse.csr_array,
    rows: NDArray[np.int64],
    known: NDArray[np.int64],
    values: Matrix,
    predicted: Matrix,
    how: Spreading,
) -> Matrix:
    """Return predictions spread over the graph together with the known values `(rows, c)`.

    The second half of correct and smooth (Huang et al., 2021): known rows start from their values,
    the others of the task from their predictions, all other nodes from the mean of the known.
    """
    mean = values[known].mean(axis=0)
    start = np.zeros((operator.shape[0], values.shape[1]), np.float32)
    start[rows] = predicted - mean
    start[rows[known]] = values[known] - mean
    return np.asarray(spread(operator, start, how.alpha, how.steps)[rows] + mean, np.float32)


def strongest(matrix: sparse.csr_array, most: int) -> sparse.csr_array:
    """Return each row's `most` largest entries; between equal ones, chance decides, seeded.

    Args:
        matrix: Edges, target by source.
        most: Entries that a row keeps.
    """
    coo = matrix.tocoo()
    tie = np.random.default_rng(0).permutation(coo.nnz)
    order = np.lexsort((tie, -coo.data, coo.row))
    row = coo.row[order]
    place = np.arange(coo.nnz) - np.searchsorted(row, row)
    kept = order[place < most]
    return sparse.csr_array((coo.data[kept], (coo.row[kept], coo.col[kept])), shape=matrix.shape)
