"""`knockwise eval pairs`: whether a language model of one's own adds to the evidence."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again goes on in it.")]
EPILOG = (
    "Example: knockwise eval pairs --data ../shared/data --base-url http://localhost:8000/v1 "
    "--out pairs. Kept replies, without a server: knockwise eval pairs --replies "
    "evals/results/pairs-smollm2-135m-instruct.parquet --out again"
)


def pairs(
    data: Annotated[Path, typer.Option(help="Folder that holds perturbqa/ and knowledge/.")],
    out: Out,
    base_url: Annotated[str, typer.Option(help="Address of an OpenAI-compatible server.")] = "",
    model: Annotated[str, typer.Option(help="Model id; the one that the server serves.")] = "",
    called: Annotated[str, typer.Option(help="What tables call it; its id by default.")] = "",
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            help="Way of asking; repeat to compare several. 'knockwise, reasoned' adds a turn of "
            "reasoning, 'knockwise, without siblings' leaves out a heading, 'vcworld=40' asks "
            "about the first 40 pairs only."
        ),
    ] = None,
    pairs: Annotated[int, typer.Option(min=2, help="Contrast pairs, two questions each.")] = 200,
    regulators: Annotated[
        int, typer.Option(min=0, help="Pairs of regulators that no screen perturbed, besides.")
    ] = 0,
    until: Annotated[
        float, typer.Option(min=0, max=1, help="Stop when intervals are no wider than this.")
    ] = 0.0,
    cell_line: Annotated[
        list[str] | None, typer.Option(help="Line to ask about; repeat, all four by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the pairs.")] = 0,
    replies: Annotated[
        list[Path] | None,
        typer.Option(
            help="Score the replies that a run left (kept.parquet), repeat for several runs of "
            "one model; nobody is asked."
        ),
    ] = None,
) -> None:
    """Score a language model on contrast pairs of training rows, beside the evidence.

    Two hundred pairs are four hundred questions: some 500 prompt tokens each and one token of
    answer, or more with a strategy that reasons. The printed test says whether the model orders
    pairs rightly that the evidence does not. Ctrl-C loses at most the questions at work.
    """
    import asyncio

    from app.jobs.evaluation import evaluated
    from app.show.terminal import settings
    from models.threads import yield_cores

    yield_cores()
    from agent.llm.probe import look
    from evals.language.contrast import ContrastEval, evaluate, rescore
    from evals.language.contrast_page import summary
    from models.inputs.screens import CELL_LINES

    if replies:
        evaluated(out, lambda progress: rescore(replies, out, progress, called), summary)
        return
    given = {"base_url": base_url, "model": model}
    told = settings(llm={name: value for name, value in given.items() if value})
    served = told.llm.model or asyncio.run(look(told.llm)).model
    run = ContrastEval(
        model=served,
        called=called,
        strategies=tuple(strategy or ("knockwise",)),
        pairs=pairs,
        regulators=regulators,
        until=until,
        cell_lines=tuple(cell_line or CELL_LINES),
        seed=seed,
    )
    evaluated(out, lambda progress: evaluate(data, out, run, told, progress), summary)
