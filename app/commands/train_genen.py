"""`knockwise train genen`: train the model of gene properties from pulled data."""

from pathlib import Path
from typing import Annotated, Any

import typer

EPILOG = "Example: knockwise train genen --data ../shared/data --out my-genen"


def genen(
    data: Annotated[
        Path, typer.Option(help="Data folder or mirror: labels, texts, interactions and terms.")
    ],
    out: Annotated[Path, typer.Option(help="Folder the trained model is written to.")],
    encoder: Annotated[
        str | None,
        typer.Option(help="Encoder of the texts, a name or a folder; the default one if left out."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps encoded texts; cache/genen of the data by default."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds and decompositions.")] = 0,
) -> None:
    """Train embeddings of all genes and the heads that predict eight of their properties.

    Prints how well each property of held-out genes was predicted. Texts are encoded once, minutes
    the first time; after Ctrl-C the same command goes on with those that were.
    """
    from app.show.progress import progress_bar
    from app.show.terminal import progress
    from models.threads import yield_cores

    yield_cores()
    from knowledge.texts.encoder import DEFAULT_ENCODER, load_encoder
    from models.genen.shipping import train

    chosen = load_encoder(encoder or DEFAULT_ENCODER)
    with progress_bar() as told:
        figures = train(data, out, chosen, cache or data / "cache" / "genen", told, seed)
    _show_figures(figures)
    progress().print(f"The model is in {out}.", soft_wrap=True)


def _show_figures(figures: list[dict[str, Any]]) -> None:
    """Print how well held-out genes were predicted."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from app.show.terminal import results

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("Property", "Genes", "Figure", "Held out", "95 %"):
        table.add_column(name, overflow="fold")
    for one in figures:
        low, high = one["interval"]
        table.add_row(
            one["property"],
            f"{one['genes']:,}",
            one["metric"],
            f"{one['value']:.3f}",
            f"{low:.3f} to {high:.3f}",
        )
    results().print("Properties of genes whose labels were held out:")
    results().print(table)
