"""Boosted trees of several seeds, whose raw scores are averaged."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import lightgbm

SEPARATOR = "\f"


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The members of an ensemble."""

    members: tuple["lightgbm.Booster", ...]

    def raw_score(self, features: NDArray[np.float32], threads: int) -> NDArray[np.float64]:
        """Return the mean log-odds of each row."""
        scores = [
            np.asarray(trees.predict(features, raw_score=True, num_threads=threads))
            for trees in self.members
        ]
        mean: NDArray[np.float64] = np.mean(scores, axis=0)
        return mean

    def as_text(self) -> str:
        """Return LightGBM's own texts of the members."""
        return SEPARATOR.join(trees.model_to_string() for trees in self.members)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what `as_text` wrote."""
        # Imported late: LightGBM pulls in scikit-learn and pandas, which take a second.
        import lightgbm

        return cls(tuple(lightgbm.Booster(model_str=part) for part in text.split(SEPARATOR)))
