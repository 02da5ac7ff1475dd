"""Whether known programmes are found again among the learnt ones."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from evals.harness.scores import Score
from knowledge.base import Knowledge
from models.programmes.model import ProgrammeModel

Floats = NDArray[np.float64]
KNOWN = {"starter": "starter pack", "MSigDB Hallmark": "Hallmark"}
"""Sources of sets that were written down by hand, and what tables call them."""
FEWEST, DRAWS = 8, 20


def recovered(
    model: ProgrammeModel, knowledge: Knowledge, rng: np.random.Generator
) -> Iterator[Score]:
    """Iterate over the mean best-match Jaccard index of known sets, and of shuffled loadings.

    A programme's set is as many of its strongest readouts, all of one sign, as the known set has.
    """
    place = {name: i for i, name in enumerate(model.readouts)}
    loaded = model.loaded(model.readouts)
    for source, name in KNOWN.items():
        sets = []
        for one in knowledge.gene_sets:
            members = {place[gene] for gene in one.members if gene in place}
            if one.source == source and len(members) >= FEWEST:
                sets.append(members)
        sizes = {len(members) for members in sets}
        tops = {(n, sign): _top(sign * loaded, n) for n in sizes for sign in (1, -1)}
        found = [_best(members, loaded, tops) for members in sets]
        shuffled = []
        for _ in range(DRAWS):
            order = rng.permutation(len(loaded))
            drawn = [_best(members, loaded[order], tops) for members in sets]
            shuffled.append(float(np.mean(drawn)))
        yield Score("programmes", "best-match Jaccard", float(np.mean(found)), "recovery",
                    known=name, sets=len(sets))  # fmt: skip
        yield Score("shuffled loadings", "best-match Jaccard", float(np.mean(shuffled)),
                    "recovery", known=name, sets=len(sets))  # fmt: skip
        beyond = float(np.quantile(shuffled, 0.95))
        share = float(np.mean([one > 2 * beyond for one in found]))
        yield Score("programmes", "sets found twice as well as shuffled", share, "recovery",
                    known=name, sets=len(sets))  # fmt: skip


def _top(loaded: Floats, n: int) -> Floats:
    """Return the loading of each programme's `n`-th strongest readout `(rank,)`."""
    top: Floats = np.partition(loaded, -n, axis=0)[-n]
    return top


def _best(members: set[int], loaded: Floats, tops: Mapping[tuple[int, int], Floats]) -> float:
    """Return the largest Jaccard index of the set and a programme's strongest readouts."""
    best, n = 0.0, len(members)
    mine = loaded[np.fromiter(members, np.int64)]
    for sign in (1, -1):
        hits = ((sign * mine >= tops[n, sign]) & (sign * mine > 0)).sum(0)
        best = max(best, float((hits / (2 * n - hits)).max()))
    return best
