"""Which functions carry the phenotypes of which systems, read off a fitted model."""

import numpy as np

from evals.phenotypes.facts import Bottleneck
from evals.phenotypes.predictors import Task
from models.genepheno.predictor import GenePheno

PER_SYSTEM = 2
"""Functions that are shown of each system."""
FEWEST_TERMS = 5
"""A system with fewer terms is left out."""


def bottleneck(model: GenePheno, task: Task) -> Bottleneck | None:
    """Return the mean weight of functions over the terms of each system; none without systems.

    Shown are the functions that move each system most: weight times the spread of the function
    over the genes learnt from, so that a function of three genes does not lead.

    Args:
        model: A fitted one, with its bottleneck.
        task: Whose terms and systems.
    """
    named = np.array(task.labels.vocabulary.systems)
    sizes = {name: int((named == name).sum()) for name in sorted({*named.tolist()} - {""})}
    systems = [name for name, size in sizes.items() if size >= FEWEST_TERMS]
    if not systems:
        return None
    whole = model.weights
    weights = np.stack([whole[:, named == name].mean(axis=1) for name in systems], axis=1)
    share = model.units.share
    moved = weights * np.sqrt(share * (1 - share))[:, None]
    order = np.argsort(-moved, axis=0, kind="stable")[:PER_SYSTEM]
    rows = list(dict.fromkeys(int(row) for column in order.T for row in column))
    return Bottleneck(
        collection=task.collection,
        functions=tuple(model.functions[row][1] for row in rows),
        systems=tuple(systems),
        weights=tuple(tuple(round(float(one), 5) for one in weights[row]) for row in rows),
    )
