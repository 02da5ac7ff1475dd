"""Scores answers about regulators in a run folder; a run that was stopped goes on with its units.

`units/` holds a table per question that was asked, and `pairs.parquet` every labelled pair of a
regulator and a gene, and what each predictor says of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field, field_serializer

from agent.settings import Settings
from evals import altered_graphs, regulator_pairs
from evals import regulators as benchmark
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run, part, write_table
from evals.harness.scores import Results, Score
from evals.regulator_pairs import (
    AGREEMENT,
    PAIR,
    agreement,
    classes,
    edge_kind,
    ground,
    labelled,
    read_sets,
)
from evals.regulators import lists, screens, textbook
from evals.regulators.answers import Ask, World, answers, controls, open_world
from evals.regulators.facts import Facts
from evals.regulators.held_out import read_held_out, with_held_out
from evals.regulators.page import BENCHMARK
from evals.regulators.predictors import EDGES, EXPRESSION, PRIOR, changes, directions, in_order
from evals.regulators.score import scores, tested_scores
from knowledge import cascade
from knowledge.errors import DataError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import HGNC, read_symbols, sources_root
from knowledge.sources.registry import missing
from knowledge.symbols import SymbolTable
from models.expression import mirror
from models.fusion.regulator_sets import FILE
from models.inputs.screens import CELL_LINES

TRUSTED = 0.5
LISTS = tuple(name for context in lists.CONTEXTS.values() for name in mirror.files([context]))


class RegulatorsEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    pairs: Path | None = Field(
        None, description="CSV of textbook pairs: pert, kind, cell_line, gene, direction."
    )
    held_out: Path | None = Field(
        None, description="Predictions with each regulator held out, from `train fusion`."
    )
    least_votes: int = Field(
        2, ge=1, description="Leave out regulators without a gene of so many net votes."
    )
    tested: bool = Field(True, description="Score data sets with tested negatives.")
    open_questions: bool = Field(True, description="Score lists of readouts.")
    seed: int = Field(0, description="Seed of everything that is drawn.")
    draws: int = Field(300, description="Bootstrap resamples.")

    @field_serializer("pairs", "held_out", when_used="json")
    def _named(self, path: Path | None) -> str | None:
        """Return a file's name; its hash says which it was, wherever it lay."""
        return None if path is None else path.name


@dataclass(frozen=True)
class _Given:
    """What was read before anything was asked, so that a fault in it costs no time."""

    symbols: SymbolTable
    textbook: pd.DataFrame | None
    held_out: pd.DataFrame | None


@dataclass(frozen=True)
class _Stages:
    """The work of one run; every answer is kept under `units/` and read from there again."""

    root: Path
    run: Run
    settings: RegulatorsEval
    given: _Given
    world: World

    def draw(self, units: Iterable[str]) -> Resampler:
        """Return the resamples of these units."""
        return Resampler(units, self.settings.seed, self.settings.draws)

    def told(self, start: float, share: float) -> Progress:
        """Return the progress of a stage."""
        return part(self.run.progress, start, share)

    def asked(self, folder: str, asks: Iterable[Ask], told: Progress) -> pd.DataFrame:
        """Return answers and controls of every question, with `asked`, `kind` and the line."""
        waiting = list(asks)
        tables = []
        for number, ask in enumerate(waiting):
            told(f"{folder}: {ask.gene}", number / len(waiting))
            lines = ask.cell_lines[0] if len(ask.cell_lines) == 1 else "all"
            name = f"{ask.gene}-{ask.kind}-{lines}"
            make = partial(_asked, self.world, ask)
            table = self.run.table(f"{folder}/{name}", make, folder)
            tables.append(table.assign(asked=ask.gene, kind=ask.kind))
        if not tables:
            raise DataError(f"{folder}: there is nothing to ask; see the data of this evaluation.")
        return pd.concat(tables, ignore_index=True)


