"""`knockwise eval genen`: how well gene properties are predicted from texts and graphs."""

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from knowledge.errors import KnockwiseError

Name = TypeVar("Name", bound=str)
EPILOG = "Example: knockwise eval genen --data ../shared/data --out genen"


def genen(
    data: Annotated[
        Path, typer.Option(help="Data folder or mirror: labels, texts, interactions and terms.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; the same command again goes on in it.")
    ],
    task: Annotated[
        list[str] | None,
        typer.Option(help="Property to score; repeat for several, all eight by default."),
    ] = None,
    graph: Annotated[
        list[str] | None,
        typer.Option(help="ppi, go or go+ppi; repeat for several, all by default."),
    ] = None,
    mask: Annotated[
        list[float] | None,
        typer.Option(
            min=0, max=1, help="Share of texts to hide; repeat. 0.25, 0.5 and 0.75 by default."
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Encoder of the texts, a name or a folder; the default one if left out."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps encoded texts; cache/genen of the data by default."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    folds: Annotated[int, typer.Option(min=2, help="Folds over genes.")] = 5,
    jobs: Annotated[
        int, typer.Option(min=1, help="Processes that share the work, about 2 GB each.")
    ] = 2,
    neural: Annotated[bool, typer.Option("--neural/--no-neural", help="Train networks.")] = True,
) -> None:
    """Score predictions of eight gene properties by graph, with texts hidden and by study bias.

    Plain baselines, graph networks and ours are cross-validated on the same genes, with and without
    GO's cellular components. Ctrl-C loses at most the predictor at work: run the same command again
    to go on. A finished run is only rendered anew.
    """
    from app.jobs.evaluation import evaluated
    from models.threads import yield_cores

    yield_cores()
    from evals.genen.page import summary
    from evals.genen.run import evaluate
    from evals.genen.units import GenenEval
    from knowledge.texts.encoder import DEFAULT_ENCODER, load_encoder
    from models.genen.graphs import GRAPH_KINDS
    from models.genen.labels import TASKS
    from models.genen.texts import MASKED

    run = GenenEval(
        tasks=_chosen("task", task, TASKS),
        graphs=_chosen("graph", graph, GRAPH_KINDS),
        seed=seed,
        folds=folds,
        shares=tuple(sorted({0.0, *(MASKED if mask is None else mask)})),
        neural=neural,
    )
    chosen = load_encoder(encoder or DEFAULT_ENCODER)
    kept = cache or data / "cache" / "genen"
    evaluated(out, lambda told: evaluate(data, out, run, chosen, kept, jobs, told), summary)


def _chosen(what: str, words: list[str] | None, known: tuple[Name, ...]) -> tuple[Name, ...]:
    """Return the known names that were asked for in their own order, all where none was.

    Raises:
        KnockwiseError: One is unknown.
    """
    if unknown := [word for word in words or () if word not in known]:
        raise KnockwiseError(f"There is no {what} {unknown[0]}; choose among {', '.join(known)}.")
    return tuple(name for name in known if not words or name in words)
