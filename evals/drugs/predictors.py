"""What is compared: each predictor as weights of measured drugs, or as values of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.drugs import Drug
from models.drugs.held_out import Fold
from models.drugs.levels import CHANGE, POSITION
from models.drugs.ridge import Floats, Learner, Sums
from models.response import ResponseModel

OURS, NEAREST, MODE, SHUFFLED, PLATE, KNOCKDOWN, ELSEWHERE = (
    "drug model",
    "nearest drug",
    "mean of the mode of action",
    "drug model, features shuffled between drugs",
    "mean of the plate",
    "knockdown of the target",
    "the same drug in other cells",
)
SHUFFLES = 3
"""Random orders in which drugs exchange what is known of them; figures are their mean."""
LINE = "K562"
"""The screen that knockdowns of targets are predicted in: the one nearest to blood."""


def asked_of(who: str) -> str:
    """Return what tables call a predictor: all random orders of one control are one."""
    return SHUFFLED if who.startswith(SHUFFLED) else who


class Values(NamedTuple):
    """What a predictor says of held-out drugs in one kind of cells `(held, genes)`."""

    direction: Floats
    change: Floats


Predictor = Callable[[Fold], list[Values]]
"""Returns what is said of the held-out drugs in each kind of cells."""


@dataclass(frozen=True)
class Predictors:
    """The predictors of a screen.

    Attributes:
        learner: The model.
        seed: Of the shuffling.
    """

    learner: Learner
    seed: int

    def all(self, knockdowns: "Mapping[str, Floats] | None" = None) -> dict[str, Predictor]:
        """Return each by its name.

        Args:
            knockdowns: Kind of cells -> what the knockdown of each drug's targets does
                `(drugs, genes)`, NaN where nothing is known.
        """
        rng = np.random.default_rng(self.seed)
        orders = [rng.permutation(len(self.learner.described)) for _ in range(SHUFFLES)]
        screen, described, ridge = self.learner.screen, self.learner.described, self.learner.ridge
        found: dict[str, Predictor] = {
            OURS: self._fitted(self.learner),
            NEAREST: self._weighted(self._nearest),
            MODE: self._weighted(self._of_mode),
            **{
                f"{SHUFFLED} {number}": self._fitted(Learner(screen, described, ridge, order=order))
                for number, order in enumerate(orders)
            },
            ELSEWHERE: self._elsewhere,
        }
        if self.learner.screen.plates:
            found[PLATE] = self._weighted(self._of_plate)
        if knockdowns is not None:
            names = [context.name for context in self.learner.screen.contexts]

            def knocked(fold: Fold) -> list[Values]:
                told = [np.nan_to_num(knockdowns[name][fold.held]) for name in names]
                return [Values(one, np.abs(one)) for one in told]

            found[KNOCKDOWN] = knocked
        return found

    def _fitted(self, learner: Learner) -> Predictor:
        similarity, sums = learner.likeness.between(), Sums(learner.screen)

        def predict(fold: Fold) -> list[Values]:
            weights = learner.weights(similarity[fold.held], fold.train)
            return _summed(sums, weights.direction, weights.change)

        return predict

    def _weighted(self, weigh: Callable[[int, NDArray[np.int64]], Floats]) -> Predictor:
        sums, screen = Sums(self.learner.screen), self.learner.screen

        def predict(fold: Fold) -> list[Values]:
            weights = np.zeros((len(fold.held), len(screen.drugs)))
            for row, drug in enumerate(fold.held.tolist()):
                mine = weigh(drug, fold.train)
                weights[row, fold.train] = mine - mine.mean()
            return _summed(sums, weights, weights)

        return predict

    def _nearest(self, drug: int, train: NDArray[np.int64]) -> Floats:
        near = self.learner.likeness.between()[drug, train]
        return np.asarray((np.arange(len(train)) == near.argmax()) * float(near.max() > 0))

    def _of_mode(self, drug: int, train: NDArray[np.int64]) -> Floats:
        modes = self.learner.described[drug].modes
        same = np.array([bool(modes & self.learner.described[one].modes) for one in train], float)
        return np.asarray(same / max(same.sum(), 1.0))

    def _of_plate(self, drug: int, train: NDArray[np.int64]) -> Floats:
        plates = np.array(self.learner.screen.plates)
        same = (plates[train] == plates[drug]).astype(float)
        return np.asarray(same / max(same.sum(), 1.0))

    def _elsewhere(self, fold: Fold) -> list[Values]:
        screen = self.learner.screen
        sums = Sums(screen)
        own = np.zeros((len(fold.held), len(screen.drugs)))
        own[np.arange(len(fold.held)), fold.held] = 1.0
        own[:, fold.train] -= 1 / len(fold.train)
        found = (sums.everywhere(own, value, elsewhere=True) for value in (POSITION, CHANGE))
        return [Values(*pair) for pair in zip(*found, strict=True)]


def _summed(sums: Sums, direction: Floats, change: Floats) -> list[Values]:
    pairs = zip(sums.everywhere(direction, POSITION), sums.everywhere(change, CHANGE), strict=True)
    return [Values(way, size) for way, size in pairs]


def knockdowns(
    learner: Learner, drugs: "tuple[Drug | None, ...]", response: ResponseModel
) -> pd.DataFrame:
    """Return what the predicted knockdown of each drug's targets does to each readout.

    A row is a readout, a column a drug: P(changes) times 2 P(up) - 1 of what it takes away, of the
    opposite sign for what it switches on; NaN where the drug or the readout is not known.
    """
    genes = sorted({gene for context in learner.screen.contexts for gene in context.genes})
    read = set(response.readouts(LINE))
    wanted = [gene for gene in genes if gene in read]
    seen: dict[tuple[str, ...], Floats] = {}
    columns: dict[str, Floats] = {}
    known = {gene.symbol for gene in response.genes()}
    for name, drug in zip(learner.screen.drugs, drugs, strict=True):
        signed = (
            () if drug is None else tuple((t.gene, t.sign) for t in drug.main_targets if t.sign)
        )
        targets = tuple(gene for gene, _ in signed if gene in known)[:3]
        if not targets:
            continue
        if targets not in seen:
            rows = response.predict(targets, wanted, LINE)
            told = {r.readout: np.nan if r.abstained else r.p_de * (2 * r.p_up - 1) for r in rows}
            seen[targets] = np.array([told.get(gene, np.nan) for gene in genes])
        columns[name] = seen[targets] * -min(sign for _, sign in signed)
    return pd.DataFrame(columns, index=pd.Index(genes, name="gene")).reset_index()


def aligned(learner: Learner, table: pd.DataFrame) -> dict[str, Floats]:
    """Return the table of `knockdowns` by kind of cells `(drugs, genes)`."""
    indexed = table.set_index("gene").reindex(columns=list(learner.screen.drugs))
    return {
        context.name: indexed.reindex(list(context.genes)).to_numpy(np.float64).T
        for context in learner.screen.contexts
    }
