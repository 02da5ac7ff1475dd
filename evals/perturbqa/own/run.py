"""Scores a file of predictions on PerturbQA's rows in seconds: nothing is fitted.

A row of the file is a perturbed gene, a readout and a line, with P(changes) as `p` or `p_de` and
P(up if it changes) as `p_up`; or, with a column `task` (`de` or `dir`), with `p` alone. Official
test rows of K562 and RPE1 are scored, and held-out training rows of HepG2 and Jurkat where they
are answered. All predictors are scored on the rows that the file answers.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from evals import perturbqa as benchmark
from evals import rows, tasks
from evals.harness.brought import (
    Coverage,
    Words,
    matched,
    read_brought,
    read_kept,
    spelt,
)
from evals.harness.metrics import brier, expected_calibration_error
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run
from evals.harness.scores import Results, Score
from evals.perturbqa.kept import COLUMNS, HELD_OUT, RESULTS, kept_file
from evals.perturbqa.own.page import BENCHMARK, SPLITS, YOURS, Facts
from evals.perturbqa.product.page import PRODUCT, STARTER
from evals.perturbqa.ranked import draws, ranked
from evals.perturbqa.score import CONTROLS, MODEL
from evals.rows import KEYS, TESTED, read_rows
from evals.tasks import DRAWS, TASKS, TaskName, compared, labelled, samples
from knowledge.errors import QuestionError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.symbols import SymbolTable
from models.inputs.screens import CELL_LINES, SCREEN_FILES, Setting, approve

NAMES: Words = {
    "pert": ("perturbation", "perturbed", "perturbed gene"),
    "gene": ("readout", "target"),
    "cell_line": ("line", "cell line"),
    "task": ("",),
}
NUMBERS: Words = {"p": ("p_de", "probability", "score"), "p_up": ()}
PAIR = ["cell_line", "pert", "gene"]


class OwnEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    setting: Setting = Field("multi", description="Kept run of Knockwise to compare with.")
    coverage: float = Field(0.0, ge=0, le=1, description="Least share of rows answered.")
    strict: bool = Field(False, description="Whether anything amiss in the file is refused.")
    seed: int = Field(0, description="Seed of the resamples.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of perturbations.")


def evaluate(
    data: Path,
    predictions: Path,
    out: Path,
    settings: OwnEval,
    against: Path | None,
    progress: Progress,
) -> Results:
    """Return the results; a finished run is read.

    Args:
        data: Folder that holds `perturbqa/`.
        predictions: The file.
        out: The run folder.
        settings: What is evaluated.
        against: A finished run of `eval perturbqa` to compare with; the kept one by default.
        progress: Told what is being done.

    Raises:
        DataError: A file of the benchmark is missing.
        QuestionError: The predictions cannot be used, or answer too little.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    theirs = kept_file(settings.setting, against)
    kept = read_kept(theirs, COLUMNS)
    brought = read(predictions, read_symbols(root))
    table, facts = answered(asked_rows(data, kept), brought, predictions.name)
    for told in facts.coverage:
        progress(str(told), 0.3)
    _check(facts, settings, predictions)
    product = RESULTS / "product.parquet"
    files = {name: root / name for name in SCREEN_FILES}
    files |= {"predictions": predictions, "compared with": theirs}
    if theirs != product and product.is_file() and (against, settings.setting) == (None, "multi"):
        files["the product's answers"] = product
        said = read_kept(product, KEYS)
        named = [name for name in (PRODUCT, STARTER) if name in said]
        table = table.merge(said[[*KEYS, *named]], on=KEYS, how="left")
    inputs = Inputs(files, (benchmark, tasks, rows), unscored=frozenset({"product"}))

    def work(run: Run) -> Results:
        run.progress("resampling", 0.5)
        with run.clock("score"):
            return Results.of(BENCHMARK.kind, _scores(table, facts, settings), facts)

    return BENCHMARK.evaluate(out, settings, inputs, work, progress)


def read(path: Path, symbols: SymbolTable) -> pd.DataFrame:
    """Return a file's rows as the benchmark spells them: `KEYS` and `p`, a row per task.

    A gene that HGNC does not have stays as it is written; a line is read in any case.

    Raises:
        QuestionError: It is no table of predictions.
    """
    given = read_brought(path, NAMES, NUMBERS)
    lines = {line.casefold(): line for line in CELL_LINES}
    words = {
        "pert": spelt(given["pert"], lambda word: approve(word, symbols)),
        "gene": spelt(given["gene"], lambda word: approve(word, symbols)),
        "cell_line": spelt(given["cell_line"], lambda word: lines.get(word.casefold(), word)),
    }
    given = given.assign(**words)
    if "task" in given:
        if odd := sorted(set(given["task"]) - set(TASKS)):
            raise QuestionError(f"{path} has the task {odd[0]!r}; a task is de or dir.")
        if "p" not in given:
            raise QuestionError(f"{path} has a column task and no column p; name the numbers p.")
        return given[[*KEYS, "p"]]
    parts = [
        given[PAIR].assign(task=task, p=given[name])
        for task, name in (("de", "p"), ("dir", "p_up"))
        if name in given
    ]
    return pd.concat(parts, ignore_index=True)


