"""Scores programmes in a run folder; a run that was stopped goes on with the stages it has."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

import evals.programmes
import models.programmes
from evals.harness.metrics import Ranking
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run, part
from evals.harness.scores import Gain, Results, Score
from evals.programmes import stacked
from evals.programmes.answers import Asked, Floats, documented, response_says, usual
from evals.programmes.facts import Facts, facts_of
from evals.programmes.page import BENCHMARK
from evals.programmes.recovery import recovered
from evals.rows import TESTED, measured_pairs
from knowledge.base import Knowledge
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from models.inputs.screens import CELL_LINES, SCREEN_FILES
from models.programmes.model import ProgrammeModel
from models.response import ResponseModel

ALL = "all"
PROGRAMMES, TOGETHER, CASCADE = "programmes", "programmes and documented paths", "documented paths"
SHUFFLED, OTHERS, HABIT, RESPONSE = (
    "shuffled loadings",
    "another perturbation's shifts",
    "readout's usual direction",
    "response model",
)


class ProgrammesEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="Seed of everything that is drawn.")
    draws: int = Field(500, description="Bootstrap resamples.")


def evaluate(
    data: Path,
    out: Path,
    settings: ProgrammesEval,
    knowledge: Knowledge,
    progress: Progress,
    weights: Path | None = None,
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        settings: What is evaluated.
        knowledge: Documented paths, and known sets.
        progress: Told what is being done.
        weights: Folder of the programmes; the shipped ones by default.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
    """
    model, response = ProgrammeModel.load(weights), ResponseModel.load()
    root = sources_root(data)
    inputs = Inputs(
        {name: root / name for name in SCREEN_FILES},
        (evals.programmes, models.programmes),
        {
            **{f"knowledge {name}": one for name, one in knowledge.versions.items()},
            "programmes": model.version,
            "response": response.version,
        },
    )

    def scored(run: Run) -> Results:
        return _scored(run, data, settings, knowledge, model, response, weights)

    return BENCHMARK.evaluate(out, settings, inputs, scored, progress)


def _scored(
    run: Run,
    data: Path,
    settings: ProgrammesEval,
    knowledge: Knowledge,
    model: ProgrammeModel,
    response: ResponseModel,
    weights: Path | None,
) -> Results:
    measured = measured_pairs(data)
    rows = measured[measured.split == "test"].reset_index(drop=True)
    train = measured[measured.split == "train"]
    table = run.table(
        "answers",
        lambda: _answers(run, rows, train, model, response, knowledge, settings.seed),
    )
    resampler = Resampler(rows.pert, settings.seed, settings.draws)
    scores: list[Score] = []
    for line in (*TESTED, ALL):
        scores += run.scores(
            f"direction/{line}", partial(_direction, table, line, model, resampler)
        )
    scores += run.scores("stacked", partial(_stacked, run, data, settings, model, response, table))
    scores += run.scores("lines", lambda: _lines(run, rows, model, response, resampler))
    scores += run.scores(
        "recovery", lambda: recovered(model, knowledge, np.random.default_rng(settings.seed))
    )
    return Results.of(BENCHMARK.kind, scores, facts_of(model, weights))


def _stacked(
    run: Run,
    data: Path,
    settings: ProgrammesEval,
    model: ProgrammeModel,
    response: ResponseModel,
    table: pd.DataFrame,
) -> Iterator[Score]:
    """Yield what programmes add to the response model."""
    told = part(run.progress, 0.55, 0.3)
    rows = run.table(
        "held-out", lambda: stacked.held_out_rows(data, model, response, settings.seed, told)
    )
    changed = table[table.is_up.notna()]
    yield from stacked.scores(rows, changed, settings.seed, settings.draws)


def _answers(
    run: Run,
    rows: pd.DataFrame,
    train: pd.DataFrame,
    model: ProgrammeModel,
    response: ResponseModel,
    knowledge: Knowledge,
    seed: int,
) -> pd.DataFrame:
    """Return the rows with what everybody says of them."""
    rng = np.random.default_rng(seed)
    asked = Asked.of(rows, model, response)
    least = model.config.least_expected
    value = asked.expected()
    up = rows.is_up.to_numpy()
    shuffled = [_right_and_told(one, up, least) for one in asked.shuffled_loadings(rng)]
    others = [_right_and_told(one, up, least) for one in asked.other_shifts(rng)]
    first = next(asked.shuffled_loadings(rng))
    other = next(asked.other_shifts(rng))
    return rows.assign(
        value=value,
        told=asked.told(),
        shuffled=first,
        other=other,
        shuffled_right=np.mean([one[0] for one in shuffled], axis=0),
        shuffled_told=np.mean([one[1] for one in shuffled], axis=0),
        other_right=np.mean([one[0] for one in others], axis=0),
        other_told=np.mean([one[1] for one in others], axis=0),
        without_leading=asked.without(True, rng),
        without_another=asked.without(False, rng),
        usual=usual(rows, train),
        p_up=response_says(rows, response, part(run.progress, 0.1, 0.4)),
        documented=documented(rows, knowledge, part(run.progress, 0.5, 0.3)),
    )


