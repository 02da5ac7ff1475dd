"""`knockwise eval perturbqa`: the response model, or predictions that somebody brings."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.jobs.own_predictions import PANEL as OWN
from app.jobs.own_predictions import Coverage, Strict, brought
from knowledge.errors import KnockwiseError

EPILOG = (
    "Example: knockwise eval perturbqa --data ../shared/data --setting multi --out multi. Your own "
    "model: knockwise eval perturbqa --data ../shared/data --predictions MINE.csv --out mine"
)


def perturbqa(
    data: Annotated[
        Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and networks/.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    setting: Annotated[
        Literal["multi", "strict", "extended"],
        typer.Option(
            help="What the model may have seen of a test perturbation: its rows in other lines "
            "(multi), none anywhere (strict), or other lines and extra screens (extended)."
        ),
    ] = "multi",
    cell_line: Annotated[
        list[str] | None, typer.Option(help="Line to score; repeat for several, all by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    folds: Annotated[
        int | None,
        typer.Option(min=2, help="Folds of the cross-validation; 10 by default, 4 in strict."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the trees.")] = 2,
    ablation: Annotated[
        bool | None,
        typer.Option(
            "--ablation/--no-ablation",
            help="Fit anew without each family of features; by default but in strict.",
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Table of your predictions (pert, gene, cell_line, p, p_up), scored beside "
            "Knockwise's; nothing is trained.",
            rich_help_panel=OWN,
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Run to compare with; the kept one of --setting by default.", rich_help_panel=OWN
        ),
    ] = None,
    coverage: Coverage = None,
    strict: Strict = False,
) -> None:
    """Train, predict and score everything in one setting of PerturbQA, with controls.

    Writes predictions for every official test row, metrics, and a scoreboard with plots. Ctrl-C
    loses at most the fold at work: run the same command again to go on. A finished run is only
    rendered anew. With --predictions your own numbers are scored in seconds: rows that are missing,
    doubled or no number are counted, told and left out.
    """
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    table = brought(predictions, against, coverage, strict)
    if table is not None:
        if cell_line or folds or ablation is not None:
            raise KnockwiseError(
                "--cell-line, --folds and --ablation are about training, and --predictions trains "
                "nothing; leave them out."
            )
        _own(data, out, setting, seed, table, against, coverage or 0.0, strict)
        return
    yield_cores()
    from evals.perturbqa.page import summary
    from evals.perturbqa.run import FOLDS, EvalSettings, evaluate

    run = EvalSettings(
        setting=setting,
        cell_lines=cell_lines(cell_line),
        seed=seed,
        folds=folds or FOLDS[setting],
        ablation=setting != "strict" if ablation is None else ablation,
    )
    more = "predictions.parquet"
    evaluated(out, lambda told: evaluate(data, out, run, threads, told), summary, more)


def _own(
    data: Path,
    out: Path,
    setting: Literal["multi", "strict", "extended"],
    seed: int,
    table: Path,
    against: Path | None,
    coverage: float,
    strict: bool,
) -> None:
    from app.jobs.evaluation import evaluated
    from evals.perturbqa.own.page import summary
    from evals.perturbqa.own.run import OwnEval, evaluate

    run = OwnEval(setting=setting, coverage=coverage, strict=strict, seed=seed)
    evaluated(out, lambda told: evaluate(data, table, out, run, against, told), summary)


def cell_lines(words: list[str] | None) -> tuple[str, ...]:
    """Return the lines in the order of the benchmark, whatever their case; all where none is named.

    Raises:
        KnockwiseError: The benchmark has no such line.
    """
    from models.inputs.screens import CELL_LINES

    wanted = {word.casefold(): word for word in words or CELL_LINES}
    known = {line.casefold(): line for line in CELL_LINES}
    for word in wanted.keys() - known.keys():
        raise KnockwiseError(
            f"PerturbQA has no screen of {wanted[word]}; choose among {', '.join(CELL_LINES)}."
        )
    return tuple(line for folded, line in known.items() if folded in wanted)
