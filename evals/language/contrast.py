"""Whether a language model helps, from few questions: strategies scored on contrast pairs.

`knockwise eval pairs` asks any endpoint about the rows of contrast pairs of training rows, and
sets its answers beside the held-out evidence on the same pairs and beside both together. All that
it was answered is one table, `kept.parquet`, from which every figure can be worked out anew.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from agent import strategies as asking
from agent.llm.chat import ChatModel
from agent.llm.open import open_chat
from agent.session import Session
from agent.settings import Settings
from agent.strategies import Strategy, load_strategy
from evals import language as benchmark
from evals.harness.brought import KEPT
from evals.harness.run import Inputs, Run, write_table
from evals.harness.scores import Results
from evals.harness.session import benchmark_session
from evals.language.bias import empty_answers
from evals.language.contrast_page import BENCHMARK, KIND
from evals.language.contrast_score import SCREENS, found, read_replies, widest
from evals.language.judge import Asker, judge_rows
from evals.language.pairs import contrast_pairs, partners
from evals.language.regulators import regulator_pairs
from evals.language.rows import Row, shift_of, training_rows, with_evidence
from evals.language.store import Judged, Store
from evals.rows import KEYS
from knowledge.errors import QuestionError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from models.inputs.screens import CELL_LINES, SCREEN_FILES, Setting

SETTING: Setting = "multi"
"""Of the shipped weights."""
BLOCK = 40
"""Pairs that are judged before it is looked whether there are enough."""


class ContrastEval(Frozen):
    """What is asked.

    Attributes:
        model: The model's id.
        called: What tables call it; its id by default.
        strategies: Ways of asking, each scored on the same pairs; `NAME=PAIRS` asks a slow one
            about the first pairs only.
        pairs: How many pairs of the screens' training rows, at most.
        regulators: How many pairs of regulators that no screen perturbed, besides.
        until: Stop once every interval of the first strategy is no wider than this; 0 asks all.
        cell_lines: Which lines.
        seed: Of the pairs and the folds.
    """

    model: str
    called: str = ""
    strategies: tuple[str, ...] = ("knockwise",)
    pairs: int = Field(200, ge=2)
    regulators: int = Field(0, ge=0)
    until: float = Field(0.0, ge=0.0, le=1.0)
    cell_lines: tuple[str, ...] = CELL_LINES
    seed: int = 0


class _Asked(Frozen):
    """A strategy and how many pairs of each source it is asked about, at most."""

    strategy: str
    pairs: int | None = None


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
        QuestionError: There is no such strategy.
        RunError: `out` holds another run.
        LLMError: No model answers.
    """
    asked = [_asked(word) for word in run.strategies]
    strategies = [load_strategy(one.strategy) for one in asked]
    session = benchmark_session(settings.model_copy(update={"reasoner": "evidence"}))
    inputs = inputs_of(data, session, strategies)

    def work(folder: Run) -> Results:
        rows = folder.table("rows", lambda: _rows(data, run, session, folder))
        opened = nullcontext(chat) if chat else open_chat(settings)
        replies = asyncio.run(_replies(folder, run, session, rows, asked, opened, settings))
        return kept_results(folder, run.called or run.model, replies)

    return BENCHMARK.evaluate(out, run, inputs, work, progress)


def inputs_of(data: Path, session: Session, strategies: Sequence[Strategy]) -> Inputs:
    """Return what figures of these strategies on the screens' training rows rest on."""
    root = sources_root(data)
    return Inputs(
        {name: root / name for name in SCREEN_FILES if (root / name).exists()},
        (benchmark, asking),
        {
            "knowledge": session.versions.knowledge,
            "response": session.predictor.response.version,
            **{f"prompts of {one.name}": one.prompts_hash for one in strategies},
        },
    )


def rescore(replies: Sequence[Path], out: Path, progress: Progress, called: str = "") -> Results:
    """Return the results of kept replies; nobody is asked.

    Args:
        replies: The tables that runs of one model left, `kept.parquet`.
        out: The run folder.
        progress: Told what is being done.
        called: What tables call the model; what the run called it by default.

    Raises:
        DataError: One is no such table, or they are of different pairs.
        RunError: `out` holds another run.
    """
    table = read_replies(*replies)
    model = str(table.model.iloc[0])
    named = called or model
    ways = tuple(dict.fromkeys(table.strategy))
    run = ContrastEval(model=model, called=called, strategies=ways)

    def work(folder: Run) -> Results:
        return kept_results(folder, named, table)

    files = {f"{number} {path.name}": path for number, path in enumerate(replies)}
    inputs = Inputs(files, (benchmark,), {})
    return BENCHMARK.evaluate(out, run, inputs, work, progress)


