"""Whether GEARS is undertrained or beaten here, as its own training perturbations see it.

    python -m evals.expression.gears_curve --data DIR --gears PYTHON --out FOLDER

A quarter of the training perturbations of the first fold are set aside; after each epoch the
squared error on them is noted, with the authors' rate of learning (halved after each epoch) and
with the rate held. No held-out perturbation is looked at.
"""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from pydantic import Field

from evals import expression as benchmark
from evals.expression import gears
from evals.expression.gears import DECAY, Gears
from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section, shown
from evals.harness.run import Inputs, Run
from evals.harness.scores import Results, Score, Scores
from evals.harness.tables import Table, table
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from models.expression import mirror
from models.expression.choice import folds_of

FOLDS = 5
ASIDE = 0.25
SCHEDULES = {"halved": DECAY, "held": 1.0}
PLAIN = ("no change", "training mean")
HOW = (
    "GEARS (cell-gears) on the training perturbations of one fold, a quarter of them set aside: "
    "the squared error of the mean response on those, after each epoch, beside no change and the "
    "mean response of the others on the same cells. `halved` is the authors' schedule, which "
    "halves the rate of learning after each epoch; `held` keeps it. Training stops at the end of "
    "the epoch in which its share of processor time is spent."
)


class CurveEval(Frozen):
    """What is trained; another value is another run."""

    python: Path
    context: str = Field("norman", description="Screen of the mirror with single cells.")
    cells: int = Field(15, description="Cells of a perturbation, and of the controls.")
    epochs: int = Field(20, description="Of training, at most.")
    minutes: float = Field(5.0, description="Of processor time for each schedule.")
    schedules: tuple[str, ...] = Field(("held", "halved"), description="Of the rate.")
    seed: int = Field(0, description="Of folds, cells and training.")


def evaluate(data: Path, out: Path, settings: CurveEval, progress: Progress) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Raises:
        DataError: A file is missing.
        KnockwiseError: GEARS does not run.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    files = {name: root / name for name in mirror.files((settings.context,))}
    files |= {name: root / name for name in (gears.GAF, gears.OBO)}
    versions = {"cell-gears": gears.installed(settings.python)}
    inputs = Inputs(files, (benchmark,), versions)

    def work(run: Run) -> Results:
        screen = mirror.read_contexts(data, [settings.context])[0]
        fold = folds_of(screen, "singles", FOLDS, settings.seed)[0]
        scores: list[Score] = []
        for name in settings.schedules:
            rival = Gears(
                settings.python, data, settings.epochs, SCHEDULES[name], settings.cells, ASIDE,
                settings.minutes,
            )  # fmt: skip

            def made(rival: Gears = rival) -> pd.DataFrame:
                found = rival.fit(screen.take(fold.training), settings.seed).curve()
                # The last epoch may be half told, where training was stopped.
                count = len(found["validation"])
                return pd.DataFrame({**found, "training": found["training"][:count]})

            told = run.table(f"rate {name}", made, f"GEARS, rate {name}")
            for at, row in enumerate(told.itertuples(), 1):
                for which in ("training", "validation"):
                    scores.append(
                        Score(f"rate {name}", which, float(getattr(row, which)), epoch=at)
                    )
            for one in PLAIN:
                scores.append(Score(one, "validation", float(told[one].iloc[0]), epoch=0))
        return Results.of(BENCHMARK.kind, scores)

    return BENCHMARK.evaluate(out, settings, inputs, work, progress)


def page(record: Record) -> Page:
    """Return the page of a run."""
    settings = record.settings
    made = record.made(
        f"{settings['context']}, {settings['cells']} cells of each perturbation", stages=True
    )
    return Page("GEARS, undertrained or beaten", (HOW,), made, _sections(record.results))


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return shown(_sections(results))


def _sections(results: Results) -> tuple[Section, ...]:
    return (Section("", "", (_curve(results.scores),)),)


def _curve(scores: Scores) -> Table:
    names = [name for name in scores.values("predictor") if name not in PLAIN]
    plain = [scores.find(predictor=name) for name in PLAIN]
    found = scores.by("predictor", "measure", "epoch")
    parts = ("training", "validation")
    rows = []
    for epoch in scores.values("epoch"):
        cells = [found.get((name, part, epoch)) for name in names for part in parts]
        if epoch:
            rows.append((epoch, *(_shown(one) for one in cells), *map(_shown, plain)))
    header = ("epoch", *(f"{name}, {part}" for name in names for part in parts),
              *(f"{name}, validation" for name in PLAIN))  # fmt: skip
    return table(header, rows)


def _shown(score: Score | None) -> str:
    return "" if score is None else f"{score.value.value:.4f}"


BENCHMARK = Benchmark("gears", page, summary)


def main(
    data: Annotated[Path, typer.Option(help="Mirror, or a data folder.")],
    python: Annotated[
        Path, typer.Option("--gears", help="Python in which cell-gears is installed.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    context: Annotated[str, typer.Option(help="Screen with single cells.")] = "norman",
    cells: Annotated[int, typer.Option(help="Cells of a perturbation.")] = 15,
    epochs: Annotated[int, typer.Option(help="Of training, at most.")] = 20,
    minutes: Annotated[float, typer.Option(help="Of processor time for each schedule.")] = 5.0,
) -> None:
    """Train GEARS with both schedules and print its curve."""
    settings = CurveEval(
        python=python, context=context, cells=cells, epochs=epochs, minutes=minutes
    )
    typer.echo(summary(evaluate(data, out, settings, lambda what, done: None)))


if __name__ == "__main__":
    typer.run(main)
