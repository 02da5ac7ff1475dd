"""How many comparisons came out better, level and worse, also where they are counted together."""

from collections.abc import Iterable
from statistics import NormalDist

from evals.harness.scores import Gain, Scores, Verdict

WIDTH = 2 * NormalDist().inv_cdf(0.975)
"""Standard errors in a 95 % interval."""


def ours(scores: Scores, predictor: str) -> tuple[Gain, ...]:
    """Return the gains of a predictor; without it those of the role `ours`, else all.

    Args:
        scores: Of a run.
        predictor: The one that its page marks as ours.
    """
    gains = scores.gains
    mine = [one for one in gains if one.predictor == predictor]
    mine = mine or [one for one in gains if one.role == "ours"]
    return tuple(mine or gains)


def counted(gains: Iterable[Gain], among: int = 1) -> dict[Verdict, int]:
    """Return how many gains are better, level and worse.

    Args:
        gains: Those that are counted.
        among: Of how many comparisons each is one: each interval is widened so that, if all were
            level, one in twenty sets of so many would hold one that is not (Bonferroni).
    """
    found: dict[Verdict, int] = {"better": 0, "level": 0, "worse": 0}
    for one in gains:
        found[widened(one, among).verdict] += 1
    return found


def widened(gain: Gain, among: int) -> Gain:
    """Return a gain with the interval it has as one of so many comparisons, taken as normal."""
    if among <= 1:
        return gain
    factor = NormalDist().inv_cdf(1 - 0.025 / among) * 2 / WIDTH
    value = gain.value
    ends = {
        "low": value.value - (value.value - value.low) * factor,
        "high": value.value + (value.high - value.value) * factor,
    }
    told = value.model_copy(update=ends)
    return Gain(gain.predictor, gain.than, gain.measure, told, gain.role, **gain.keys)
