"""Scores explaining and reversing lists in a run folder; a stopped run goes on with its units."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from pydantic import Field

from agent.session import Session
from agent.settings import Settings
from evals import lists as benchmark
from evals import regulator_pairs
from evals.harness.resampling import DRAWS, Resampler
from evals.harness.run import Inputs, Run
from evals.harness.scores import Results, Score
from evals.harness.session import benchmark_session
from evals.lists.held_out import HeldOutAtlases
from evals.lists.page import BENCHMARK
from evals.lists.paths import chosen, explained_rows
from evals.lists.ranks import GRID, MIXES, joined_atlas, lists_of, ranked_lists
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import read_symbols, sources_root
from models.fusion.regulator_sets import FILE as REGULATORS
from models.fusion.regulator_sets import consensus, read_regulator_sets, without_repeats
from models.inputs.screens import CELL_LINES
from models.response.signed_sets import SET_FILES
from tools import lists
from tools.lists.atlas import atlas_of
from tools.lists.causes import Library
from tools.lists.ranking import library_of

FIRST = 10
# Net studies that agree on a gene of a regulator's list.
LEAST_VOTES = 2


class ListsEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    perts: int = Field(80, description="Perturbations per line whose rows are explained.")
    lists: int = Field(150, description="Lists per line and fold whose cause is sought.")
    least: int = Field(50, description="Genes that such a list has at least.")
    folds: int = Field(5, ge=3, description="Folds over perturbations.")
    scored: int = Field(1, ge=1, description="Folds that are scored, after the one for weights.")
    lines: tuple[str, ...] = Field(("K562", "RPE1"), description="Lines whose lists are reversed.")
    regulators: bool = Field(True, description="Whether lists of other cells are reversed too.")
    seed: int = Field(0, description="Seed of everything that is drawn.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of perturbations.")


def evaluate(
    data: Path, out: Path, settings: ListsEval, world: Settings, progress: Progress
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        settings: What is evaluated.
        world: Where the knowledge and the atlas are.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    session = benchmark_session(world)
    names = [*SET_FILES, *([REGULATORS] if settings.regulators else [])]
    inputs = Inputs(
        {name: root / name for name in names},
        (benchmark, regulator_pairs, lists),
        {**session.versions.data, **session.versions.models},
    )
    return BENCHMARK.evaluate(
        out, settings, inputs, lambda run: _evaluated(root, run, settings, session), progress
    )


def _evaluated(root: Path, run: Run, settings: ListsEval, session: Session) -> Results:
    found = [*_explained(run, settings, session), *_reversed(run, settings, session)]
    if settings.regulators:
        found += _regulators(root, run, settings, session)
    return Results.of(BENCHMARK.kind, found)


def _explained(run: Run, settings: ListsEval, session: Session) -> list[Score]:
    predictor = session.predictor
    tables = []
    for number, line in enumerate(CELL_LINES):
        run.progress(f"explaining training rows of {line}", 0.02 + 0.05 * number)
        perts = chosen(predictor, line, settings.perts, settings.seed)
        name = f"paths/{line}"
        tables.append(
            run.table(
                name,
                lambda line=line, perts=perts: explained_rows(  # type: ignore[misc]
                    predictor, line, perts, settings.seed
                ),
                "paths",
            )
        )
    scores = []
    for line, rows in [*zip(CELL_LINES, tables, strict=True), ("all", pd.concat(tables))]:
        unit = rows["cell_line"] + " " + rows["pert"]
        draw = Resampler(unit, settings.seed, settings.draws)
        changed, held = rows["changed"], rows["changed"] & rows["reached"]
        good = rows["agrees"].fillna(0.0)
        for who, measure, some, values in (
            ("changed", "reached", changed, rows["reached"]),
            ("unchanged", "reached", ~changed, rows["reached"]),
            ("changed", "explained", changed, good),
            ("changed, no hub", "explained", changed, good * ~rows["hub"]),
            ("changed", "agrees", held, rows["agrees"]),
            ("shuffled signs", "agrees", held, rows["shuffled"]),
            ("unchanged", "explained", ~changed, rows["reached"] / 2),
        ):
            sample = draw.mean(unit[some], values[some].astype(float))
            scores.append(Score(who, measure, sample, task="explain", cell_line=line))
    return scores


def _reversed(run: Run, settings: ListsEval, session: Session) -> list[Score]:
    predictor = session.predictor
    response, graph = predictor.response, session.knowledge.graph
    whole = library_of(predictor, session.settings.data)
    shipped = atlas_of(session.settings.data, response)
    held_out = HeldOutAtlases(
        response, run.out / "units" / "held-out", settings.folds, settings.seed, run.progress
    )
    tables: list[pd.DataFrame] = []
    for fold in range(settings.scored + 1):
        mixes = dict(MIXES) if fold else {str(i): one for i, one in enumerate(GRID)}
        for line in settings.lines:
            run.progress(f"reversing lists of {line}, fold {fold + 1}", 0.3 + 0.2 * fold)

            def ranked(
                fold: int = fold, line: str = line, mixes: Mapping[str, object] = mixes
            ) -> pd.DataFrame:
                atlas = joined_atlas(held_out.atlas(fold, [line]), shipped, line)
                atlas.hold(line)
                library = replace(whole, atlas=atlas)
                perts = [pert for pert, at in held_out.fold_of.items() if at == fold]
                lists = list(lists_of(library, line, perts, settings.least))
                rng = np.random.default_rng(settings.seed)
                order = sorted(rng.permutation(len(lists))[: settings.lists])
                return ranked_lists(
                    library, graph, line, [lists[i] for i in order],
                    cast("Mapping[str, Mapping[str, float]]", mixes),
                ).assign(fold=fold)  # fmt: skip

            tables.append(run.table(f"who/fold-{fold}-{line}", ranked, "who"))
    rows = pd.concat(tables, ignore_index=True)
    return [*_tuned(rows[rows["fold"] == 0]), *_ranks(rows[rows["fold"] > 0], settings, "who")]


def _tuned(rows: pd.DataFrame) -> list[Score]:
    """Return how each mix of weights does on the fold that they are chosen on."""
    found = []
    for name, mine in rows.groupby("mix", sort=False):
        first = mine["mate_rank"].between(1, FIRST).mean()
        weights = GRID[int(str(name))]
        told = ", ".join(f"{part} {value:g}" for part, value in weights.items())
        found.append(Score(told, "complex in first ten", float(first), task="weights"))
    return found


def _ranks(rows: pd.DataFrame, settings: ListsEval, task: str) -> list[Score]:
    found = []
    whole = rows.assign(cell_line="all")
    for line, mine in [*rows.groupby("cell_line"), ("all", whole)]:
        draw = Resampler(mine["pert"], settings.seed, settings.draws)
        for mix, some in mine.groupby("mix", sort=False):
            exact, mate = some["rank"], some["mate_rank"]
            for measure, values in (
                ("itself in first ten", exact.between(1, FIRST)),
                ("complex in first ten", mate.between(1, FIRST)),
                ("complex in first hundred", mate.between(1, 10 * FIRST)),
            ):
                sample = draw.mean(some["pert"], values.astype(float))
                found.append(Score(str(mix), measure, sample, task=task, cell_line=str(line)))
            place = float(exact.where(exact > 0, some["candidates"]).median())
            found.append(
                Score(str(mix), "median rank of itself", place, task=task, cell_line=str(line))
            )
        # By chance: as many candidates as the complex has members, drawn at random.
        size = mine["mates"] + 1
        chance = 1 - (1 - FIRST / mine["candidates"]) ** size
        sample = draw.mean(mine["pert"], chance)
        found.append(
            Score("chance", "complex in first ten", sample, task=task, cell_line=str(line))
        )
        counted = float(mine["candidates"].median())
        found.append(Score("candidates", "count", counted, task=task, cell_line=str(line)))
        lists = float(mine["pert"].nunique())
        found.append(Score("lists", "count", lists, task=task, cell_line=str(line)))
    return found


def _regulators(root: Path, run: Run, settings: ListsEval, session: Session) -> list[Score]:
    """Return the ranks of regulators whose loss or gain was studied in other cells."""
    line = settings.lines[0]

    def ranked() -> pd.DataFrame:
        rows = consensus(without_repeats(read_regulator_sets(root, read_symbols(root))))
        rows = rows[rows["votes"].abs() >= LEAST_VOTES]
        library: Library = library_of(session.predictor, session.settings.data)
        if library.atlas.perturbations(line):
            library.atlas.hold(line)
        lists = [
            (
                str(name),
                {
                    str(gene): 1 if votes > 0 else -1
                    for gene, votes in zip(m["gene"], m["votes"], strict=True)
                },
            )
            for name, m in rows.groupby("regulator")
            if len(m) >= settings.least
        ]
        rng = np.random.default_rng(settings.seed)
        order = sorted(rng.permutation(len(lists))[: settings.lists])
        some = [lists[i] for i in order]
        return ranked_lists(library, session.knowledge.graph, line, some, MIXES)

    run.progress("reversing lists of regulators", 0.9)
    rows = run.table(f"regulators/{line}", ranked, "regulators")
    return _ranks(rows.assign(cell_line=line), settings, "regulators")
