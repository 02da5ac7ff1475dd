"""The kind of heads that are shipped, as one predictor among those that are evaluated."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evals.genen.inputs import GeneInputs
from evals.genen.rivals.predictor import as_scores
from models.genen.heads import SHARES, Features, View, chosen, fitted, probabilities
from models.genen.labels import PropertyTask
from models.genen.neighbourhood import Neighbourhood
from models.genen.representation import TextSpace, heard, root_mean_square
from models.genen.splits import Split
from models.genen.texts import FloatArray


@dataclass(frozen=True, slots=True)
class ShippedHeads:
    """One linear head per property: own text, partners' texts, and neighbours by name."""

    name: str = "linear heads (as shipped)"

    def scores(
        self, task: PropertyTask, splits: Sequence[Split], inputs: GeneInputs
    ) -> list[FloatArray]:
        """Return for each split the scores of every gene; see `PropertyPredictor`."""
        rows = inputs.graph.rows(task.genes)
        features = described_features(Neighbourhood.of(inputs.graph), inputs)
        views = {share: View.of(features.of(rows, share)) for share in SHARES}
        found = []
        for split in splits:
            choice = chosen(task, views, split)
            x = views[choice.texts].x
            head = fitted(task, x, np.concatenate([split.train, split.validation]), choice)
            found.append(as_scores(task, probabilities(task.kind, head(x))))
        return found


def described_features(neighbourhood: Neighbourhood, inputs: GeneInputs) -> Features:
    """Return what heads see of every gene, from texts of which some may be hidden."""
    if not inputs.described.any():
        return Features(np.zeros((len(inputs.texts), 0), np.float32), neighbourhood.rows)
    own = TextSpace.of(inputs.gene_x, inputs.described).project(inputs.gene_x, inputs.described)
    told = heard(neighbourhood.hearing, own)
    told /= np.float32(root_mean_square(told))
    return Features(np.concatenate([own, told], axis=1), neighbourhood.rows)
