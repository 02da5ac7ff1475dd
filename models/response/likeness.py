"""How alike one gene is to every perturbation that a training screen measured."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.response.model import ResponseModel


class Likeness(NamedTuple):
    """A gene among the measured perturbations.

    Attributes:
        similarity: To each of them, 0 to itself `(perturbations,)`.
        own: Which of them it is, -1 where no screen perturbed it.
    """

    similarity: NDArray[np.float32]
    own: int


def perturbations(model: ResponseModel) -> tuple[str, ...]:
    """Return the perturbations of the training screens, in the order of `Likeness.similarity`."""
    symbols = model._checkpoint.names["genes"]
    return tuple(symbols[i] for i in model._pert_gene[: model._trained_perturbations])


def likeness(model: ResponseModel, gene: str) -> Likeness | None:
    """Return how alike `gene` is to each measured perturbation, None where it is not known."""
    index = model._gene.get(gene)
    if index is None:
        return None
    query, n = model._query(index, 0), model._trained_perturbations
    own = int(query.own[0])
    return Likeness(query.similarity[0, :n], own if own < n else -1)


def why_alike(model: ResponseModel, gene: str, perturbation: str) -> tuple[str, ...]:
    """Return what a gene shares with a measured perturbation, strongest first."""
    at = model._gene.get(perturbation)
    if gene not in model._gene or at is None or model._own[at] < 0:
        return ()
    return model._relatives.why(model._gene[gene], int(model._own[at]))
