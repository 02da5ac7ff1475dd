"""Chooses few of many: those that stand for most, and good ones that are not alike.

Greedy facility location is at least 1 - 1/e of the best choice (Nemhauser, Wolsey and Fisher 1978).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.response import ResponseModel

Floats = NDArray[np.float64]
# How much a candidate loses that is all but the same as one already chosen.
REPEATED = 0.7
LEAST_GAIN = 1e-3
# How much a measured neighbour that answered the goal raises a candidate.
FEEDBACK = 0.5
# A gene is told by so many of its nearest relatives; two less alike do not stand for each other.
RELATIVES = 24
NEAR = 0.25
AT_ONCE = 1024


def spread(
    nearness: sparse.csr_array, covered: Floats, weight: Floats, allowed: NDArray[np.bool_], n: int
) -> tuple[list[int], list[float]]:
    """Return candidates that stand for most of what nothing stands for yet, with their gains.

    Greedy facility location: a gene is stood for as well as by its nearest chosen candidate.

    Args:
        nearness: Of every gene to every candidate `(genes, candidates)`, 0 to 1.
        covered: How well each gene is stood for already `(genes,)`.
        weight: What each gene counts `(genes,)`.
        allowed: Which candidates may be chosen `(candidates,)`.
        n: How many at most.
    """
    columns = nearness.tocsc()
    covered = covered.copy()
    upper = np.full(columns.shape[1], np.inf)
    upper[~allowed] = -np.inf
    chosen: list[int] = []
    gains: list[float] = []
    while len(chosen) < n:
        best, value = -1, LEAST_GAIN
        # Gains only fall, so a candidate whose last gain is below the best need not be looked at.
        for at in np.argsort(-upper, kind="stable"):
            if upper[at] <= value:
                break
            rows = columns.indices[columns.indptr[at] : columns.indptr[at + 1]]
            near = columns.data[columns.indptr[at] : columns.indptr[at + 1]]
            upper[at] = float(np.sum(weight[rows] * np.maximum(0.0, near - covered[rows])))
            if upper[at] > value:
                best, value = int(at), float(upper[at])
        if best < 0:
            break
        rows = columns.indices[columns.indptr[best] : columns.indptr[best + 1]]
        near = columns.data[columns.indptr[best] : columns.indptr[best + 1]]
        covered[rows] = np.maximum(covered[rows], near)
        upper[best] = -np.inf
        chosen.append(best)
        gains.append(value)
    return chosen, gains


def diverse(
    worth: Mapping[str, float], place: Mapping[str, int], alike: Floats, n: int
) -> list[tuple[str, float]]:
    """Return the best candidates and their gains, each less the more it is like one before it.

    Args:
        worth: What each is worth by itself.
        place: Where each stands in `alike`; one that is nowhere is like no other.
        alike: Likeness of candidates, 0 to 1.
        n: How many at most; fewer where the next gains nothing.
    """
    left = dict(worth)
    nearest = np.zeros(len(alike))
    chosen: list[tuple[str, float]] = []

    def gain(gene: str) -> float:
        near = nearest[place[gene]] if gene in place else 0.0
        return left[gene] * (1 - REPEATED * float(near))

    while left and len(chosen) < n:
        best = max(left, key=lambda gene: (gain(gene), gene))
        value = gain(best)
        if value <= LEAST_GAIN:
            break
        del left[best]
        if best in place:
            nearest = np.maximum(nearest, alike[place[best]])
        chosen.append((best, value))
    return chosen


def profiles(response: ResponseModel, genes: Sequence[str]) -> sparse.csr_array:
    """Return the nearest relatives of genes among the perturbations, as rows of length 1."""
    at = np.array([response._gene[gene] for gene in genes], np.int64)
    return response._relatives.profiles(at, len(response._pert_gene), RELATIVES, np.float64)


def feedback_of(
    response: ResponseModel, near: sparse.csr_array, done: Mapping[str, float]
) -> Floats:
    """Return per candidate how its measured relatives answered, -1 to 1, 0 without any."""
    genes = [gene for gene in done if gene in response._gene]
    if not genes or not near.shape[0]:
        return np.zeros(near.shape[0])
    answered = np.array([done[gene] for gene in genes], np.float64)
    answered = answered - answered.mean()
    top = np.abs(answered).max()
    weights = np.asarray((near @ profiles(response, genes).T).todense())
    voted = weights @ (answered / top if top else answered)
    return np.asarray(voted / np.maximum(1.0, weights.sum(axis=1)))


def nearness(rows: sparse.csr_array, columns: sparse.csr_array) -> sparse.csr_array:
    """Return cosines of profiles, those below `NEAR` left out `(rows, columns)`."""
    parts = []
    turned = sparse.csr_array(columns.T)
    for begin in range(0, rows.shape[0], AT_ONCE):
        part = sparse.coo_array(rows[begin : begin + AT_ONCE] @ turned)
        keep = part.data >= NEAR
        where = (part.row[keep], part.col[keep])
        parts.append(sparse.csr_array((part.data[keep], where), shape=part.shape))
    return sparse.csr_array(sparse.vstack(parts))
