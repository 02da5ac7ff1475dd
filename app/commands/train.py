"""`knockwise train`: train a model from pulled data, with progress, resumably."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from app.commands import (
    train_drugs,
    train_genen,
    train_genepheno,
    train_language,
    train_morphology,
    train_programmes,
)
from app.jobs.outputs import Careful
from app.jobs.own_screen import PANEL as OWN
from app.jobs.own_screen import Controls, Counts, GeneColumn, GuidePattern, Layer, SkipUnknown
from knowledge.errors import QuestionError

app = typer.Typer(
    add_completion=False,
    help="Train a model from pulled data.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main() -> None:
    """Train a model from pulled data."""


@app.command(
    cls=Careful, epilog="Example: knockwise train response --data ../shared/data --out my-weights"
)
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
    from app.show.progress import progress_bar
    from app.show.terminal import results
    from models.threads import yield_cores

    yield_cores()
    from evals.harness.scores import Scores
    from evals.perturbqa import as_markdown, cross_validated
    from models.response.scoring import FittedModel
    from models.response.settings import TrainingSettings
    from models.response.training import train

    run = TrainingSettings(setting=setting, seed=seed, folds=folds, threads=threads)
    found: list[Scores] = []

    def score(fitted: FittedModel) -> list[dict[str, Any]]:
        found.append(cross_validated(fitted))
        return found[0].records()

    with progress_bar() as told:
        train(data, out, run, told, score)
    results().print(as_markdown(found[0], setting), soft_wrap=True)


@app.command(
    cls=Careful,
    epilog="Example: knockwise train fusion --multi multi/held_out.parquet "
    "--strict strict/held_out.parquet --out my-fusion",
)
def fusion(
    multi: Annotated[
        Path,
        typer.Option(help="held_out.parquet that `train response --setting multi` wrote."),
    ],
    strict: Annotated[
        Path,
        typer.Option(help="The same of `train response --setting strict`."),
    ],
    out: Annotated[Path, typer.Option(help="Folder the weights and held-out tables go to.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Data folder with compiled tables; that of the settings by default."),
    ] = None,
) -> None:
    """Fit edge trust, habits, and how response model and cascade are weighed together.

    Needs `knockwise data pull knowledge regulators perturbseq` and `knockwise index build`. Prints
    the cross-fitted figures as JSON.
    """
    from app.show.progress import progress_bar
    from app.show.terminal import print_json, settings
    from models.threads import yield_cores

    yield_cores()
    from models.fusion.train import train

    with progress_bar() as told:
        figures = train({"multi": multi, "strict": strict}, data or settings().data, out, told)
    print_json({"schema": "knockwise/fusion-figures/1", **figures})


@app.command("app", cls=Careful, hidden=True)
@app.command(
    "expression",
    cls=Careful,
    epilog="Example: knockwise train expression --data ../shared/data --h5ad screen.h5ad "
    "--pert-col gene --control NT --out my-model",
)
def expression(
    data: Annotated[
        Path, typer.Option(help="Data folder or mirror: what is known of the genes, and screens.")
    ],
    out: Annotated[Path, typer.Option(help="Folder the trained model is written to.")],
    context: Annotated[
        list[str] | None,
        typer.Option(
            help="Context of the mirror to learn, repeat for several; those that may be shipped "
            "by default. With --h5ad, what the screen's context is to be called."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    h5ad: Annotated[
        Path | None, typer.Option(help="Screen with one cell per row.", rich_help_panel=OWN)
    ] = None,
    pert_col: Annotated[
        str | None, typer.Option(help="Column of obs: what was perturbed.", rich_help_panel=OWN)
    ] = None,
    control: Controls = None,
    guide_pattern: GuidePattern = None,
    layer: Layer = None,
    gene_col: GeneColumn = None,
    skip_unknown: SkipUnknown = False,
    batch_col: Annotated[
        str | None,
        typer.Option(help="Column of obs: cells handled together.", rich_help_panel=OWN),
    ] = None,
    cell_line: Annotated[
        str | None, typer.Option(help="For those who read it.", rich_help_panel=OWN)
    ] = None,
    kind: Annotated[
        Literal["knockout", "knockdown", "activation"] | None,
        typer.Option(help="What was done to the genes; knockout.", rich_help_panel=OWN),
    ] = None,
    counts: Counts = None,
) -> None:
    """Train the expression model on the mirror's screens, or on one of your own.

    Prints how far held-out perturbations were predicted from what was measured, beside plain
    baselines. Ask the model with `knockwise express --weights`.
    """
    own = {
        "pert-col": pert_col, "control": control, "batch-col": batch_col, "cell-line": cell_line,
        "kind": kind, "counts": counts, "guide-pattern": guide_pattern, "layer": layer,
        "gene-col": gene_col, "skip-unknown": skip_unknown or None,
    }  # fmt: skip
    if h5ad is None:
        if given := [name for name, value in own.items() if value is not None]:
            raise QuestionError(f"--{given[0]} describes a file; name it with --h5ad.")
    elif pert_col is None or not control:
        raise QuestionError("With --h5ad, name --pert-col and the --control label in it.")
    elif context and len(context) > 1:
        raise QuestionError("A screen is one context; name --context once.")
    from app.show.progress import progress_bar
    from app.show.terminal import progress
    from models.threads import yield_cores

    yield_cores()
    from models.expression.training import SHIPPED_CONTEXTS, UserScreen, train, train_file

    with progress_bar() as told:
        if h5ad is None or pert_col is None or not control:
            errors = train(data, out, told, context or SHIPPED_CONTEXTS, seed)
        else:
            screen = UserScreen(
                path=h5ad,
                perturbation=pert_col,
                control=tuple(control),
                layer=layer,
                genes=gene_col,
                guide_pattern=guide_pattern,
                skip_unknown=skip_unknown,
                batch=batch_col,
                name=context[0] if context else None,
                cell_line=cell_line or "",
                kind=kind or "knockout",
                counts=counts,
            )
            errors = train_file(screen, data, out, told, seed)
    _show_errors(errors)
    progress().print(f"Ask it with `knockwise express --model {out}`.", soft_wrap=True)


app.command(cls=Careful, epilog=train_genen.EPILOG)(train_genen.genen)
app.command(cls=Careful, epilog=train_genepheno.EPILOG)(train_genepheno.genepheno)
app.command(cls=Careful, epilog=train_morphology.EPILOG)(train_morphology.morphology)
app.command(cls=Careful, epilog=train_programmes.EPILOG)(train_programmes.programmes)
app.command(cls=Careful, epilog=train_drugs.EPILOG)(train_drugs.drugs)
app.command(cls=Careful, epilog=train_language.EPILOG)(train_language.language)


def _show_errors(errors: list[dict[str, Any]]) -> None:
    """Print how far held-out perturbations were from what was measured, beside baselines."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from app.show.terminal import results

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("Context", "Held out", "Model", "Baselines"):
        table.add_column(name, overflow="fold")
    for one in errors:
        (_, model), *rivals = one["mean_l2"].items()
        table.add_row(
            one["context"],
            f"{one['perturbations']:,} {one['task']}",
            f"{model:.3f}",
            ", ".join(f"{name} {value:.3f}" for name, value in rivals),
        )
    results().print("Mean distance (L2) of held-out perturbations from what was measured:")
    results().print(table)