def asked_rows(data: Path, kept: pd.DataFrame) -> pd.DataFrame:
    """Return every row that is scored, with its label, its fold and what the kept run says.

    Raises:
        DataError: A label file is missing, or the kept run is of other rows.
    """
    parts = [read_rows(data, "test", TESTED).assign(split="test")]
    if (kept["fold"] >= 0).any():
        parts.append(read_rows(data, "train", HELD_OUT).assign(split="cv"))
    asked = pd.concat(parts, ignore_index=True).merge(kept, on=KEYS, how="inner")
    return asked[asked["label"].notna()].reset_index(drop=True)


def answered(asked: pd.DataFrame, brought: pd.DataFrame, name: str) -> tuple[pd.DataFrame, Facts]:
    """Return the asked rows that a file answers, its numbers as `YOURS`, and what it covers.

    Of a split and task that the file says nothing of, that is all that is told.

    Args:
        asked: Of `asked_rows`.
        brought: Of `read`.
        name: Of the file.
    """
    known = pd.MultiIndex.from_frame(asked[PAIR])
    theirs = pd.MultiIndex.from_frame(brought[PAIR])
    strangers = brought[~theirs.isin(known)]
    found, coverage, silent = [], [], []
    for split, words in SPLITS.items():
        for task in TASKS:
            rows = asked[(asked["split"] == split) & (asked["task"] == task)]
            here = pd.MultiIndex.from_frame(rows[KEYS])
            mine = brought[pd.MultiIndex.from_frame(brought[KEYS]).isin(here)]
            if rows.empty or mine.empty:
                silent += [f"{words}, {task}"] if len(rows) else []
                continue
            number, told = matched(mine, "p", rows, KEYS, f"{words}, {task}")
            coverage.append(told)
            found.append(rows.assign(**{YOURS: number})[number.notna()])
    table = pd.concat(found, ignore_index=True) if found else asked.iloc[:0].assign(**{YOURS: 0.0})
    examples = strangers[PAIR].drop_duplicates()
    pairs = len(examples)
    shown = [" ".join(map(str, one)) for one in examples.head(3).itertuples(index=False)]
    inside = table[YOURS].between(0, 1)
    facts = Facts(
        file=name,
        coverage=tuple(coverage),
        silent=tuple(silent),
        unknown=pairs,
        unknown_examples=tuple(shown),
        probabilities=bool(inside.all()),
    )
    return table, facts


def _check(facts: Facts, settings: OwnEval, path: Path) -> None:
    """Refuse a file that answers nothing, or less than is asked for.

    Raises:
        QuestionError: It is refused.
    """
    if not any(one.answered for one in facts.coverage):
        such = f" such as {facts.unknown_examples[0]}" if facts.unknown_examples else ""
        raise QuestionError(
            f"{path} answers no row of the benchmark; its {facts.unknown:,} pairs{such} are not "
            "asked there: give pert, gene and cell_line as the files in perturbqa/ have them."
        )
    if settings.strict and facts.unknown:
        raise QuestionError(
            f"{path} has {facts.unknown:,} pairs that nothing asks, such as "
            f"{', '.join(facts.unknown_examples)}; remove them, or leave out --strict."
        )
    for one in facts.coverage:
        one.check(settings.coverage, strict=settings.strict)


def _scores(table: pd.DataFrame, facts: Facts, settings: OwnEval) -> Iterator[Score]:
    drawn = Resampler(table["pert"], settings.seed, settings.draws)
    both = draws(table, settings.seed)
    for split in SPLITS:
        # What says nothing of a split, as the product's answers of held-out rows, is left out.
        rows = table[table["split"] == split].dropna(axis="columns", how="all")
        if rows.empty:
            continue
        columns: Mapping[str, str] = {
            YOURS: YOURS,
            **{
                name: name
                for name in (PRODUCT, STARTER)
                if name in rows and rows[name].notna().all()
            },
            MODEL: "p",
            **{name: name for name in CONTROLS if name in rows},
        }
        yield from compared(samples(rows, columns, drawn), YOURS, split=split)
        yield from ranked(rows, columns, YOURS, split, both)
        if facts.probabilities:
            yield from _probabilities(rows, split)


def _probabilities(table: pd.DataFrame, split: str) -> Iterator[Score]:
    for task in TASKS:
        yield from _of_task(labelled(table, task), split, task)


def _of_task(rows: pd.DataFrame, split: str, task: TaskName) -> Iterator[Score]:
    for name, column in ((YOURS, YOURS), (MODEL, "p")) if len(rows) else ():
        label, p = rows["label"].to_numpy(np.int64), rows[column].to_numpy(np.float64)
        keys = {"split": split, "task": task}
        yield Score(name, "calibration error", expected_calibration_error(label, p), **keys)
        yield Score(name, "brier", brier(label, p), **keys)


__all__ = ["Coverage", "OwnEval", "answered", "asked_rows", "evaluate", "read"]
