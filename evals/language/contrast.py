"""Whether a language model helps, from few questions: strategies scored on contrast pairs.

`knockwise eval pairs` asks any endpoint about the rows of contrast pairs of training rows, and
sets its answers beside the held-out evidence on the same pairs and beside both together.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field
from scipy.special import expit, logit

from agent import strategies as asking
from agent.llm.chat import ChatModel, Usage
from agent.llm.open import open_chat
from agent.session import Session
from agent.settings import Settings
from agent.strategies import load_strategy
from evals import language as benchmark
from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.resampling import Estimate
from evals.harness.run import Inputs, Run
from evals.harness.scores import Results, Score, Scores
from evals.harness.session import benchmark_session
from evals.harness.tables import Table, pivot, table
from evals.language.judge import Asker, judge_rows
from evals.language.outcome import answered, cross_fused
from evals.language.pairs import DECLARED, PairScore, contrast_pairs, scored
from evals.language.rows import Row, shift_of, with_evidence
from evals.language.store import Judged, Store
from evals.rows import KEYS, read_rows
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from models.inputs.screens import CELL_LINES, SCREEN_FILES

EVIDENCE = "evidence"
LEAST = 1e-3
BLOCK = 40
"""Pairs that are judged before it is looked whether there are enough."""
HOW = (
    f"{DECLARED} A share of .5 is chance; it estimates the AUROC within a readout. Evidence is the "
    "response model, which never saw the perturbation in its line; mean is the plain mean of both "
    "log-odds, fused the stack that `ask` uses, fitted on other perturbations (five folds). "
    "Intervals are Wilson's, of 90 %; p is McNemar's exact test against the evidence on the same "
    "pairs. Training rows only."
)


class ContrastEval(Frozen):
    """What is asked.

    Attributes:
        model: The model's id.
        strategies: Ways of asking, each scored on the same pairs.
        pairs: How many pairs, at most.
        until: Stop once every interval of the first strategy is no wider than this; 0 asks all.
        cell_lines: Which lines.
        seed: Of the pairs and the folds.
    """

    model: str
    strategies: tuple[str, ...] = ("knockwise",)
    pairs: int = Field(200, ge=2)
    until: float = Field(0.0, ge=0.0, le=1.0)
    cell_lines: tuple[str, ...] = CELL_LINES
    seed: int = 0


class Asked(Frozen):
    """What a strategy cost.

    Attributes:
        strategy: Its name.
        prompts_hash: Of everything that it may ask.
        questions: How many rows it was asked about.
        failed: Rows without a usable answer.
        prompt: Prompt tokens per question.
        cached: Share of them that the server had kept.
        written: Tokens written per question.
        seconds: Waited per question, side by side.
    """

    strategy: str
    prompts_hash: str
    questions: int
    failed: int
    prompt: float
    cached: float
    written: float
    seconds: float


class Facts(Frozen):
    """What else the page tells: the cost, and the tests."""

    asked: tuple[Asked, ...]
    tests: tuple[PairScore, ...]


def evaluate(
    data: Path,
    out: Path,
    run: ContrastEval,
    settings: Settings,
    progress: Progress,
    chat: ChatModel | None = None,
) -> Results:
    """Return the results; an interrupted run goes on with the rows that are not judged yet.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        run: What is asked; `model` must be the one that the endpoint serves.
        settings: Where the knowledge is, and the endpoint.
        progress: Told what is being done.
        chat: Answers instead of the endpoint.

    Raises:
        DataError: A label file is missing.
        RunError: `out` holds another run.
        LLMError: No model answers.
    """
    session = benchmark_session(settings.model_copy(update={"reasoner": "evidence"}))
    root = sources_root(data)
    strategies = [load_strategy(name) for name in run.strategies]
    inputs = Inputs(
        {name: root / name for name in SCREEN_FILES if (root / name).exists()},
        (benchmark, asking),
        {
            "knowledge": session.versions.knowledge,
            "response": session.predictor.response.version,
            **{f"prompts of {one.name}": one.prompts_hash for one in strategies},
        },
    )

    def work(folder: Run) -> Results:
        rows = folder.table("rows", lambda: _rows(data, run, session, folder))
        opened = nullcontext(chat) if chat else open_chat(settings)
        return asyncio.run(_asked(folder, run, session, rows, opened, settings))

    return BENCHMARK.evaluate(out, run, inputs, work, progress)


async def _asked(
    folder: Run,
    run: ContrastEval,
    session: Session,
    rows: pd.DataFrame,
    opened: AbstractAsyncContextManager[ChatModel],
    settings: Settings,
) -> Results:
    """Ask every strategy about the rows, block by block, and score what it said."""
    scores: list[Score] = []
    costs: list[Asked] = []
    tests: list[PairScore] = []
    async with opened as chat:
        for number, name in enumerate(run.strategies):
            strategy = load_strategy(name)
            asker = Asker(session.knowledge, session.predictor, strategy, chat)
            kept = folder.out / "judgements.sqlite"
            with Store.open(kept, name, run.model, strategy.prompts_hash) as store:
                for begin in range(0, int(rows.pair.max()) + 1, BLOCK):
                    part = rows[rows.pair < begin + BLOCK]
                    done = store.all()
                    todo = [row for row in _questions(part) if row.id not in done]
                    share = (number + begin / (rows.pair.max() + 1)) / len(run.strategies)
                    folder.progress(f"{name}: {begin} pairs asked", share)
                    with folder.clock(name):
                        await judge_rows(asker, todo, settings.llm.concurrency, store.put)
                    judged = store.all()
                    found = _scores(part, judged)
                    if run.until and _wide(found) <= run.until:
                        break
            rows = part if not number else rows
            tests += [one.model_copy(update={"predictor": _named(name, one)}) for one in found]
            costs.append(_cost(name, strategy.prompts_hash, part, judged))
    for one in tests:
        value = Estimate(value=one.share, low=one.low, high=one.high, n=one.pairs)
        scores.append(Score(one.predictor, "share", value, "", task=one.task))
    scores = list({(one.predictor, one["task"]): one for one in scores}.values())
    return Results.of("pairs", scores, Facts(asked=tuple(costs), tests=tuple(tests)))


def _rows(data: Path, run: ContrastEval, session: Session, folder: Run) -> pd.DataFrame:
    """Return the rows of the pairs with the evidence's answers, those that share a prompt together.

    `shift` is how much likelier, in log-odds, label 1 is among the pairs than among all rows of the
    readout: what is fitted to pairs must know it.
    """
    every = read_rows(data, "train", run.cell_lines)
    drawn = contrast_pairs(every, run.pairs, run.seed)
    drawn = drawn.assign(shift=shift_of(drawn, every))
    return with_evidence(drawn, session.predictor.response, None, folder.progress)


def _questions(rows: pd.DataFrame) -> list[Row]:
    """Return the questions, those about one perturbation in one line side by side."""
    ordered = rows.sort_values(["cell_line", "pert", "gene", "task"])
    return [Row(*keys) for keys in ordered[KEYS].itertuples(index=False)]


def _scores(rows: pd.DataFrame, judged: Mapping[str, Judged]) -> list[PairScore]:
    """Return the scores of the model, the evidence and both together."""
    answers = answered(rows, dict(judged))
    answers["mean"] = expit(
        (_log_odds(answers.p_llm.fillna(0.5)) + _log_odds(answers.p_evidence)) / 2
    )
    answers["fused"] = cross_fused(answers)
    answers["llm"] = answers.p_llm.fillna(0.5)
    answers[EVIDENCE] = answers.p_evidence
    return scored(answers, ("llm", EVIDENCE, "mean", "fused"), EVIDENCE)


def _named(strategy: str, score: PairScore) -> str:
    if score.predictor == EVIDENCE:
        return EVIDENCE
    return strategy if score.predictor == "llm" else f"{strategy}, {score.predictor}"


def _wide(found: list[PairScore]) -> float:
    return max((one.high - one.low for one in found if one.predictor == "llm"), default=1.0)


def _log_odds(p: pd.Series) -> np.ndarray:
    return np.asarray(logit(p.clip(LEAST, 1 - LEAST)), np.float64)


def _cost(name: str, prompts: str, rows: pd.DataFrame, judged: Mapping[str, Judged]) -> Asked:
    mine = [judged[row.id] for row in _questions(rows)]
    usage = sum((one.usage for one in mine), Usage())
    return Asked(
        strategy=name,
        prompts_hash=prompts,
        questions=len(mine),
        failed=sum(bool(one.failed) for one in mine),
        prompt=usage.prompt / len(mine),
        cached=usage.cached / max(1, usage.prompt),
        written=usage.completion / len(mine),
        seconds=usage.seconds / len(mine),
    )


def page(record: Record) -> Page:
    """Return the page of a run."""
    facts = record.results.about(Facts)
    scores = record.results.scores
    shares = pivot(
        scores, "predictor", "task", order=("de", "dir"), names={"de": "changes", "dir": "way"}
    )
    return Page(
        f"Language model on contrast pairs: {record.settings['model']}",
        (HOW,),
        record.made(f"{record.settings['pairs']} pairs"),
        (
            Section("Share of pairs in the right order", "", (shares,)),
            Section("Against the evidence, pair by pair", "", (_tests(facts),)),
            Section("Cost", "", (_costs(facts),)),
        ),
        suffix=f" ({record.settings['model']})",
    )


def _tests(facts: Facts) -> Table:
    header = ("predictor", "task", "pairs", "better", "worse", "p")
    return table(header, _told(facts.tests))


def _told(tests: tuple[PairScore, ...]) -> Iterator[tuple[Any, ...]]:
    for one in tests:
        if one.predictor != EVIDENCE:
            yield one.predictor, one.task, one.pairs, one.better, one.worse, f"{one.p:.3f}"


def _costs(facts: Facts) -> Table:
    header = (
        *("strategy", "questions", "failed", "prompt tokens", "cached", "written", "seconds"),
    )
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
            for one in facts.asked
        ),
        "per question, but for questions and failed",
    )


def summary(results: Results) -> str:
    """Return what a terminal shows: who orders how many pairs rightly, and the test."""
    facts = results.about(Facts)
    shares = pivot(Scores(results.scores), "predictor", "task", names={"de": "changes"})
    return "\n\n".join([shares.markdown(), _tests(facts).markdown(), _costs(facts).markdown()])


BENCHMARK = Benchmark("pairs", page, summary)