def evaluate(
    data: Path, out: Path, run: RegulatorsEval, settings: Settings, progress: Progress
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        run: What is evaluated.
        settings: Where the knowledge is.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    files = _files(root, run)
    symbols = read_symbols(root)
    given = _Given(
        symbols,
        textbook=textbook.read_pairs(run.pairs, symbols) if run.pairs else None,
        held_out=read_held_out(run.held_out) if run.held_out else None,
    )
    progress("loading knowledge and models", 0.0)
    world = open_world(settings, run.seed)
    best = world.best
    models = {"response": best.response.version, "fusion": best.fusion.version}
    inputs = Inputs(
        files,
        (benchmark, altered_graphs, regulator_pairs, cascade),
        {**best.knowledge.versions, **models},
        frozenset({"own"}),
    )

    def work(folder: Run) -> Results:
        return _evaluated(_Stages(root, folder, run, given, world))

    return BENCHMARK.evaluate(out, run, inputs, work, progress)


def _evaluated(do: _Stages) -> Results:
    symbols = do.given.symbols
    rows = read_sets(do.root, symbols)
    pairs, predictors = _pairs(do, rows)
    write_table(pairs, do.run.out / "pairs.parquet")
    regulators = sorted(set(pairs["regulator"]))
    agree = agreement(rows)
    found: list[Score] = []
    if do.settings.tested:
        found += _tested(do, screens.contexts(do.root, symbols, do.settings.seed))
    if do.given.textbook is not None:
        found += _textbook(do, do.given.textbook)
    if do.settings.open_questions:
        found += _listed(do)
    do.run.progress("resampling regulators", 0.95)
    with do.run.clock("score"):
        found += scores(pairs, predictors, do.draw(regulators))
    facts = Facts(
        regulators=len(regulators),
        agreeing=sum(agree.get(one, 0) >= AGREEMENT for one in regulators),
        held_out=do.given.held_out is not None,
    )
    return Results.of(BENCHMARK.kind, found, facts)


def _pairs(do: _Stages, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the labelled pairs with their parts and what each predictor says, and its columns."""
    pairs = labelled(rows, do.settings.seed)
    most = pairs[pairs["kind"] == "both"].groupby("regulator")["votes"].max()
    pairs = pairs[pairs["regulator"].map(most) >= do.settings.least_votes].reset_index(drop=True)
    told = do.told(0.02, 0.55)
    table = do.asked("regulators", _questions(pairs), told)
    found = []
    for kind in ("knockout", "activation"):
        asked = table[table["kind"] == kind]
        if asked.size:
            columns = directions(asked, do.world.scope, do.settings.seed).reset_index()
            found.append(columns.assign(activated=kind == "activation"))
    said = pd.concat(found, ignore_index=True).rename(columns={"asked": "regulator"})
    pairs = pairs.assign(activated=pairs["kind"] == "gain")
    pairs = pairs.merge(said, on=[*PAIR, "activated"], how="left").drop(columns="activated")
    pairs = pairs.rename(columns={"prior": PRIOR})
    if do.given.held_out is not None:
        pairs = with_held_out(pairs, do.given.held_out)
    others = {*PAIR, "kind", "votes", "up"}
    predictors = in_order([str(name) for name in pairs if name not in others])
    return _parted(do, pairs, rows), predictors


def _parted(do: _Stages, pairs: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs with the columns that they are parted by."""
    knowledge, response = do.world.best.knowledge, do.world.best.response
    kind_of, agree = classes(do.root, knowledge), agreement(rows)
    regulators = set(pairs["regulator"])
    near = {one: ground(one, response) for one in regulators}
    alike = {
        one: "agree" if agree[one] >= AGREEMENT else "disagree" for one in regulators & set(agree)
    }
    ends = zip(pairs["regulator"], pairs["gene"], strict=True)
    trust = pairs[EDGES].abs()
    parted = pairs.copy()
    parted["class"] = pairs["regulator"].map(kind_of).fillna("other")
    parted["ground"] = pairs["regulator"].map(near)
    parted["studies"] = pairs["regulator"].map(alike).fillna("share too few genes")
    parted["edge"] = [edge_kind(regulator, gene, knowledge) for regulator, gene in ends]
    parted["trusted"] = np.select(
        [trust >= TRUSTED, trust > 0], ["trusted edge", "edge of less trust"], "no edge"
    )
    return parted


def _questions(pairs: pd.DataFrame) -> Iterable[Ask]:
    """Yield what is asked of each regulator: its loss and, where that was studied, its gain."""
    for regulator, mine in pairs.groupby("regulator"):
        lost = mine.loc[mine["kind"] != "gain", "gene"]
        gained = mine.loc[mine["kind"] == "gain", "gene"]
        if len(lost):
            yield Ask(str(regulator), "knockout", CELL_LINES, tuple(sorted(set(lost))))
        if len(gained):
            yield Ask(str(regulator), "activation", CELL_LINES, tuple(sorted(set(gained))))


def _tested(do: _Stages, contexts: Iterable[screens.Context]) -> Iterable[Score]:
    habits = {line: do.world.best.response.habit(line) for line in CELL_LINES}
    for number, context in enumerate(contexts):
        rows = context.rows
        asks = [
            Ask(str(one), context.kind, context.cell_lines, tuple(sorted(mine["gene"])))
            for one, mine in rows.groupby("perturbation")
        ]
        told = do.told(0.57 + 0.05 * number, 0.05)
        table = do.asked(context.name, asks, told)
        keys = zip(table["cell_line"], table["gene"], strict=True)
        known = [habits[line].get(gene) for line, gene in keys]
        table["habit"] = [np.nan if one is None else one.p_de for one in known]
        for task in ("de", "dir"):
            asked = rows if task == "de" else rows[rows["up"].notna()]
            label = asked["de"] if task == "de" else asked["up"]
            of_gene = label.groupby(asked["gene"])
            prior = (of_gene.transform("sum") - label + label.mean()) / of_gene.transform("size")
            say = changes if task == "de" else directions
            # The expression model was trained on most of these data sets.
            columns = say(table, do.world.scope, do.settings.seed).drop(
                columns=EXPRESSION, errors="ignore"
            )
            keyed = asked.assign(label=label, **{PRIOR: prior})
            keyed = keyed.merge(
                columns.reset_index(), left_on=["perturbation", "gene"],
                right_on=["asked", "gene"],
            )  # fmt: skip
            draw = do.draw(keyed["perturbation"])
            names = in_order([PRIOR, *columns.columns])
            yield from tested_scores(keyed, names, context.name, task, draw)


def _textbook(do: _Stages, pairs: pd.DataFrame) -> Iterable[Score]:
    told = do.told(0.77, 0.05)
    table = do.asked("textbook", textbook.asks(pairs), told).rename(columns={"asked": "pert"})
    called = textbook.calls(table, do.world.scope, do.world.best.response.de_threshold)
    names = {name: called[name] for name in in_order(list(called))}
    return textbook.judged(pairs, names, do.draw(pairs["pert"]))


def _listed(do: _Stages) -> Iterable[Score]:
    do.run.progress("measured lists", 0.82)
    table = do.run.table(
        "lists/measured",
        lambda: lists.measured_lists(do.root, do.world, do.settings.seed),
        "lists",
    )
    told = do.told(0.83, 0.12)
    groups = list(table.groupby(["cell_line", "pert"]))
    parts = []
    for number, (key, mine) in enumerate(groups):
        line, pert = (str(word) for word in key)
        told(f"open questions: {pert}", number / len(groups))
        ask = partial(lists.list_answers, do.world, line, pert, tuple(mine["gene"]))
        answered = do.run.table(f"lists/{pert}-{line}", ask, "lists")
        parts.append(mine.merge(answered, on="gene"))
    joined = pd.concat(parts, ignore_index=True)
    habits = {line: do.world.best.response.habit(line) for line in lists.CONTEXTS}
    keys = zip(joined["cell_line"], joined["gene"], strict=True)
    joined["habit"] = [habits[line][gene].p_de for line, gene in keys]
    return lists.listed(joined, do.draw(joined["pert"]), do.settings.seed)


def _asked(world: World, ask: Ask) -> pd.DataFrame:
    return answers(world, ask).merge(controls(world, ask), on="gene")


def _files(root: Path, run: RegulatorsEval) -> dict[str, Path]:
    """Return the files behind the figures.

    Raises:
        DataError: One is missing.
    """
    names = [HGNC, FILE, *(screens.FILES if run.tested else ())]
    names += ["perturbqa/k562-de.csv"] if run.tested else []
    names += LISTS if run.open_questions else ()
    paths = {name: root / name for name in dict.fromkeys(names)}
    for path in paths.values():
        if not path.is_file():
            raise missing(path)
    for option, given in (("--pairs", run.pairs), ("--held-out", run.held_out)):
        if given is not None:
            if not given.is_file():
                raise DataError(f"{given} is no file; name another {option}.")
            paths[option] = given
    return paths
