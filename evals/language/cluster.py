"""Spreads the rows of a batch over a Ray cluster; a worker that dies loses no row and doubles none.

Workers judge chunks of perturbations and hand the results back; only this process writes. They need
Knockwise and its data folder where they are, and reach the same endpoint.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from importlib import import_module
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agent.llm.cache import TABLE
from agent.llm.open import cache_file, open_chat
from agent.session import Session
from agent.settings import Settings
from agent.strategies import load_strategy
from evals.harness.session import benchmark_session
from evals.language.judge import Asker, judge_rows
from evals.language.rows import Row
from evals.language.store import Judged
from knowledge.errors import KnockwiseError, RunError

# A chunk is what a dying worker loses; a perturbation is never parted, for its prompts' beginning.
ROWS_PER_CHUNK = 24
# How often a chunk is given to another worker after one has died over it.
RETRIES = 5
Kept = list[tuple[str, str, str, str]]


def spread(
    settings: Settings,
    strategy: str,
    rows: Sequence[Row],
    unseen: Mapping[Row, frozenset[str]],
    keep: Callable[[Judged], None],
) -> None:
    """Judge `rows` on a Ray cluster and hand each to `keep`.

    The cluster is the one this process is in, the one that `RAY_ADDRESS` names, or a new one here.

    Args:
        settings: How the model is called; its replies are kept in their `cache_file`.
        strategy: Name of the strategy.
        rows: What to judge.
        unseen: Perturbations that a row is not told of.
        keep: Called in this thread.

    Raises:
        KnockwiseError: The first that a row ends with; what was handed over stays.
        RunError: Ray is not installed, or a chunk has cost too many workers.
    """
    # Read when Ray is imported: it tells nobody that it is used.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        # An extra, so that type checking must do without it.
        ray: Any = import_module("ray")
    except ImportError as error:
        raise RunError(
            "Ray is not installed; install Knockwise with the extra `ray`, or use --engine local."
        ) from error
    own = not ray.is_initialized()
    if own:
        there = {"address": os.environ["RAY_ADDRESS"]} if "RAY_ADDRESS" in os.environ else {}
        here: dict[str, Any] = {
            "address": "local",
            "include_dashboard": False,
            "_node_ip_address": "127.0.0.1",
        }
        ray.init(log_to_driver=False, **(there or here))
    try:
        cpus = max(1, int(ray.cluster_resources().get("CPU", 1)))
        concurrency = max(1, settings.llm.concurrency // cpus)
        judge = ray.remote(num_cpus=1, max_retries=RETRIES)(judge_chunk)
        text = settings.model_dump_json()
        left = (
            judge.remote(text, strategy, {row: unseen[row] for row in chunk}, concurrency)
            for chunk in chunks(rows)
        )
        running = [task for task, _ in zip(left, range(2 * cpus), strict=False)]
        with closing(sqlite3.connect(cache_file(settings), timeout=60)) as replies:
            while running:
                done, running = ray.wait(running)
                for task in done:
                    judged, kept = ray.get(task)
                    with replies:
                        replies.execute(TABLE)
                        replies.executemany("INSERT OR IGNORE INTO replies VALUES (?,?,?,?)", kept)
                    for one in judged:
                        keep(Judged.model_validate_json(one))
                running += [task for task, _ in zip(left, done, strict=False)]
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, KnockwiseError):
            raise error.cause from None
        raise
    except ray.exceptions.WorkerCrashedError as error:
        raise RunError(
            f"Ray has lost {RETRIES + 1} workers over the same rows ({error}); see that they have "
            "memory enough, and run the same command to go on."
        ) from error
    finally:
        if own:
            ray.shutdown()


def chunks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Iterate over chunks of whole perturbations, in order."""
    chunk: list[Row] = []
    for _, block in groupby(rows, key=lambda row: (row.cell_line, row.pert)):
        chunk += block
        if len(chunk) >= ROWS_PER_CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def judge_chunk(
    settings: str, strategy: str, rows: dict[Row, frozenset[str]], concurrency: int
) -> tuple[list[str], Kept]:
    """Judge rows in a worker; return the results as JSON, and the replies that were given.

    Args:
        settings: As JSON.
        strategy: Its name.
        rows: Each with the perturbations that it is not told of.
        concurrency: How many are asked at a time.
    """
    judged: list[str] = []

    async def work(folder: Path) -> None:
        own = Settings.model_validate_json(settings)
        llm = own.llm.model_copy(update={"cache_file": folder / "replies.sqlite"})
        session = _session(settings)
        async with open_chat(own.model_copy(update={"llm": llm})) as chat:
            loaded = load_strategy(strategy)
            asker = Asker(session.knowledge, session.predictor, loaded, chat, rows)
            await judge_rows(
                asker, list(rows), concurrency, lambda one: judged.append(one.model_dump_json())
            )

    with TemporaryDirectory() as folder:
        asyncio.run(work(Path(folder)))
        with closing(sqlite3.connect(Path(folder) / "replies.sqlite")) as file:
            kept = file.execute("SELECT key, model, request, reply FROM replies").fetchall()
    return judged, kept


@lru_cache(maxsize=1)
def _session(settings: str) -> Session:
    return benchmark_session(Settings.model_validate_json(settings))
