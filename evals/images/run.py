"""Scores learnt looks and predicted channels in a run folder; an interrupted run goes on.

`cells/` holds the cells of the two siRNA plates, `units/` a table for each part.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from evals import images as benchmark
from evals.harness.metrics import brier, expected_calibration_error
from evals.harness.run import Inputs, Run, part
from evals.harness.scores import Results
from evals.images import periscope, score, sirna
from evals.images.facts import OURS, Facts, Truth
from evals.images.page import BENCHMARK
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from models import images as learner
from models import morphology as model
from models.genen.model import SHIPPED as GENEN
from models.genen.model import GenenModel
from models.images.training import STEPS
from models.inputs import annotations
from models.morphology.kernel import calibration, logistic
from models.morphology.periscope import CHANNELS, FILES, Periscope
from tools import images as analysis


class ImagesEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="Seed of everything that is drawn.")
    folds: int = Field(5, ge=2, description="Folds over knockouts.")
    steps: int = Field(STEPS, ge=10, description="Steps of the network's training.")
    draws: int = Field(500, ge=50, description="Bootstrap resamples.")


def evaluate(data: Path, out: Path, settings: ImagesEval, progress: Progress) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`.
        out: The run folder.
        settings: What is evaluated.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing or cannot be used.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    names = [*FILES, *annotations.FILES, sirna.ANNOTATION]
    pictures = sorted((root / sirna.FOLDER / "source").rglob("*.jpeg"))
    inputs = Inputs(
        {name: root / name for name in names}
        | {str(one.relative_to(root)): one for one in pictures}
        | {"weights/genen": GENEN / "config.json"},
        (benchmark, model, learner, analysis),
    )
    return BENCHMARK.evaluate(
        out, settings, inputs, lambda run: _evaluated(root, run, settings), progress
    )


def _evaluated(root: Path, run: Run, settings: ImagesEval) -> Results:
    cells, errors = _sirna(root, run, settings)
    knockouts, facts = _periscope(root, run, settings)
    scores = [
        *score.told_apart(cells, settings.seed, settings.draws),
        *score.pictures(errors, settings.seed, settings.draws),
        *score.channels(knockouts, settings.seed, settings.draws),
    ]
    first = cells[cells["predictor"] == "learnt"].drop_duplicates("cell")
    whole = facts.model_copy(
        update={
            "cells": {str(k): int(v) for k, v in first.groupby("plate").size().items()},
            "wells": tuple(score.wells(cells)),
        }
    )
    return Results.of(BENCHMARK.kind, scores, whole)


def _sirna(root: Path, run: Run, settings: ImagesEval) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return scores of cells, and errors of pictures, of plates that were not learnt from."""
    waiting = not all(run.path(f"sirna/{one}").is_file() for one in ("cells", "errors", "shown"))
    if waiting:
        with run.clock("cells of the plates"):
            found = sirna.cells(root, run.out / "cells", part(run.progress, 0.0, 0.1))
        channels = sirna.plates_of(root).channels
        steps = settings.steps
    told = run.table(
        "sirna/cells",
        lambda: sirna.scored(
            found,
            channels,
            settings.seed,
            steps,
            run.out / "networks",
            part(run.progress, 0.1, 0.25),
        ),
        "phenotypes",
    )
    if waiting:
        with run.clock("rebuilt pictures"):
            errors, shown = sirna.rebuilt(
                found,
                channels,
                settings.seed,
                steps,
                run.out / "networks",
                part(run.progress, 0.35, 0.25),
            )
        run.table("sirna/shown", lambda: shown)
        run.table("sirna/errors", lambda: errors)
    return told, run.table("sirna/errors", lambda: errors)


def _periscope(root: Path, run: Run, settings: ImagesEval) -> tuple[dict[str, pd.DataFrame], Facts]:
    genen = GenenModel.load()
    run.progress("reading what is known of genes", 0.6)
    with run.clock("features"):
        screen, features = periscope.read(root, (genen.genes, genen.embeddings), settings.seed)
    hits = screen.hits()
    groups = periscope.groups_of(features, settings.seed)
    folds = {
        "gene": periscope.folds_by_gene(len(hits.genes), settings.folds, settings.seed),
        "complex": periscope.folds_by_group(groups, settings.folds, settings.seed),
    }
    found = {}
    for number, (split, fold) in enumerate(folds.items()):
        run.progress(f"knockouts held out by {split}", 0.65 + 0.15 * number)
        found[split] = run.table(
            f"periscope/{split}",
            lambda s=split, f=fold: periscope.predicted(  # type: ignore[misc]  # mypy cannot infer the default
                features, hits.altered, f, settings.seed, purge=s == "complex"
            ),
            "kernels",
        )
    found["complex"] = found["complex"].assign(unit=groups[found["complex"]["gene"]])
    found["gene"] = found["gene"].assign(unit=found["gene"]["gene"])
    learnt = found["complex"].drop_duplicates("fold")["learnt"]
    facts = Facts(
        cells={},
        wells=(),
        hits=len(hits.genes),
        measured=len(screen.genes),
        thresholds={str(k): int(v) for k, v in zip(CHANNELS, screen.thresholds, strict=True)},
        unread=screen.unread,
        groups=len(set(groups.tolist())),
        purged=float(len(hits.genes) * (1 - 1 / settings.folds) - learnt.mean()),
        truths=tuple(_truths(screen, found["gene"])),
        errors=_errors(found["gene"]),
    )
    return found, facts


def _errors(table: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return Brier score and calibration error of each channel, calibrated on the other folds."""
    ours = table[table["predictor"] == OURS]
    out: dict[str, tuple[float, float]] = {}
    for channel in CHANNELS:
        rows = ours[ours["channel"] == channel]
        chances = np.zeros(len(rows))
        fold, label = rows["fold"].to_numpy(), rows["label"].to_numpy()
        scores = rows["score"].to_numpy()[:, None]
        for number in set(fold.tolist()):
            slope, start = calibration(scores[fold != number], label[fold != number][:, None])
            chances[fold == number] = logistic(scores[fold == number], slope, start)[:, 0]
        known = label.astype(np.int64)
        out[channel] = (brier(known, chances), expected_calibration_error(known, chances))
    return out


def _truths(screen: Periscope, table: pd.DataFrame) -> list[Truth]:
    import re

    hits = screen.hits()
    at = {gene: i for i, gene in enumerate(hits.genes)}
    ours = table[table["predictor"] == OURS]
    told = []
    for name, (channel, pattern) in periscope.TRUTHS.items():
        column = CHANNELS.index(channel)
        rows = [i for i, gene in enumerate(screen.genes) if re.fullmatch(pattern, gene)]
        mine = [at[screen.genes[i]] for i in rows if screen.genes[i] in at]
        counts = screen.counts[:, column]
        scores = ours[(ours["channel"] == channel) & ours["gene"].isin(mine)]["score"]
        told.append(
            Truth(
                name=name,
                channel=channel,
                genes=len(rows),
                percentile=float(np.median([(counts < counts[i]).mean() for i in rows])),
                hits=len(mine),
                altered=float(hits.altered[mine, column].mean()) if mine else 0.0,
                predicted=float(scores.mean()) if mine else 0.0,
                usual=float(hits.altered[:, column].mean()),
            )
        )
    return told
