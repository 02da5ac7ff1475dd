"""How well a search found what is known, and how often it finds something where nothing is."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from evals.harness.exact import share
from evals.harness.resampling import Estimate, estimate
from evals.harness.scores import Score
from evals.subtypes.cohorts import Read, Sought
from tools.subtypes.markers import survival_columns, survival_of
from tools.subtypes.methods import IntArray
from tools.subtypes.null import false_discovery_rates
from tools.subtypes.replication import markers_held
from tools.subtypes.search import Found, Outcome
from tools.subtypes.settings import NULLS, Null, Rule
from tools.subtypes.stability import jaccard

DRAWS, SPLITS = 300, 5
STANDS, RULE = "stands", "rule alone"


def scored(read: Read, outcome: Outcome, rule: Rule, seed: int) -> Iterator[Score]:
    """Yield the scores of one method on one cohort."""
    name, where = outcome.method.name, read.cohort.name
    standing = [one for one in outcome.groups if one.rate <= rule.rate]
    for measure, groups in (("rare and stable", outcome.groups), ("beyond chance", standing)):
        yield Score(name, measure, float(len(groups)), cohort=where, task="groups")
    halves = [one.replicated for one in standing if one.replicated is not None]
    if halves:
        mean = Estimate(value=float(np.mean(halves)), n=len(halves))
        yield Score(name, "in both halves", mean, cohort=where, task="groups")
    best = next(one for one in outcome.levels if one.best)
    for measure, value in (
        ("level", best.level),
        ("clusters", float(best.clusters)),
        ("stability", best.stability),
        ("chance", best.chance),
        ("silhouette", best.silhouette),
        ("Davies-Bouldin", best.davies_bouldin),
    ):
        if value is not None:
            yield Score(name, measure, value, cohort=where, task="levels")
    if read.cohort.truth:
        truth = read.table[read.cohort.truth]
        yield Score(
            name, "adjusted Rand", adjusted_rand(outcome.labels, truth, seed), cohort=where,
            task="levels",
        )  # fmt: skip
    for sought in read.cohort.sought:
        yield from _sought(read, outcome, standing, sought, rule, seed)
    if read.cohort.survival:
        yield from _survival(read, name, standing)
    yield from _chance(read, outcome, rule)


def adjusted_rand(labels: IntArray, truth: "pd.Series[str]", seed: int) -> Estimate:
    """Return the adjusted Rand index over samples whose answer is known, with its interval."""
    from sklearn.metrics import adjusted_rand_score

    known = (truth != "").to_numpy()
    mine, theirs = labels[known], truth[known].to_numpy()
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(DRAWS):
        at = rng.integers(0, len(mine), len(mine))
        draws.append(adjusted_rand_score(theirs[at], mine[at]))
    return estimate(float(adjusted_rand_score(theirs, mine)), np.array(draws), len(mine))


def nearest(
    groups: Sequence[Found], members: frozenset[int], known: frozenset[int]
) -> Found | None:
    """Return the group that is most like a known one, over the samples whose answer is known."""
    among = [(jaccard(frozenset(one.members) & known, members), one) for one in groups]
    like, group = max(among, key=lambda one: one[0], default=(0.0, None))
    return group if like > 0 else None


def _sought(
    read: Read, outcome: Outcome, standing: Sequence[Found], sought: Sought, rule: Rule, seed: int
) -> Iterator[Score]:
    """Yield how a known group was found: among those that stand, and among all rare and stable."""
    members, known = read.members(sought), read.known(sought)
    where = {"cohort": read.cohort.name, "task": "sought", "group": sought.value}
    for which, groups in ((STANDS, standing), (RULE, outcome.groups)):
        group = nearest(groups, members, known)
        mine = frozenset(group.members) & known if group else frozenset()
        hit = len(mine & members)
        for measure, value in (
            ("recall", share(hit, len(members))),
            ("precision", share(hit, len(mine))),
            ("jaccard", Estimate(value=jaccard(mine, members))),
            ("found", Estimate(value=float(jaccard(mine, members) >= rule.same))),
            ("rate", Estimate(value=group.rate if group else float("nan"))),
            ("stability", Estimate(value=group.stability if group else float("nan"))),
        ):
            yield Score(outcome.method.name, measure, value, which, **where)
        if group and which == STANDS:
            values = read.expression.values
            held = markers_held(values, frozenset(group.members), SPLITS, seed)
            if held is not None:
                yield Score(outcome.method.name, "markers hold", held, which, **where)


def _survival(read: Read, name: str, standing: Sequence[Found]) -> Iterator[Score]:
    """Yield how the groups that stand survive beside the rest."""
    time, event = survival_columns(read.table, read.cohort.survival)
    for number, group in enumerate(standing, start=1):
        inside = np.isin(np.arange(len(time)), group.members)
        found = survival_of(inside, time, event)
        if found is None:
            continue
        where = {"cohort": read.cohort.name, "task": "survival", "group": f"{number}"}
        yield Score(name, "samples", float(len(group.members)), **where)
        yield Score(name, "log-rank p", found.p, **where)
        if found.hazard_ratio is not None and found.low is not None and found.high is not None:
            ratio = Estimate(value=found.hazard_ratio, low=found.low, high=found.high)
            yield Score(name, "hazard ratio", ratio, **where)


def _chance(read: Read, outcome: Outcome, rule: Rule) -> Iterator[Score]:
    """Yield in what share of data sets without groups something is found.

    By the rule alone, and at the false-discovery rate beside the other data sets without groups:
    each takes the part of the data once.
    """
    values: dict[Null, list[list[float]]] = {kind: outcome.chance(kind, rule) for kind in NULLS}
    for kind in NULLS:
        mine = values[kind]
        told, stood = 0, 0
        for at, real in enumerate(mine):
            told += bool(real)
            others: dict[Null, list[list[float]]] = {**values, kind: mine[:at] + mine[at + 1 :]}
            rates = [false_discovery_rates(real, others[each]) for each in NULLS]
            stood += any(max(pair) <= rule.rate for pair in zip(*rates, strict=True))
        where = {"cohort": read.cohort.name, "task": "chance", "data": kind}
        yield Score(outcome.method.name, "any by the rule", share(told, len(mine)), **where)
        yield Score(outcome.method.name, "any beyond chance", share(stood, len(mine)), **where)
