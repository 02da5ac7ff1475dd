"""`knockwise eval retrieval`: whether the text index finds what answers a question."""

from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Example: knockwise eval retrieval --data ../shared/data --out found --texts 3000"


def retrieval(
    data: Annotated[Path, typer.Option(help="Folder that holds textbook/.")],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    texts: Annotated[
        int | None,
        typer.Option(min=1, help="Texts that are indexed: the answers and others; all by default."),
    ] = None,
    each: Annotated[
        int, typer.Option(min=1, help="Genes, and terms of each set, that are asked for.")
    ] = 200,
    encoders: Annotated[
        bool, typer.Option("--encoders", help="Compare the encoder with quantised ones too.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
) -> None:
    """Score the text index: questions in words, and the texts that answer them.

    Ctrl-C loses at most the unit at work: run the same command again to go on.
    """
    from app.jobs.evaluation import evaluated
    from app.show.terminal import settings
    from models.threads import yield_cores

    yield_cores()
    from evals.retrieval.page import summary
    from evals.retrieval.run import RetrievalEval, evaluate

    run = RetrievalEval(texts=texts, each=each, encoders=encoders, seed=seed)
    own = settings()
    evaluated(out, lambda told: evaluate(data, out, run, own, told), summary)