def kept_results(folder: Run, model: str, replies: pd.DataFrame) -> Results:
    """Keep the replies under what the model is called, and return what they come to."""
    replies = replies.assign(model=model)
    write_table(replies, folder.out / KEPT)
    name = re.sub(r"[^a-z0-9.]+", "-", model.rsplit("/", 1)[-1].lower())
    with folder.clock("score"):
        return found(f"{KIND}-{name}", replies)


def _asked(word: str) -> _Asked:
    name, equals, count = word.partition("=")
    if not equals:
        return _Asked(strategy=word.strip())
    if not count.strip().isdigit() or int(count) < 2:
        raise QuestionError(
            f"{word!r} names no number of pairs; say NAME=PAIRS with two pairs at least."
        )
    return _Asked(strategy=name.strip(), pairs=int(count))


async def _replies(
    folder: Run,
    run: ContrastEval,
    session: Session,
    rows: pd.DataFrame,
    asked: Sequence[_Asked],
    opened: AbstractAsyncContextManager[ChatModel],
    settings: Settings,
) -> pd.DataFrame:
    """Ask every strategy about the rows, block by block, and return all that was answered."""
    parts: list[pd.DataFrame] = []
    async with opened as chat:
        for number, one in enumerate(asked):
            strategy = load_strategy(one.strategy)
            mine = rows if one.pairs is None else rows[rows.pair < one.pairs]
            unseen = partners(mine)
            asker = Asker(session.knowledge, session.predictor, strategy, chat, unseen)
            kept = folder.out / "judgements.sqlite"
            with Store.open(kept, strategy.name, run.model, strategy.prompts_hash) as store:
                last = int(mine.pair.max()) + 1
                for begin in range(0, last, BLOCK):
                    part = mine[mine.pair < begin + BLOCK]
                    done = store.all()
                    todo = [row for row in _questions(part) if row.id not in done]
                    share = (number + begin / last) / len(asked)
                    folder.progress(f"{strategy.name}: {begin} pairs asked", share)
                    with folder.clock(strategy.name):
                        await judge_rows(asker, todo, settings.llm.concurrency, store.put)
                    answers = _answers(part, store.all(), strategy, run.model)
                    if run.until and widest(answers) <= run.until:
                        break
            rows = part if not number else rows
            parts += [answers, await empty_answers(chat, strategy, answers)]
    return pd.concat(parts, ignore_index=True)


def _rows(data: Path, run: ContrastEval, session: Session, folder: Run) -> pd.DataFrame:
    """Return the rows of the pairs with the evidence's answers, and where they are from.

    `shift` is how much likelier, in log-odds, label 1 is among the pairs than among all rows of the
    readout: what is fitted to pairs must know it.
    """
    every = training_rows(data, SETTING, run.cell_lines)
    drawn = contrast_pairs(every, run.pairs, run.seed)
    drawn = drawn.assign(shift=shift_of(drawn, every))
    drawn = with_evidence(drawn, session.predictor.response, None, folder.progress)
    parts = [drawn.assign(source=SCREENS)]
    if run.regulators:
        found = regulator_pairs(data, session, run.regulators, run.seed, folder.progress)
        parts.append(found.assign(source="regulators"))
    return pd.concat(parts, ignore_index=True)


def _questions(rows: pd.DataFrame) -> list[Row]:
    """Return the questions, those about one perturbation in one line side by side."""
    ordered = rows.sort_values(["cell_line", "pert", "gene", "task"])
    return [Row(*keys) for keys in ordered[KEYS].itertuples(index=False)]


def _answers(
    rows: pd.DataFrame, judged: dict[str, Judged], strategy: Strategy, model: str
) -> pd.DataFrame:
    """Return a row per question with what was answered and what it cost."""
    mine = [judged[Row(*keys).id] for keys in rows[KEYS].itertuples(index=False)]
    return rows.assign(
        model=model,
        strategy=strategy.name,
        prompts_hash=strategy.prompts_hash,
        p_llm=[np.nan if one.p is None else one.p for one in mine],
        failed=[one.failed for one in mine],
        prompt=[one.usage.prompt for one in mine],
        cached=[one.usage.cached for one in mine],
        written=[one.usage.completion for one in mine],
        seconds=[one.usage.seconds for one in mine],
    )
