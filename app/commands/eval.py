"""`knockwise eval`: how good the predictions are, on published benchmarks, with controls."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.commands import (
    eval_fused,
    eval_genen,
    eval_genepheno,
    eval_genes,
    eval_mechanism,
    eval_programmes,
    eval_regulators,
    eval_sams,
)
from app.jobs.outputs import Careful
from app.jobs.own_screen import PANEL as OWN
from app.jobs.own_screen import Controls, GeneColumn, GuidePattern, Layer, SkipUnknown
from knowledge.errors import KnockwiseError
from knowledge.plugins import plugins

app = typer.Typer(
    add_completion=False,
    help="Score the predictions on a benchmark.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Data = Annotated[Path, typer.Option(help="Folder that holds perturbqa/, knowledge/ and networks/.")]
Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again goes on in it.")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
LANGUAGE = "With --reasoner llm"
GEARS = "A published opponent"


@app.callback()
def main() -> None:
    """Score the predictions on a benchmark."""


@app.command(
    cls=Careful,
    epilog="Example: knockwise eval perturbqa --data ../shared/data --setting multi --out multi",
)
def perturbqa(
    data: Data,
    out: Out,
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
    seed: Seed = 0,
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
    reasoner: Annotated[
        Literal["evidence", "llm"],
        typer.Option(help="Train and score the response model, or ask a language model."),
    ] = "evidence",
    strategy: Annotated[
        str | None, typer.Option(help="How the model is asked.", rich_help_panel=LANGUAGE)
    ] = None,
    split: Annotated[
        Literal["train", "test"] | None,
        typer.Option(help="Rows to ask about; train by default.", rich_help_panel=LANGUAGE),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="How many rows.", rich_help_panel=LANGUAGE)
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Rows asked at a time.", rich_help_panel=LANGUAGE)
    ] = None,
    engine: Annotated[
        Literal["local", "ray"] | None,
        typer.Option(help="Where the rows are worked on.", rich_help_panel=LANGUAGE),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="OpenAI-compatible address.", rich_help_panel=LANGUAGE)
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model's id there.", rich_help_panel=LANGUAGE)
    ] = None,
    fit: Annotated[
        bool,
        typer.Option("--fit", help="Keep the stacker fitted here.", rich_help_panel=LANGUAGE),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Ask again where nothing usable came back.",
            rich_help_panel=LANGUAGE,
        ),
    ] = False,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Replay kept replies only.", rich_help_panel=LANGUAGE),
    ] = False,
) -> None:
    """Train, predict and score everything in one setting of PerturbQA, with controls.

    Writes predictions for every official test row, metrics, and a scoreboard with plots. Ctrl-C
    loses at most the fold at work: run the same command again to go on. A finished run is only
    rendered anew.
    """
    from models.inputs.screens import CELL_LINES

    lines = _cell_lines(cell_line or CELL_LINES)
    asked = {
        "strategy": strategy, "split": split, "limit": limit, "concurrency": concurrency,
        "engine": engine, "base_url": base_url, "model": model, "fit": fit or None,
        "retry_failed": retry_failed or None, "offline": offline or None,
    }  # fmt: skip
    given = {name: value for name, value in asked.items() if value is not None}
    if reasoner == "llm":
        _ask_language_model(
            dict(data=data, out=out, setting=setting, cell_lines=lines, seed=seed, **given)
        )
    elif given:
        option = next(iter(given)).replace("_", "-")
        raise KnockwiseError(f"--{option} is about a language model; add --reasoner llm.")
    else:
        _score_response_model(data, out, setting, lines, seed, folds, threads, ablation=ablation)


@app.command(
    cls=Careful, epilog="Example: knockwise eval genesets --data ../shared/data --out sets"
)
def genesets(data: Data, out: Out, seed: Seed = 0) -> None:
    """Score the gene-set tasks: what happens to a cluster of genes, and what a cluster is."""
    from app.show.progress import progress_bar
    from app.show.terminal import results
    from models.threads import yield_cores

    yield_cores()
    from evals.genesets.run import as_markdown, run

    with progress_bar() as told:
        metrics = run(data, out, seed, told)
    results().print(as_markdown(metrics), soft_wrap=True)


@app.command("app", cls=Careful, hidden=True)
@app.command(
    "expression",
    cls=Careful,
    epilog="Example: knockwise eval expression --data ../shared/data --out app. Your own screen: "
    "knockwise eval expression --data ../shared/data --out mine --h5ad FILE --pert-col gene "
    "--control non-targeting",
)
def expression(
    data: Data,
    out: Out,
    context: Annotated[
        list[str] | None,
        typer.Option(help="Screen of the mirror to score; repeat for several, all by default."),
    ] = None,
    h5ad: Annotated[
        Path | None, typer.Option(help="Your own screen, scored instead.", rich_help_panel=OWN)
    ] = None,
    pert_col: Annotated[
        str | None, typer.Option(help="Column of the perturbed genes.", rich_help_panel=OWN)
    ] = None,
    control: Controls = None,
    guide_pattern: GuidePattern = None,
    layer: Layer = None,
    gene_col: GeneColumn = None,
    skip_unknown: SkipUnknown = False,
    batch_col: Annotated[
        str | None, typer.Option(help="Column of the batch, if any.", rich_help_panel=OWN)
    ] = None,
    counts: Annotated[
        bool | None,
        typer.Option(
            "--counts/--logs",
            help="Whether the file holds raw counts; by its values if left out.",
            rich_help_panel=OWN,
        ),
    ] = None,
    seed: Seed = 0,
    folds: Annotated[int, typer.Option(min=2, help="Folds over perturbations.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the networks.")] = 2,
    neural: Annotated[
        bool, typer.Option("--neural/--no-neural", help="Train networks, and their ablations.")
    ] = True,
    gears: Annotated[
        Path | None,
        typer.Option(
            help="Python in which cell-gears is installed: GEARS joins the baselines.",
            rich_help_panel=GEARS,
        ),
    ] = None,
    gears_epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Epochs of its training; 20 by default.", rich_help_panel=GEARS),
    ] = None,
) -> None:
    """Score predicted expression responses beside additive, linear and other baselines.

    Single genes and doubles are held out of each screen. Ctrl-C loses at most the fold at work:
    run the same command again to go on. A finished run is only rendered anew.
    """
    from app.show.progress import progress_bar
    from app.show.terminal import results
    from models.threads import yield_cores

    yield_cores()
    from evals.expression.gears import EPOCHS
    from evals.expression.page import summary
    from evals.expression.run import ExpressionEval, GearsSettings, evaluate
    from models.expression.mirror import CONTEXTS
    from models.expression.training import UserScreen

    own = None
    if h5ad is not None:
        if pert_col is None or not control:
            raise KnockwiseError("--h5ad also needs --pert-col and --control.")
        own = UserScreen(
            path=h5ad,
            perturbation=pert_col,
            control=tuple(control),
            batch=batch_col,
            counts=counts,
            layer=layer,
            genes=gene_col,
            guide_pattern=guide_pattern,
            skip_unknown=skip_unknown,
        )
    elif pert_col or control or batch_col or guide_pattern or layer or gene_col or skip_unknown:
        raise KnockwiseError(
            "--pert-col, --control, --batch-col and the other options of a screen are about a "
            "file; add --h5ad."
        )
    opponent = None
    if gears is not None:
        opponent = GearsSettings(python=gears, epochs=gears_epochs or EPOCHS)
    elif gears_epochs is not None:
        raise KnockwiseError("--gears-epochs is about GEARS; add --gears.")
    run = ExpressionEval(
        contexts=tuple(context or (() if own else CONTEXTS)),
        own=own,
        seed=seed,
        folds=folds,
        neural=neural,
        gears=opponent,
    )
    with progress_bar() as told:
        metrics = evaluate(data, out, run, threads, told)
    results().print(summary(metrics), soft_wrap=True)
    typer.echo(out / "scoreboard.md")


app.command(cls=Careful, epilog=eval_fused.EPILOG)(eval_fused.fused)
app.command(cls=Careful, epilog=eval_genen.EPILOG)(eval_genen.genen)
app.command(cls=Careful, epilog=eval_genes.EPILOG)(eval_genes.genes)
app.command(cls=Careful, epilog=eval_genepheno.EPILOG)(eval_genepheno.genepheno)
app.command(cls=Careful, epilog=eval_mechanism.EPILOG)(eval_mechanism.mechanism)
app.command(cls=Careful, epilog=eval_programmes.EPILOG)(eval_programmes.programmes)
app.command(cls=Careful, epilog=eval_regulators.EPILOG)(eval_regulators.regulators)
app.command(cls=Careful, epilog=eval_sams.EPILOG)(eval_sams.sams)
for _name, _benchmark in plugins("benchmarks"):
    app.command(_name, cls=Careful)(_benchmark)


def _score_response_model(
    data: Path,
    out: Path,
    setting: Literal["multi", "strict", "extended"],
    lines: tuple[str, ...],
    seed: int,
    folds: int | None,
    threads: int,
    *,
    ablation: bool | None,
) -> None:
    from app.show.progress import progress_bar
    from app.show.terminal import results
    from models.threads import yield_cores

    yield_cores()
    from evals.perturbqa.render import render
    from evals.perturbqa.report import summary
    from evals.perturbqa.run import FOLDS, EvalSettings, evaluate

    run = EvalSettings(
        setting=setting,
        cell_lines=lines,
        seed=seed,
        folds=folds or FOLDS[setting],
        ablation=setting != "strict" if ablation is None else ablation,
    )
    with progress_bar() as told:
        metrics = evaluate(data, out, run, threads, told)
        told("rendering", 1.0)
        written = render(metrics, out)
    results().print(summary(metrics), soft_wrap=True)
    for path in (*written, out / "predictions.parquet"):
        typer.echo(path)


def _ask_language_model(options: dict[str, object]) -> None:
    from app.show.progress import progress_bar
    from app.show.terminal import results, settings
    from evals.language.run import LanguageRun, run_batch

    run = LanguageRun(settings=settings(), **options)  # type: ignore[arg-type]  # typer checked them
    with progress_bar() as told:
        done = run_batch(run, told)
    results().print(done.markdown, soft_wrap=True)


def _cell_lines(words: "list[str] | tuple[str, ...]") -> tuple[str, ...]:
    """Return the lines in the order of the benchmark, whatever their case.

    Raises:
        KnockwiseError: The benchmark has no such line.
    """
    from models.inputs.screens import CELL_LINES

    wanted = {word.casefold(): word for word in words}
    known = {line.casefold(): line for line in CELL_LINES}
    for word in wanted.keys() - known.keys():
        raise KnockwiseError(
            f"PerturbQA has no screen of {wanted[word]}; choose among {', '.join(CELL_LINES)}."
        )
    return tuple(line for folded, line in known.items() if folded in wanted)
