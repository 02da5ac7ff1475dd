"""Scores a strategy of the LLM reasoner on rows of PerturbQA, resumably and with its cost.

Every row is judged once and kept at once; a run that was killed goes on where it stopped and ends
with the same files. The fused score is cross-fitted by perturbation on the training split, and
made with the stored stacker on the test split.
"""

import asyncio
import re
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from agent.llm.chat import ChatModel, Usage
from agent.llm.open import open_chat
from agent.session import Session
from agent.settings import Settings
from agent.strategies import load_strategy
from evals.harness.run import REPLIES, Inputs, Run, write_table
from evals.harness.scores import Results
from evals.harness.session import benchmark_session
from evals.language.facts import Facts, cost, failures, stacks
from evals.language.judge import Asker, judge_rows
from evals.language.outcome import answered, cross_fused, fitted, fused_by
from evals.language.page import BENCHMARK, compare
from evals.language.rows import (
    DECLARED,
    DECLARED_TEST,
    Row,
    fold_mates,
    sample,
    training_rows,
    with_evidence,
)
from evals.language.store import Judged, Store
from evals.rows import KEYS, read_rows
from knowledge.errors import RunError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from models.fusion.language import LanguageStacker, stacker_file
from models.inputs.screens import CELL_LINES, SCREEN_FILES, Setting

Engine = Literal["local", "ray"]
Split = Literal["train", "test"]


@dataclass(frozen=True, slots=True)
class LanguageRun:
    """What a batch can be told.

    Attributes:
        data: Data folder or mirror with `perturbqa/`.
        out: Folder of the run; one that holds an interrupted run is gone on with.
        settings: Where the knowledge is, where stackers are kept and how the model is called.
        strategy: Name of a strategy in `agent.strategies`.
        split: `test` is for the final table only.
        setting: What the evidence may have seen; the shipped weights are `multi`.
        cell_lines: The lines to ask about.
        limit: How many rows, drawn in strata; all where it is left out.
        engine: `ray` spreads the rows over a Ray cluster (the extra `ray`).
        seed: Of the sample and of the folds.
        concurrency: How many rows are asked at a time; that of the settings by default.
        base_url: The endpoint; that of the settings by default.
        model: The model's id; that of the settings, else the one that the server serves.
        held_out: Table of held-out evidence that `knockwise train response` wrote; by default the
            held-out scores that come with the shipped weights.
        fit: Keep a stacker fitted to these rows, for `ask` and the test split; `train` only.
        retry_failed: Ask again where the model gave nothing usable.
        offline: Replay the responses kept in `out`; nothing is asked of a server.
    """

    data: Path
    out: Path
    settings: Settings = field(default_factory=Settings)
    strategy: str = "knockwise"
    split: Split = "train"
    setting: Setting = "multi"
    cell_lines: tuple[str, ...] = CELL_LINES
    limit: int | None = None
    engine: Engine = "local"
    seed: int = 0
    concurrency: int | None = None
    base_url: str = ""
    model: str = ""
    held_out: Path | None = None
    fit: bool = False
    retry_failed: bool = False
    offline: bool = False

    @property
    def own_settings(self) -> Settings:
        """Return the settings with the endpoint of this run, its replies kept in its folder."""
        given = {"base_url": self.base_url, "model": self.model, "concurrency": self.concurrency}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value}
        changes |= {"cache": True, "cache_file": self.out / REPLIES}
        llm = self.settings.llm.model_copy(update=changes)
        return self.settings.model_copy(update={"reasoner": "evidence", "llm": llm})


class LanguageEval(Frozen):
    """What makes a batch; another value is another run."""

    strategy: str
    model: str
    prompts_hash: str
    split: Split
    setting: Setting
    cell_lines: tuple[str, ...]
    limit: int | None
    seed: int


@dataclass(frozen=True, slots=True)
class LanguageResult:
    """What a batch leaves in its folder.

    Attributes:
        predictions: `predictions.parquet`, a row per question.
        results: Scores, cost, sample and versions, also in `metrics.json`.
        failed: How many rows the model gave nothing usable for.
    """

    predictions: Path
    results: Results
    failed: int


def run_batch(run: LanguageRun, progress: Progress) -> LanguageResult:
    """Judge the rows of `run` that are not judged yet, score all of them, and write its files.

    Raises:
        DataError: A label file is missing.
        LLMError: No model answers.
        RunError: `run.out` holds another run.
    """
    return asyncio.run(batch(run, progress))


async def batch(
    run: LanguageRun, progress: Progress, chat: ChatModel | None = None
) -> LanguageResult:
    """Do what `run_batch` says; `chat` answers instead of the endpoint.

    Raises:
        DataError: A label file is missing.
        LLMError: No model answers.
        RunError: `run.out` holds another run.
    """
    _check(run)
    strategy = load_strategy(run.strategy)
    settings = run.own_settings
    session = benchmark_session(settings)
    async with nullcontext(chat) if chat else open_chat(settings, offline=run.offline) as model:
        name = (model.model, run.strategy, strategy.prompts_hash)
        folder = _claim(run, session, *name, progress)
        rows = _rows(run, session, progress)
        questions = [Row(*keys) for keys in rows[KEYS].itertuples(index=False)]
        unseen = fold_mates(rows)
        kept = run.out / "judgements.sqlite"
        with Store.open(kept, strategy.name, model.model, strategy.prompts_hash) as store:
            known = store.all()
            retry = {row for row, one in known.items() if one.failed and run.retry_failed}
            todo = [row for row in questions if row.id not in known or row.id in retry]
            meter = _Meter(progress, len(questions), len(questions) - len(todo))

            def keep(one: Judged) -> None:
                store.put(one)
                meter.count(one)

            if run.engine == "ray":
                from evals.language.cluster import spread

                served = settings.llm.model_copy(update={"model": model.model})
                there = settings.model_copy(update={"llm": served})
                spread(there, strategy.name, todo, unseen, keep)
            else:
                asker = Asker(session.knowledge, session.predictor, strategy, model, unseen)
                await judge_rows(asker, todo, settings.llm.concurrency, keep)
            judged = store.all()
    return _finish(run, folder, name, rows, {row.id: judged[row.id] for row in questions})


