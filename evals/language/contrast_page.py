"""What is told of a language model on contrast pairs, and of several beside one another."""

from collections.abc import Iterable, Iterator
from typing import Any

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section, shown
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, table
from evals.language.contrast_score import (
    EVIDENCE,
    FUSED,
    LLM,
    MEAN,
    REGULATORS,
    WHERE,
    Asked,
    Facts,
)
from evals.language.pairs import DECLARED, PairScore
from evals.tasks import TASKS

KIND = "pairs"
TASK_WORDS = {"de": "changes", "dir": "way"}
HOW = (
    f"{DECLARED} A share of .5 is chance; it estimates the AUROC within a readout. Evidence is the "
    "response model, which never saw the perturbation in its line; for regulators that no screen "
    "perturbed it is the product's answer, whose fusion weights were fitted with them. Mean is the "
    "plain mean of both log-odds, fused the stack that `ask` uses, fitted on other perturbations "
    "(five folds). Intervals are Wilson's, of 90 %; p is McNemar's exact test on the same pairs, "
    "not corrected for their number. No test row is asked about."
)
VARIANTS = (
    "After a comma stands how a strategy was changed: `reasoned` writes down its reasons before it "
    "answers, `at once` does not, `without HEADING` lacks those facts, `swapped` names the answers "
    "the other way round."
)
BIAS = (
    "P(first answer) is P(yes) or P(up). The empty case asks the same question about nothing; "
    "taking its log-odds off (contextual calibration, Zhao et al. 2021) moves both answers of a "
    "pair alike and so changes no order. Log losses are in nats, .693 for no knowledge."
)
READING = (
    "Whether to let your model speak: `knockwise eval pairs --base-url ADDRESS` asks it about 200 "
    "pairs; where `fused` is level with the evidence, it is weighed zero and costs only time."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    facts = record.results.about(Facts)
    return Page(
        f"Language model on contrast pairs: {facts.model}",
        (HOW, VARIANTS),
        record.made(),
        tuple(_sections(record.results)),
        suffix=f" ({facts.model})",
    )


def overview(records: Iterable[Record]) -> Page | None:
    """Return the page on which models stand beside one another; None without any."""
    rows = [row for record in records for row in _overview(record.results)]
    if not rows:
        return None
    header = (
        *("model", "strategy", "task", "pairs", "alone", "evidence", "fused", "fused - evidence"),
        *("prompt tokens", "written", "failed"),
    )
    return Page(
        "Language models: does one help?",
        (HOW, VARIANTS, READING),
        "",
        (Section("", "", (table(header, rows),)),),
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return shown(_sections(results))


def _overview(results: Results) -> Iterator[tuple[Any, ...]]:
    facts = results.about(Facts)
    cost = {one.strategy: one for one in facts.asked}
    scores = results.scores.by("predictor", "role", "task", "where")
    for name in cost:
        for task in TASKS:
            if (name, LLM, task, "all") not in scores:
                continue
            alone, evidence, fused = (
                scores[name, role, task, "all"] for role in (LLM, EVIDENCE, FUSED)
            )
            spent = cost[name]
            yield (
                facts.model,
                name,
                TASK_WORDS[task],
                alone.value.n,
                alone,
                evidence,
                fused,
                f"{fused.value.value - evidence.value.value:+.3f}",
                f"{spent.prompt:,.0f}",
                f"{spent.written:,.0f}",
                f"{spent.failed} of {spent.questions}",
            )


def _sections(results: Results) -> Iterator[Section]:
    facts = results.about(Facts)
    shares = tuple(
        one for where, words in WHERE.items() if (one := _shares(results.scores, where, words))
    )
    yield Section("Share of pairs in the right order", "", shares)
    against = [one for one in facts.tests if one.against != EVIDENCE]
    beside = [one for one in facts.tests if one.against == EVIDENCE]
    yield Section("Pair by pair", "", (_tests(beside),))
    if against:
        yield Section("Strategies, pair by pair", "", (_tests(against),))
    yield Section("Bias", BIAS, (_biases(facts),))
    yield Section("Cost", "", (_costs(facts.asked),))


def _shares(scores: Scores, where: str, words: str) -> Table | None:
    here = scores.where(where=where)
    found = here.by("predictor", "role", "task")
    rows = [
        (
            name,
            TASK_WORDS[task],
            found[name, LLM, task].value.n,
            *(found[name, role, task] for role in (LLM, EVIDENCE, MEAN, FUSED)),
        )
        for name in here.values("predictor")
        for task in TASKS
        if (name, LLM, task) in found
    ]
    header = ("strategy", "task", "pairs", "alone", EVIDENCE, MEAN, FUSED)
    return table(header, rows, words[0].upper() + words[1:]) if rows else None


def _tests(tests: Iterable[PairScore]) -> Table:
    header = ("predictor", "against", "where", "task", "pairs", "share", "better", "worse", "p")
    return table(
        header,
        (
            (
                one.predictor,
                one.against,
                one.where,
                TASK_WORDS[one.task],
                one.pairs,
                f"{one.share:.3f}",
                one.better,
                one.worse,
                f"{one.p:.3f}",
            )
            for one in tests
            if one.where in {"all", REGULATORS}
        ),
    )


def _biases(facts: Facts) -> Table:
    header = (
        *("strategy", "task", "P(first), empty case", "mean P(first)", "P(first) above .5"),
        *("log loss", "calibrated", "evidence"),
    )
    return table(
        header,
        (
            (
                one.strategy,
                TASK_WORDS[one.task],
                "" if one.empty is None else f"{one.empty:.2f}",
                f"{one.mean:.2f}",
                f"{one.first:.0%}",
                f"{one.log_loss:.3f}",
                "" if one.calibrated is None else f"{one.calibrated:.3f}",
                f"{one.evidence:.3f}",
            )
            for one in facts.bias
        ),
    )


def _costs(asked: Iterable[Asked]) -> Table:
    header = ("strategy", "questions", "failed", "prompt tokens", "cached", "written", "seconds")
    return table(
        header,
        (
            (
                one.strategy,
                one.questions,
                one.failed,
                f"{one.prompt:,.0f}",
                f"{one.cached:.0%}",
                f"{one.written:,.0f}",
                f"{one.seconds:,.1f}",
            )
            for one in asked
        ),
        "Per question, but for questions and failed",
    )


BENCHMARK = Benchmark(KIND, page, summary)
