"""Exact figures of things that were counted: a share's interval, and a test of two ways paired."""

from scipy.stats import binomtest

from evals.harness.resampling import Estimate

LEVEL = 0.95


def share(right: float, cases: int, level: float = LEVEL) -> Estimate:
    """Return a share with Wilson's interval, which stays within 0 and 1; nan of no case.

    Args:
        right: How many of them; for the interval a half is rounded.
        cases: How many there are.
        level: Of the interval.
    """
    if not cases:
        return Estimate(value=float("nan"))
    around = binomtest(round(right), cases).proportion_ci(level, method="wilson")
    return Estimate(value=right / cases, low=float(around.low), high=float(around.high), n=cases)


def mcnemar(better: int, worse: int) -> float:
    """Return the two-sided exact p-value of so many cases won and lost; 1 without any."""
    return min(1.0, float(binomtest(better, better + worse).pvalue)) if better + worse else 1.0
