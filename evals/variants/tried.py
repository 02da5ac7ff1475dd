"""What is tried: each variant differs from the model's trees in one thing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from evals.tasks import TaskName
from evals.variants import further
from evals.variants.further import Extra
from evals.variants.ground import Ground, Scores
from evals.variants.learners import PACE, apart, boosted, listwise, logistic, monotone, network
from models.response.trees import TREES

BASE = "the model's trees"
STACKED, AVERAGED, EVERYTHING = "stack of all learners", "mean of all learners", "all features"
LISTWISE, LOGISTIC, NETWORK = "listwise loss", "logistic regression", "neural network"
LEARNERS = (BASE, LISTWISE, LOGISTIC, NETWORK)
Learn = Callable[[Ground, TaskName], Scores]


class Variant(NamedTuple):
    """One thing that is tried.

    Attributes:
        about: What is other than in the model.
        learn: Returns the raw score of each row, from the same features.
        further: Makes further features for the model's trees, where it is about these.
    """

    about: str
    learn: Learn | None = None
    further: Callable[[Ground, Path], Extra] | None = None


VARIANTS: Mapping[str, Variant] = {
    BASE: Variant(
        "settings and features of the model, fewer rounds and longer steps, one seed", boosted
    ),
    LISTWISE: Variant(
        "perturbations ranked within readout and line (cross-entropy over the list)",
        lambda g, task: listwise(g, task, "rank_xendcg"),
    ),
    LOGISTIC: Variant("the simple supervised baseline on the same features", logistic),
    NETWORK: Variant("two hidden layers on the same features", network),
    "response twins": Variant(
        "votes of perturbations that do the same in other lines", further=further.response_twins
    ),
    "kinds of knowledge apart": Variant(
        "a vote of relatives for each of eleven kinds of knowledge", further=further.kinds_apart
    ),
    "sets first": Variant(
        f"the response of {further.SETS} sets of readouts is predicted first",
        further=further.sets_first,
    ),
    "signed propagation": Variant(
        "signed signalling and regulons, up to three steps", further=further.signed_propagation
    ),
    "smoothed over readouts": Variant(
        "votes on the readouts that answer most alike", further=further.siblings
    ),
    "pairwise loss": Variant(
        "pairs of perturbations within readout and line (LambdaMART)",
        lambda g, task: listwise(g, task, "lambdarank"),
    ),
    "dependencies": Variant(
        "need for both genes in A549, HeLa and, selectively, the line", further=further.dependencies
    ),
    "cell painting": Variant(
        "votes of perturbations that alter the same channels", further=further.cell_painting
    ),
    "three seeds": Variant(
        "bags of three seeds, averaged", lambda g, task: boosted(g, task, members=3)
    ),
    "shorter steps": Variant(
        "steps as short as the model's, twice the rounds",
        lambda g, task: boosted(g, task, longer=PACE, learning_rate=TREES["learning_rate"]),
    ),
    "extremely random trees": Variant(
        "one random threshold for each feature, twice the rounds",
        lambda g, task: boosted(g, task, longer=2, extra_trees=True),
    ),
    "monotone": Variant(
        "support for a change (or a rise) never lowers the score",
        lambda g, task: boosted(g, task, **monotone(g, task)),
    ),
    "no interactions": Variant(
        "no branch joins two families of knowledge",
        lambda g, task: boosted(g, task, **apart(g, task)),
    ),
}


def scores_of(
    name: str, ground: Ground, task: TaskName, features: Callable[[str], Extra]
) -> Scores:
    """Return the raw scores of a variant for the rows that a task asks.

    Args:
        name: Of `VARIANTS`, or `EVERYTHING`, which joins the further features of all.
        ground: Rows, folds and features.
        task: Which task.
        features: Returns the further features of a variant.
    """
    if name in VARIANTS and (learn := VARIANTS[name].learn) is not None:
        return learn(ground, task)
    extra = features(name)
    return boosted(ground, task, extra.features, extra.names)