def _right_and_told(value: Floats, up: Floats, least: float) -> tuple[Floats, Floats]:
    right = np.where(value == 0, 0.5, (value > 0) == (up > 0.5))
    return right, (np.abs(value) >= least).astype(float)


def _direction(
    table: pd.DataFrame, line: str, model: ProgrammeModel, resampler: Resampler
) -> Iterator[Score]:
    rows = table if line == ALL else table[table.cell_line == line]
    value, up = rows.value.to_numpy(), rows.is_up.to_numpy()
    changed, pert = np.isfinite(up), rows.pert.to_numpy(str)
    least = model.config.least_expected
    told = rows.told.to_numpy()
    path = rows.documented.to_numpy()
    together = np.where(path != 0, path, np.where(told, value, 0))
    spoken = {PROGRAMMES: np.where(told, value, 0), CASCADE: path, TOGETHER: together}
    usual = rows.usual.to_numpy()
    for who, says in spoken.items():
        speaks = says != 0
        for name, use in (("changed covered", changed), ("unchanged covered", ~changed)):
            yield Score(who, name, resampler.mean(pert[use], speaks[use].astype(float)),
                        line=line)  # fmt: skip
        use = changed & speaks
        right = ((says > 0) == (up > 0.5)).astype(float)
        mine = resampler.mean(pert[use], right[use])
        yield Score(who, "agreement", mine, line=line)
        commoner = np.where(usual == 0, 0.5, (usual > 0) == (up > 0.5))
        habit = resampler.mean(pert[use], commoner[use])
        answer = rows.p_up.to_numpy()
        other = resampler.mean(pert[use], ((answer > 0.5) == (up > 0.5))[use].astype(float))
        yield Score(HABIT, "agreement", habit, on=who, line=line)
        yield Score(RESPONSE, "agreement", other, on=who, line=line)
        yield Gain(who, HABIT, "agreement", mine - habit, line=line)
        yield Gain(who, RESPONSE, "agreement", mine - other, line=line)
    use = changed & told
    for who, column in ((SHUFFLED, "shuffled"), (OTHERS, "other")):
        right, told_too = (rows[f"{column}_{what}"].to_numpy() for what in ("right", "told"))
        yield Score(who, "agreement", resampler.mean(pert[use], right[use]), on=PROGRAMMES,
                    line=line)  # fmt: skip
        yield Score(who, "changed covered", resampler.mean(pert[changed], told_too[changed]),
                    line=line)  # fmt: skip
        yield Score(who, "unchanged covered", resampler.mean(pert[~changed], told_too[~changed]),
                    line=line)  # fmt: skip
    group = pd.factorize(rows.cell_line.astype(str) + " " + rows.gene.astype(str))[0]
    found = {}
    for who, says in (
        (PROGRAMMES, value),
        (RESPONSE, rows.p_up.to_numpy()),
        (SHUFFLED, rows.shuffled.to_numpy()),
        (OTHERS, rows.other.to_numpy()),
    ):
        ranking = Ranking(group[changed], up[changed].astype(np.int64), says[changed])
        found[who] = resampler.auroc(pert[changed], ranking)
        yield Score(who, "within-readout AUROC", found[who], line=line)
    for who in (RESPONSE, SHUFFLED, OTHERS):
        yield Gain(PROGRAMMES, who, "within-readout AUROC", found[PROGRAMMES] - found[who],
                   line=line)  # fmt: skip
    de = Ranking(group, changed.astype(np.int64), np.abs(value))
    yield Score(PROGRAMMES, "within-readout AUROC of a change", resampler.auroc(pert, de),
                line=line)  # fmt: skip
    for what, column in (("leading", "without_leading"), ("another", "without_another")):
        left = rows[column].to_numpy()
        moved = ((np.sign(left) != np.sign(value)) | (np.abs(left) < least)).astype(float)
        yield Score(f"without the {what} programme", "answers gone or turned",
                    resampler.mean(pert[use], moved[use]), line=line)  # fmt: skip


def _lines(
    run: Run,
    rows: pd.DataFrame,
    model: ProgrammeModel,
    response: ResponseModel,
    resampler: Resampler,
) -> Iterable[Score]:
    """Return how well the screen of one line alone tells the directions of another."""
    out = []
    for number, source in enumerate(CELL_LINES):
        run.progress(f"from {source} alone", 0.85 + 0.03 * number)
        value = Asked.of(rows, model, response, source).expected()
        for line in TESTED:
            use = (rows.cell_line == line).to_numpy() & rows.is_up.notna().to_numpy()
            group = pd.factorize(rows.gene[use].astype(str))[0]
            ranking = Ranking(group, rows.is_up[use].to_numpy(np.int64), value[use])
            sample = resampler.auroc(rows.pert[use].to_numpy(str), ranking)
            out.append(Score(PROGRAMMES, "within-readout AUROC", sample, "from one line",
                             source=source, line=line))  # fmt: skip
    return out


__all__ = ["Facts", "ProgrammesEval", "evaluate"]
