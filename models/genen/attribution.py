"""What moved a prediction: a gene's own text, its partners, and its GO terms, each in log-odds.

Heads are linear in the features, so these are no estimates: the pushes of everything that is known
of a gene, and the head's intercept, add up to the score.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.genen.neighbourhood import Neighbourhood
from models.genen.texts import FloatArray

InfluenceKind = Literal["text", "partner", "term"]


@dataclass(frozen=True, slots=True)
class Influence:
    """One thing known of a gene, and how far it moved a score.

    Attributes:
        kind: The gene's own text, a partner (that it is one, and what is written about it), or a
            GO term that the gene has, itself or by a narrower one.
        name: The partner's symbol or the term's id; empty for the text.
        push: What it added to the score: log-odds of the class, or the value.
    """

    kind: InfluenceKind
    name: str
    push: float


def influences(
    row: int,
    own: FloatArray,
    neighbourhood: Neighbourhood,
    heard_scale: float,
    weights: NDArray[np.floating],
) -> tuple[Influence, ...]:
    """Return everything that moved the score of a gene, the strongest first.

    Args:
        row: Of the gene.
        own: Text coordinates of all genes `(genes, dimensions)`.
        neighbourhood: Partners and terms.
        heard_scale: Factor of the partners' texts.
        weights: Of one output `(features,)`.
    """
    found = list(_pushes(row, own, neighbourhood, heard_scale, weights.astype(np.float64)))
    return tuple(sorted(found, key=lambda one: (-abs(one.push), one.kind, one.name)))


def _pushes(
    row: int,
    own: FloatArray,
    neighbourhood: Neighbourhood,
    heard_scale: float,
    weights: NDArray[np.float64],
) -> Iterator[Influence]:
    size, width = len(neighbourhood.genes), own.shape[1]
    by_text, by_partner, by_name = weights[:width], weights[width : 2 * width], weights[2 * width :]
    if own[row].any():
        yield Influence("text", "", float(own[row] @ by_text))
    hearing, names = neighbourhood.hearing[[row]], neighbourhood.rows[[row]]
    pushes = {
        int(column): heard_scale * float(share) * float(own[column] @ by_partner)
        for column, share in zip(hearing.indices, hearing.data, strict=True)
    }
    for column, value in zip(names.indices, names.data, strict=True):
        pushes[int(column)] = pushes.get(int(column), 0.0) + float(value) * float(by_name[column])
    for column, push in pushes.items():
        if column < size:
            yield Influence("partner", neighbourhood.genes[column], push)
        else:
            yield Influence("term", neighbourhood.terms[column - size], push)
