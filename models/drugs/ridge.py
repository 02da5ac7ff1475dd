"""What a drug does as a weighted sum of what other drugs did, each without what all of them do.

Kernel ridge regression over the drugs of one screen, the same as a Gaussian process whose readouts
share a kernel; the weights are then confined to the leading directions in which the screen's
signatures vary, because what lies beside them is mostly noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from knowledge.schema import Frozen
from models.drugs.features import Described, Likeness
from models.drugs.levels import CHANGE, POSITION
from models.drugs.screens import Screen

Floats = NDArray[np.float64]
OWN = 0.5
"""Share of a prediction that is of the kind of cells asked about; the rest is the mean over all."""


class Ridge(Frozen):
    """How strongly predictions are held back.

    Attributes:
        penalty: Variance of the noise over that of the signal of two drugs alike in one way.
        direction_rank: Leading directions that weights of the direction are confined to.
        change_rank: The same of the change.
    """

    penalty: float
    direction_rank: int
    change_rank: int


class Weights(NamedTuple):
    """What each drug of a screen counts for the drugs asked about; rows sum to zero.

    Attributes:
        direction: For which way `(asked, drugs)`.
        change: For whether at all `(asked, drugs)`.
        doubt: Variance of the signal that is left, as a share of that of a drug of which nothing
            is known `(asked,)`.
    """

    direction: Floats
    change: Floats
    doubt: Floats


@dataclass(frozen=True)
class Learner:
    """A screen and what is known of its drugs.

    Attributes:
        screen: Its signatures.
        described: Its drugs.
        ridge: How predictions are held back.
        without: A family of evidence that is left out.
        order: Rows of `described` in the order in which the drugs get them; another order is a
            control, in which drugs exchange what is known of them.
    """

    screen: Screen
    described: tuple[Described, ...]
    ridge: Ridge
    without: str = ""
    order: NDArray[np.int64] | None = field(default=None, compare=False)

    @cached_property
    def likeness(self) -> Likeness:
        """Return the similarity of drugs to those of the screen."""
        drugs = self.described
        if self.order is not None:
            drugs = tuple(drugs[at] for at in self.order)
        return Likeness(drugs, self.without)

    @cached_property
    def _kernel(self) -> Floats:
        return self.likeness.between()

    @cached_property
    def _grams(self) -> tuple[Floats, Floats]:
        count = len(self.screen.drugs)
        found = []
        for value in (POSITION, CHANGE):
            gram = np.zeros((count, count))
            for context in self.screen.contexts:
                table = value[context.levels]
                gram += table @ table.T
            found.append(gram)
        return found[0], found[1]

    @cached_property
    def most_alike(self) -> float:
        """Return how alike two drugs are that are the same in every way that counts here."""
        return float(np.median(np.diag(self._kernel)))

    def weights(self, similarity: Floats, train: NDArray[np.int64]) -> Weights:
        """Return what the drugs `train` count for drugs of this similarity to all `(asked, drugs)`.

        Raises:
            ValueError: There is nothing to learn from.
        """
        if not len(train):
            raise ValueError("no drug to learn from")
        near = similarity[:, train]
        inverse = np.linalg.inv(
            self._kernel[np.ix_(train, train)] + self.ridge.penalty * np.eye(len(train))
        )
        plain = near @ inverse
        told = np.einsum("ij,ij->i", plain, near)
        doubt = np.clip(1 - told / self.most_alike, 0.0, 1.0)
        found = []
        ranks = (self.ridge.direction_rank, self.ridge.change_rank)
        for gram, rank in zip(self._grams, ranks, strict=True):
            inner = gram[np.ix_(train, train)]
            inner = inner - inner.mean(0) - inner.mean(1)[:, None] + inner.mean()
            _, axes = np.linalg.eigh(inner)
            axes = axes[:, ::-1][:, :rank]
            mine = (plain @ axes) @ axes.T
            whole = np.zeros_like(similarity)
            whole[:, train] = mine - mine.mean(1, keepdims=True)
            found.append(whole)
        return Weights(found[0], found[1], doubt)


class Sums:
    """Weighted sums of a screen's signatures, of the kind of cells asked about and of all.

    Args:
        screen: The signatures.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._column = [
            {gene: at for at, gene in enumerate(context.genes)} for context in screen.contexts
        ]

    def at(self, context: int, gene: str) -> int | None:
        """Return the column of a readout; None where the cells were not read for it."""
        return self._column[context].get(gene)

    def sums(
        self, weights: Floats, value: NDArray[np.float32], context: int, genes: Sequence[str]
    ) -> Floats:
        """Return the sums `(asked, genes)`; every gene must be one of the context's.

        Args:
            weights: Of the screen's drugs `(asked, drugs)`.
            value: Of each level.
            context: Which kind of cells.
            genes: Readouts.
        """
        own = np.zeros((len(weights), len(genes)))
        total, count = np.zeros_like(own), np.zeros(len(genes))
        for at, other in enumerate(self._screen.contexts):
            column = self._column[at]
            here = np.array([column.get(gene, -1) for gene in genes], np.int64)
            read = np.flatnonzero(here >= 0)
            found = weights @ value[other.levels[:, here[read]]]
            total[:, read] += found
            count[read] += 1
            if at == context:
                own[:, read] = found
        return OWN * own + (1 - OWN) * total / np.maximum(count, 1)

    def everywhere(
        self, weights: Floats, value: NDArray[np.float32], *, elsewhere: bool = False
    ) -> list[Floats]:
        """Return the sums of every readout of every kind of cells `(asked, genes)`.

        Args:
            weights: Of the screen's drugs `(asked, drugs)`.
            value: Of each level.
            elsewhere: Leave out the kind of cells itself.
        """
        coded = weights.astype(np.float32)
        own = [coded @ value[context.levels] for context in self._screen.contexts]
        out = []
        for at, mine in enumerate(own):
            total, count = np.zeros_like(mine), np.zeros(mine.shape[1], np.float32)
            for other, theirs in enumerate(own):
                if elsewhere and other == at:
                    continue
                here, there = self._common[at][other]
                total[:, here] += theirs[:, there]
                count[here] += 1
            total /= np.maximum(count, 1)
            share = 0.0 if elsewhere else OWN
            out.append(np.asarray(share * mine + (1 - share) * total, np.float64))
        return out

    @cached_property
    def _common(self) -> list[list[tuple[NDArray[np.int64], NDArray[np.int64]]]]:
        """Return where the readouts of each kind of cells stand in it and in each other one."""
        out = []
        for context in self._screen.contexts:
            row = []
            for column in self._column:
                there = np.array([column.get(gene, -1) for gene in context.genes], np.int64)
                here = np.flatnonzero(there >= 0)
                row.append((here, there[here]))
            out.append(row)
        return out
