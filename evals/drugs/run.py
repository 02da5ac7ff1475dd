"""Scores the drug model in a run folder; a run that was stopped goes on with the stages it has."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import Field

import evals.drugs
import models.drugs
from evals.drugs import external
from evals.drugs.facts import Calibrated, Facts, Wells
from evals.drugs.page import BENCHMARK
from evals.drugs.predictors import (
    MODE,
    NEAREST,
    OURS,
    PLATE,
    SHUFFLED,
    Predictors,
    aligned,
    asked_of,
    knockdowns,
)
from evals.drugs.score import calibration, figures, profiles
from evals.harness.metrics import expected_calibration_error
from evals.harness.resampling import Resampler
from evals.harness.run import Inputs, Run
from evals.harness.scores import Results, Score
from knowledge.drugs import Drugs
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import HGNC, read_symbols, sources_root
from models.drugs.checkpoint import Line
from models.drugs.features import has_relative
from models.drugs.held_out import agreement, folds
from models.drugs.levels import POSITION
from models.drugs.model import DrugModel
from models.drugs.ridge import Learner
from models.drugs.screens import FILES, OP3, TAHOE, drug_root, read_screens
from models.drugs.training import described, groups, known_drug, screens_of
from models.response import ResponseModel

MEASURED = "Tahoe-100M as measured"
BY_DRUG, BY_MODE = "drug", "mode of action"
# Who is asked where not everybody has something to say.
SPLIT_BY_MODE, AS_MEASURED = (OURS, NEAREST, SHUFFLED), (OURS, NEAREST, PLATE)
PROFILED = (OURS, NEAREST, MODE)


class DrugsEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="Seed of folds and of everything that is drawn.")
    splits: int = Field(2, description="Random splits into five folds.")
    draws: int = Field(60, description="Bootstrap resamples of drugs.")


def evaluate(
    data: Path,
    out: Path,
    settings: DrugsEval,
    progress: Progress,
    weights: Path | None = None,
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    The model is fitted anew in every fold, with the settings of the trained one.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        settings: What is evaluated.
        progress: Told what is being done.
        weights: Folder of the drug model; the shipped one by default.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
    """
    model = DrugModel.load(weights)
    root = drug_root(data)
    files = {name: root / name for name in (*FILES, *external.FILES.values())}
    files[HGNC] = sources_root(data) / HGNC
    inputs = Inputs(files, (evals.drugs, models.drugs), {"drug model": model.version})
    return BENCHMARK.evaluate(
        out, settings, inputs, lambda run: _scored(run, data, root, settings, model), progress
    )


def _scored(run: Run, data: Path, root: Path, settings: DrugsEval, model: DrugModel) -> Results:
    run.progress("reading the screens", 0.02)
    screens, drugs, bits = screens_of(data)
    raw = read_screens(data, read_symbols(sources_root(data)), {}, correct=False)
    measured = next(one for one in raw if one.name == TAHOE)
    ridge = model.ridge
    scores: list[Score] = []
    found: dict[str, Learner] = {}
    plan = [(one.name, one) for one in screens] + [(MEASURED, measured)]
    for number, (name, screen) in enumerate(plan):
        learner = found[name] = Learner(screen, described(screen, drugs, bits), ridge)
        run.progress(name, 0.1 + 0.2 * number)
        table = None
        if screen.name == OP3:
            known = tuple(known_drug(drugs, one) for one in screen.drugs)
            make = partial(knockdowns, learner, known, ResponseModel.load())
            table = run.table("knockdowns", make)
        told = Predictors(learner, settings.seed).all(
            aligned(learner, table) if table is not None else None
        )
        by = groups(screen, drugs, learner.described)
        resampler = Resampler(screen.drugs, settings.seed, settings.draws)
        for split, group in ((BY_DRUG, by[0]), (BY_MODE, by[1])):
            if split == BY_MODE and screen.name != OP3:
                continue  # few modes of Tahoe have two drugs, and sci-Plex has one large one
            splits = [folds(group, settings.seed + 100 + one) for one in range(settings.splits)]
            asked = {
                who: one
                for who, one in told.items()
                if (split == BY_DRUG or asked_of(who) in SPLIT_BY_MODE)
                and (name != MEASURED or who in AS_MEASURED)
            }
            keys = {"screen": name, "split": split}
            slope = model.lines(screen.name)[0].slope
            work = partial(figures, learner, splits, asked, resampler, settings.seed, slope, **keys)
            scores += run.scores(f"{name}/{split}", work)
            if split == BY_DRUG and name in (OP3, TAHOE):
                whole = {who: one for who, one in told.items() if who in PROFILED}
                work = partial(profiles, learner, splits, whole, resampler, **keys)
                scores += run.scores(f"{name}/{split} profiles", work)
    run.progress("other laboratories", 0.9)
    work = partial(external.external, root, model, settings.seed, settings.draws)
    scores += run.scores("external", work)
    facts = run.figures("facts", Facts, lambda: _facts(found, model, drugs, settings))
    return Results.of(BENCHMARK.kind, scores, facts)


def _facts(
    learners: dict[str, Learner], model: DrugModel, drugs: Drugs, settings: DrugsEval
) -> Facts:
    grouped = {name: groups(one.screen, drugs, one.described) for name, one in learners.items()}
    return Facts(
        drugs={name: len(one.screen.drugs) for name, one in learners.items()},
        related={name: int(has_relative(one.described).sum()) for name, one in learners.items()},
        groups={name: len(np.unique(one[0])) for name, one in grouped.items()},
        modes={name: len(np.unique(one[1])) for name, one in grouped.items()},
        wells=tuple(
            _wells(what, learners[name])
            for what, name in (("as measured", MEASURED), ("artefact taken out", TAHOE))
        ),
        calibration=tuple(_calibrated(learners[OP3], grouped[OP3][0], model, settings)),
        ridge=model.ridge.model_dump(),
    )


def _wells(what: str, learner: Learner) -> Wells:
    alike = agreement(learner.screen)
    inert = np.array([not one.targets for one in learner.described])
    plates = np.array(learner.screen.plates)
    between, total = 0.0, 0.0
    for context in learner.screen.contexts:
        table = POSITION[context.levels].astype(np.float64)
        table -= table.mean(0)
        total += float((table**2).sum())
        for plate in set(plates):
            here = plates == plate
            between += float((table[here].mean(0) ** 2).sum() * here.sum())
    return Wells(
        what=what,
        inert=float(np.median(alike[inert])),
        active=float(np.median(alike[~inert])),
        plate=between / total,
    )


def _calibrated(
    learner: Learner,
    group: np.ndarray[tuple[int], np.dtype[np.int64]],
    model: DrugModel,
    settings: DrugsEval,
) -> Iterator[Calibrated]:
    ours = Predictors(learner, settings.seed).all()[OURS]
    change, direction = calibration(learner, folds(group, settings.seed + 100), ours, 0)
    lines = model.lines(OP3)
    for task, rows, line in (("P(changes)", change, lines[1]), ("P(up)", direction, lines[0])):
        p = _probability(line, rows)
        error = expected_calibration_error(rows[:, 0].astype(np.int64), p)
        yield Calibrated(task=task, error=error, rows=len(rows))


def _probability(
    line: Line, rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    value, rate = rows[:, 1].astype(np.float64), rows[:, 2].astype(np.float64)
    logit = line.bias + line.slope * value + line.prior * np.log(rate / (1 - rate))
    return np.asarray(1 / (1 + np.exp(-logit)))