class _Meter:
    """Tells how far a batch is, how fast it goes and what it has cost so far."""

    def __init__(self, progress: Progress, total: int, done: int) -> None:
        self._progress, self._total, self._done = progress, total, done
        self._begun, self._here, self._failed = time.monotonic(), 0, 0
        self._usage = Usage()
        progress(f"{done} of {total} rows judged before", done / max(1, total))

    def count(self, one: Judged) -> None:
        """Tell of one more judged row."""
        self._done += 1
        self._here += 1
        self._failed += bool(one.failed)
        self._usage += one.usage
        rate = self._here / max(1e-9, time.monotonic() - self._begun)
        usage = self._usage
        failed = f", {self._failed} failed" if self._failed else ""
        self._progress(
            f"{self._done} of {self._total} rows, {rate:.1f}/s; {usage.requests} requests, "
            f"{usage.prompt:,} prompt tokens ({usage.cached:,} cached), {usage.completion:,} "
            f"written{failed}",
            self._done / self._total,
        )


def _check(run: LanguageRun) -> None:
    if run.setting != "multi":
        raise RunError(
            f"LLM strategies are scored in the setting multi, not in {run.setting}: their examples "
            "are all training rows; leave --setting out."
        )
    if run.fit and run.split != "train":
        raise RunError("A stacker is fitted on training rows only; use --fit with --split train.")
    if run.offline and run.engine != "local":
        raise RunError("Kept replies are replayed on this machine; use --engine local.")


def _claim(
    run: LanguageRun,
    session: Session,
    model: str,
    strategy: str,
    prompts_hash: str,
    progress: Progress,
) -> Run:
    """Return the folder of the run, which holds no other one.

    Figures are worked out anew from what was judged, whenever the batch is run: no code is hashed.

    Raises:
        RunError: The folder holds a run that is made with something else.
    """
    settings = LanguageEval(
        strategy=strategy,
        model=model,
        prompts_hash=prompts_hash,
        split=run.split,
        setting=run.setting,
        cell_lines=run.cell_lines,
        limit=run.limit,
        seed=run.seed,
    )
    root = sources_root(run.data)
    files = {name: root / name for name in SCREEN_FILES if (root / name).exists()}
    if run.held_out is not None:
        files["held_out"] = run.held_out
    versions = {
        "knowledge": session.versions.knowledge,
        "response": session.predictor.response.version,
    }
    return Run.claim(run.out, settings, Inputs(files, (), versions), progress)


def _rows(run: LanguageRun, session: Session, progress: Progress) -> pd.DataFrame:
    """Return the rows of the run with their evidence, drawn once and then kept in its folder."""
    file = run.out / "rows.parquet"
    if file.exists():
        return pd.read_parquet(file)
    progress("reading the screens", 0.0)
    rows = with_evidence(drawn(run), session.predictor.response, run.held_out, progress)
    write_table(rows, file)
    return rows


def drawn(run: LanguageRun) -> pd.DataFrame:
    """Return the rows that a run asks about, with the fold of the evidence that each is of.

    Raises:
        DataError: A label file is missing.
    """
    if run.split == "test":
        rows = read_rows(run.data, run.split, run.cell_lines).assign(fold=0)
    else:
        rows = training_rows(run.data, run.setting, run.cell_lines)
    if run.limit is None:
        return rows.assign(shift=0.0)
    return sample(rows, run.limit, run.seed, labelled=run.split == "train")


def _finish(
    run: LanguageRun,
    folder: Run,
    name: tuple[str, str, str],
    rows: pd.DataFrame,
    judged: dict[str, Judged],
) -> LanguageResult:
    """Fuse, score and write; `name` is that of the model, the strategy and its prompts."""
    table = answered(rows, judged)
    stacker: LanguageStacker | None
    if run.split == "train":
        table["p_fused"] = cross_fused(table)
        stacker = fitted(table, *name)
        fusion = "Fused by stacks that never saw the row's perturbation (five folds)."
        if run.fit:
            fusion += f" Fitted to all rows and kept in {stacker.save(run.settings.data)}."
    else:
        stacker = LanguageStacker.load(run.settings.data, *name)
        table["p_fused"] = fused_by(table, stacker)
        fusion = (
            f"Fused by {stacker_file(run.settings.data, *name[:2])}, fitted on training rows."
            if stacker
            else "No stacker is fitted for this model, strategy and prompts, so the model weighs "
            "nothing and fused is the evidence alone."
        )
    declared = DECLARED if run.split == "train" else DECLARED_TEST
    facts = Facts(
        model=name[0],
        strategy=name[1],
        prompts_hash=name[2],
        split=run.split,
        sample="All rows." if run.limit is None else f"Seed {run.seed}. {declared}",
        cost=cost(list(judged.values())),
        stacks=stacks(stacker),
        fusion=fusion,
        failures=failures(list(judged.values())),
    )
    predictions = run.out / "predictions.parquet"
    write_table(table, predictions)
    kind = re.sub(r"[^\w.-]+", "-", f"language-{name[0]}-{name[1]}")
    with folder.clock("score"):
        results = Results.of(kind, compare(table, run.seed), facts)
    results.save(run.out)
    BENCHMARK.render(results, run.out)
    return LanguageResult(predictions, results, facts.cost.failed)
