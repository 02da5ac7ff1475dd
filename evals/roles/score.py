"""Turns cases into counts, shares with Wilson's intervals, and exact paired tests."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from evals.harness.exact import mcnemar, share
from evals.harness.metrics import FloatArray
from evals.harness.scores import Score
from evals.roles.facts import (
    BranchAnswer,
    BranchCase,
    ReadCase,
    Role,
    StepAnswer,
    StepCase,
    StoryAnswer,
    Test,
    Verdict,
)

RULES, EVIDENCE, CHANCE, TEMPLATES = "rules", "evidence", "chance", "templates"
POPULAR = "the genes acted on most"
WITH_RULES, WHENEVER = "rules, then {}", "rules, {} after every refusal"
LEVELLED, WITH_EVIDENCE = "{}, places levelled", "{}, places levelled, and evidence"
VERDICTS: tuple[Verdict, ...] = ("right", "wrong", "refused")
LEAST = 1e-3
Found = tuple[list[Score], list[Test]]


def paired(
    about: Role, part: str, who: str, than: str, mine: Sequence[float], theirs: Sequence[float]
) -> Test:
    """Return the exact test of two ways on the same cases; the greater number is the better."""
    better = sum(a > b for a, b in zip(mine, theirs, strict=True))
    worse = sum(a < b for a, b in zip(mine, theirs, strict=True))
    return Test(about=about, part=part, who=who, than=than, cases=len(mine), better=better,
                worse=worse, p=mcnemar(better, worse))  # fmt: skip


def reading(cases: Sequence[ReadCase], model: str) -> Found:
    """Return how many questions are read right, wrong and not at all."""
    scores, tests = [], []
    for part, group in groupby(cases, key=lambda one: one.part):
        mine = list(group)
        both = WITH_RULES.format(model)
        who: dict[str, list[Verdict]] = {
            RULES: [one.rules for one in mine],
            both: [one.both for one in mine],
        }
        if all(one.model for one in mine if one.refused):
            who[WHENEVER.format(model)] = [one.model or one.rules for one in mine]
        for name, verdicts in who.items():
            for verdict in VERDICTS:
                count = share(verdicts.count(verdict), len(verdicts))
                scores.append(Score(name, verdict, count, about="reading", part=part))
        for name, asked in (
            (both, sum(not one.firm for one in mine)),
            (WHENEVER.format(model), sum(one.refused for one in mine)),
        ):
            if name in who:
                scores.append(Score(name, "asked", asked, about="reading", part=part))
        for name in [name for name in who if name != RULES]:
            right = [[float(v == "right") for v in who[one]] for one in (name, RULES)]
            tests.append(paired("reading", part, name, RULES, *right))
    return scores, tests


def branches(cases: Sequence[BranchCase], answers: Sequence[BranchAnswer], model: str) -> Found:
    """Return how often the step of the textbook or the built-in pathways is chosen.

    A model likes some places of a list whatever stands there. Levelled, an option's log-probability
    is counted from the mean of its place over all cases with as many options, which takes no label.
    """
    scores, tests = [], []
    level = levelled(answers)
    whole = sorted(zip(cases, answers, level, strict=True), key=lambda one: one[0].part)
    for part, group in groupby(whole, key=lambda one: one[0].part):
        mine = list(group)
        right = {
            EVIDENCE: [_chosen(case.evidence) == case.right for case, _, _ in mine],
            model: [_chosen(said.p) == case.right for case, said, _ in mine],
            LEVELLED.format(model): [_chosen(own) == case.right for case, _, own in mine],
            WITH_EVIDENCE.format(model): [
                _chosen(_log(_shares(case.evidence)) + own) == case.right for case, _, own in mine
            ],
        }
        for name, found in right.items():
            value = share(sum(found), len(found))
            scores.append(Score(name, "right", value, about="branches", part=part))
        chance = float(np.mean([1 / len(case.options) for case, _, _ in mine]))
        scores.append(Score(CHANCE, "right", chance, about="branches", part=part))
        first = share(sum(_chosen(said.p) == 0 for _, said, _ in mine), len(mine))
        scores.append(Score(model, "chose the first", first, about="branches", part=part))
        tests += [
            paired("branches", part, name, EVIDENCE, found, right[EVIDENCE])
            for name, found in right.items()
            if name != EVIDENCE
        ]
    return scores, tests


def levelled(answers: Sequence[BranchAnswer]) -> list[FloatArray]:
    """Return log-probabilities less the mean of their place among answers with as many options."""
    logs = [_log(one.p) for one in answers]
    mean = {size: np.mean([one for one in logs if len(one) == size], axis=0)
            for size in {len(one) for one in logs}}  # fmt: skip
    return [one - mean[len(one)] for one in logs]


def _log(shares: Sequence[float]) -> FloatArray:
    return np.log(np.maximum(np.asarray(shares, np.float64), LEAST))


def _shares(of: Sequence[float]) -> Sequence[float]:
    return [one / sum(of) for one in of] if sum(of) else of


def _chosen(of: Sequence[float] | FloatArray) -> int:
    """Return the place of the greatest."""
    return int(np.argmax(of))


def steps(cases: Sequence[StepCase], answers: Sequence[StepAnswer], model: str) -> Found:
    """Return the precision of proposed relations against the hidden ones."""
    said = [Counter(found for _, found, _ in one.steps) for one in answers]
    every = sum(said, Counter())
    guesses = {
        EVIDENCE: [case.evidence for case in cases],
        POPULAR: [case.popular for case in cases],
    }
    hits = {
        name: [sum(g in case.hidden for g in some) for case, some in zip(cases, all_, strict=True)]
        for name, all_ in guesses.items()
    }
    new = every["right"] + every["wrong"]
    keys = {"about": "steps", "part": "hidden relations"}
    scores = [
        *(
            Score(name, "precision", share(sum(hits[name]), sum(map(len, some))), **keys)
            for name, some in guesses.items()
        ),
        Score(CHANCE, "precision", float(np.mean([case.chance for case in cases])), **keys),
        Score(model, "proposed", sum(every.values()), **keys),
        *(Score(model, found, every[found], **keys) for found in ("known", "no gene")),
        Score(model, "failed", sum(bool(one.failed) for one in answers), **keys),
    ]
    if new:
        scores.append(Score(model, "precision", share(every["right"], new), **keys))
    signs = [
        sign == case.hidden[gene]
        for case, one in zip(cases, answers, strict=True)
        for gene, found, sign in one.steps
        if found == "right" and case.hidden[gene]
    ]
    if signs:
        scores.append(Score(model, "sign", share(sum(signs), len(signs)), **keys))
    mine = [one["right"] for one in said]
    return scores, [
        paired("steps", keys["part"], model, name, mine, hits[name]) for name in (EVIDENCE, POPULAR)
    ]


def stories(answers: Sequence[StoryAnswer], model: str) -> list[Score]:
    """Return how many sentences stand at once, when written anew and not at all."""
    keys = {"about": "stories", "part": f"{len(answers)} questions"}
    total = {
        name: sum(getattr(one, name) for one in answers)
        for name in ("templates", "cited", "written", "accepted", "rewritten", "copied", "told")
    }
    dropped = sum(len(one.dropped) for one in answers)
    sections = sum(one.sections for one in answers)
    scores = [
        Score(TEMPLATES, "written", total["templates"], **keys),
        Score(TEMPLATES, "accepted", share(total["templates"], total["templates"]), **keys),
        Score(TEMPLATES, "told", total["cited"], **keys),
        *(Score(model, name, total[name], **keys) for name in ("written", "told")),
        Score(model, "sections", sections, **keys),
        Score(model, "no story", sum(bool(one.note) for one in answers), **keys),
    ]
    counts = {"accepted": total["accepted"], "rewritten": total["rewritten"], "dropped": dropped}
    for name, count in counts.items():
        if total["written"]:
            scores.append(Score(model, name, share(count, total["written"]), **keys))
    if kept := total["accepted"] + total["rewritten"]:
        scores.append(Score(model, "copied", share(total["copied"], kept), **keys))
    return scores
