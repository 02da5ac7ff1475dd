"""`knockwise train`: train a model from pulled data, with progress, resumably."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    add_completion=False,
    help="Train a model from pulled data.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main() -> None:
    """Train a model from pulled data."""


@app.command(epilog="Example: knockwise train response --data ../shared/data --out my-weights")
def response(
    data: Annotated[
        Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and networks/.")
    ],
    out: Annotated[Path, typer.Option(help="Folder the trained weights are written to.")],
    setting: Annotated[
        Literal["multi", "strict"],
        typer.Option(
            help="What held-out predictions must not see: a perturbation's rows in the same line "
            "(multi), or in every line (strict)."
        ),
    ] = "multi",
    seed: Annotated[int, typer.Option(help="Seed of folds and trees.")] = 0,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 10,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the trees.")] = 2,
) -> None:
    """Train the response model and print how well held-out perturbations are predicted.

    Ctrl-C loses at most the fold at work: run the same command again to go on.
    """
    import json

    from app.progress import progress_bar, yield_cores
    from app.terminal import results

    yield_cores()
    from evals.perturbqa import as_markdown, cross_validated
    from models.response.settings import TrainingSettings
    from models.response.training import train

    run = TrainingSettings(setting=setting, seed=seed, folds=folds, threads=threads)
    with progress_bar() as told:
        fitted = train(data, out, run, told)
        told("scoring", 1.0)
        scores = cross_validated(fitted)
    record = json.loads((out / "training.json").read_text(encoding="utf-8"))
    record["metrics"] = [score.model_dump() for score in scores]
    (out / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    results().print(as_markdown(scores, setting), soft_wrap=True)


@app.command(epilog="Example: knockwise train fusion --held-out my-weights/held_out.parquet")
def fusion(
    held_out: Annotated[
        Path, typer.Option(help="Held-out predictions that `train response` wrote.")
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="Data folder with compiled tables; that of the settings by default."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the heads; the shipped weights by default.")
    ] = None,
) -> None:
    """Fit how response model and cascade are weighed together; print the scores as JSON."""
    from app.terminal import print_json, progress, settings
    from models.fusion import WEIGHTS
    from models.fusion.train import train

    with progress().status("Following the cascades of all training perturbations (minutes) ..."):
        scores = train(held_out, data or settings().data, out or WEIGHTS)
    print_json(scores)
