"""`knockwise eval language`: how good a language model is on PerturbQA, and what it costs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from knowledge.errors import QuestionError

if TYPE_CHECKING:
    from evals.language.run import LanguageRun

EPILOG = (
    "Example: knockwise eval language --data ../shared/data --strategy knockwise --limit 400 "
    "--out llm"
)


def language(
    data: Annotated[Path, typer.Option(help="Folder that holds perturbqa/ and knowledge/.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the run; the same command again goes on in it.", show_default=False
        ),
    ] = None,
    strategy: Annotated[str, typer.Option(help="How the model is asked.")] = "knockwise",
    split: Annotated[
        Literal["train", "test"], typer.Option(help="Rows to ask about; test for the final table.")
    ] = "train",
    cell_line: Annotated[
        list[str] | None,
        typer.Option(help="Line to ask about; repeat, all by default."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="How many rows, drawn in strata; all by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample and of the folds.")] = 0,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, help="Rows asked at a time; by the settings."),
    ] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Where the rows are worked on.")
    ] = "local",
    base_url: Annotated[str, typer.Option(help="OpenAI-compatible address.")] = "",
    model: Annotated[str, typer.Option(help="The model's id there.")] = "",
    fit: Annotated[
        bool, typer.Option("--fit", help="Keep the stacker fitted here, for `ask`.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask again where nothing usable came back.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Replay kept replies only.")] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what the batch costs; nobody is asked.")
    ] = False,
    tokenizer: Annotated[
        Path | None,
        typer.Option(help="With --plan: the model's folder, to count with; else estimated."),
    ] = None,
    read_rate: Annotated[
        float, typer.Option(min=0, help="With --plan: prompt tokens a second of the server.")
    ] = 0.0,
    write_rate: Annotated[
        float, typer.Option(min=0, help="With --plan: tokens a second that it writes.")
    ] = 0.0,
    setting: Annotated[Literal["multi", "strict", "extended"], typer.Option(hidden=True)] = "multi",
) -> None:
    """Ask a language model about rows of PerturbQA, beside the response model and fused with it.

    Every row is asked once and its answer kept. Ctrl-C loses at most the rows at work: run the same
    command again to go on. What a batch costs is told beforehand by --plan.
    """
    from app.commands.eval_perturbqa import cell_lines
    from app.jobs.evaluation import evaluated
    from app.show.terminal import settings
    from evals.language.page import summary
    from evals.language.run import LanguageRun, run_batch

    if out is None and not plan:
        raise QuestionError("A run needs a folder; name one with --out, or see its cost by --plan.")
    if bool(read_rate) != bool(write_rate):
        raise QuestionError("The time needs both rates; give --read-rate and --write-rate.")
    run = LanguageRun(
        data=data,
        out=out or Path(),
        settings=settings(),
        strategy=strategy,
        split=split,
        setting=setting,
        cell_lines=cell_lines(cell_line),
        limit=limit,
        engine=engine,
        seed=seed,
        concurrency=concurrency,
        base_url=base_url,
        model=model,
        fit=fit,
        retry_failed=retry_failed,
        offline=offline,
    )
    if plan:
        _tell(run, tokenizer, read_rate, write_rate)
        return
    evaluated(run.out, lambda told: run_batch(run, told).results, summary, "predictions.parquet")


def _tell(run: "LanguageRun", tokenizer: Path | None, read_rate: float, write_rate: float) -> None:
    """Print what a batch would cost."""
    from app.show.progress import progress_bar
    from app.show.terminal import progress, results
    from evals.language.plan import plan, told

    with progress_bar() as bar:
        found = plan(run, bar, tokenizer=tokenizer, read_rate=read_rate, write_rate=write_rate)
    results().print(told(found).markdown(), soft_wrap=True)
    counted = "counted with its tokenizer" if tokenizer else "estimated from characters"
    progress().print(
        f"{found.strategy}: prompts of {found.counted:,} questions were made, tokens {counted}.",
        soft_wrap=True,
    )
