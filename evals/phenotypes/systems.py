"""Which systems and predictors tables and plots of systems show."""

from evals.harness.scores import Scores
from evals.phenotypes.facts import Division

MOST_SYSTEMS = 14


def largest(scores: Scores, about: Division) -> dict[str, int]:
    """Return the systems with most terms, and how many those are, the largest first."""
    sizes = {s["system"]: int(s.value.value) for s in scores.where(measure="terms", **about.keys)}
    order = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST_SYSTEMS]
    return {name: sizes[name] for name in order}


def shown_predictors(scores: Scores, about: Division) -> tuple[str, ...]:
    """Return ours, the baseline with the best AUROC and the reference, those that there are."""
    mine = scores.plain.where(measure="auroc", system=None, **about.keys)
    baselines = mine.where(role="baseline")
    best = [max(baselines, key=lambda one: one.value.value).predictor] if baselines else []
    ours, reference = (mine.where(role=role).values("predictor") for role in ("ours", "reference"))
    return (*ours, *best, *reference)
