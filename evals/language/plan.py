"""What a batch will cost, before anything is asked: its prompts are made and counted, not sent.

Tokens are estimated from characters, or counted with the tokenizer of a model's folder. Replies are
as long as they may be, so that a batch costs no more than it is said to.
"""

import asyncio
import math
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from agent.strategies import load_strategy
from evals.harness.session import benchmark_session
from evals.harness.tables import Table, table
from evals.language.facts import Cost, cost
from evals.language.judge import Asker, judge_rows
from evals.language.nobody import Count, Nobody
from evals.language.rows import Row, fold_mates
from evals.language.run import LanguageRun, drawn
from evals.language.store import Judged
from evals.rows import KEYS
from knowledge.errors import RunError
from knowledge.progress import Progress
from knowledge.schema import Frozen

# SmolLM2's tokenizer makes a token of 3.1 to 3.4 characters of our prompts.
CHARACTERS_PER_TOKEN = 3.2
MOST_COUNTED = 200
PERTURBATIONS_COUNTED = 8
BATCH = 10_000


class BatchPlan(Frozen):
    """What a batch is going to cost.

    Attributes:
        strategy: How the model is asked.
        questions: Rows.
        counted: Rows whose prompts were made; the others are taken to be like them.
        requests: Requests per question.
        prompt: Prompt tokens per question.
        shared: Share of them that stands in beginnings that were sent just before, which a server
            with a prefix cache does not compute again.
        written: Tokens written per question, at most.
        read_rate: Prompt tokens that the server reads a second; 0 where it is not known.
        write_rate: Tokens that it writes a second.
    """

    strategy: str
    questions: int
    counted: int
    requests: float
    prompt: float
    shared: float
    written: float
    read_rate: float
    write_rate: float

    def hours(self, questions: int) -> float:
        """Return how long so many questions take."""
        read = self.prompt * (1 - self.shared) / self.read_rate
        return questions * (read + self.written / self.write_rate) / 3600


def plan(
    run: LanguageRun,
    progress: Progress,
    *,
    tokenizer: Path | None = None,
    read_rate: float = 0.0,
    write_rate: float = 0.0,
) -> BatchPlan:
    """Return what `run` would cost; no server is asked and nothing is written.

    Args:
        run: The batch.
        progress: Told how far it is.
        tokenizer: The folder of the model, or its `tokenizer.json`; by default tokens are estimated
            from characters.
        read_rate: Prompt tokens a second of the server, all requests together.
        write_rate: Tokens a second that it writes.

    Raises:
        DataError: A label file is missing.
        RunError: The tokenizer cannot be read.
    """
    strategy = load_strategy(run.strategy)
    chat = Nobody(_counter(tokenizer))
    session = benchmark_session(run.settings.model_copy(update={"reasoner": "evidence"}))
    progress("reading the screens", 0.0)
    rows = drawn(run)
    some = [Row(*keys) for keys in _some(rows, run.seed)[KEYS].itertuples(index=False)]
    judged: list[Judged] = []

    def keep(one: Judged) -> None:
        judged.append(one)
        progress(f"{len(judged)} of {len(some)} prompts made", len(judged) / len(some))

    asker = Asker(session.knowledge, session.predictor, strategy, chat, fold_mates(rows))
    asyncio.run(judge_rows(asker, some, 1, keep))
    spent: Cost = cost(judged)
    return BatchPlan(
        strategy=strategy.name,
        questions=len(rows),
        counted=len(some),
        requests=spent.requests / spent.questions,
        prompt=spent.prompt_per_question,
        shared=spent.shared_share,
        written=spent.completion / spent.questions,
        read_rate=read_rate,
        write_rate=write_rate,
    )


def told(found: BatchPlan) -> Table:
    """Return what a terminal shows: the batch itself, and one of ten thousand questions."""
    sizes = dict.fromkeys((found.questions, BATCH))
    header = ["questions", "requests", "prompt tokens", "of them shared", "written, at most"]
    if found.read_rate:
        header.append("hours, at most")
    return table(
        header,
        (
            (
                f"{size:,}",
                f"{size * found.requests:,.0f}",
                f"{size * found.prompt:,.0f}",
                f"{found.shared:.0%}",
                f"{size * found.written:,.0f}",
                *((f"{found.hours(size):,.2f}",) if found.read_rate else ()),
            )
            for size in sizes
        ),
    )


def _some(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return all rows if they are few, else the first rows of some perturbations, in order."""
    if len(rows) <= MOST_COUNTED:
        return rows
    names = rows[["cell_line", "pert"]].drop_duplicates()
    drawn = names.sample(min(PERTURBATIONS_COUNTED, len(names)), random_state=seed)
    here = rows.merge(drawn, on=["cell_line", "pert"])
    each = MOST_COUNTED // len(drawn)
    return here.sort_values(KEYS).groupby(["cell_line", "pert"], sort=True).head(each)


def _counter(tokenizer: Path | None) -> Count:
    """Return what counts the tokens of a text.

    Raises:
        RunError: The tokenizer cannot be read.
    """
    if tokenizer is None:
        return lambda text: math.ceil(len(text) / CHARACTERS_PER_TOKEN)
    file = tokenizer / "tokenizer.json" if tokenizer.is_dir() else tokenizer
    try:
        found: Any = import_module("tokenizers").Tokenizer.from_file(str(file))
    except ModuleNotFoundError as error:
        raise RunError(
            "Counting with a tokenizer needs the package tokenizers; run `pip install tokenizers`, "
            "or leave --tokenizer out."
        ) from error
    except Exception as error:  # the library raises nothing more special
        raise RunError(
            f"{file} is no tokenizer ({error}); name the model's folder, or leave --tokenizer out."
        ) from error
    return lambda text: len(found.encode(text).ids)
