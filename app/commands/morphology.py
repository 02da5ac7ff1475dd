"""`knockwise morphology`: which compartments of a cell look different without a gene."""

from pathlib import Path
from typing import Annotated

import typer

SCHEMA = "knockwise/morphology/1"


def morphology(
    gene: Annotated[str, typer.Argument(help="A human gene.")],
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Folder that `knockwise train morphology` wrote; the shipped model by default."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON and nothing else.")
    ] = False,
) -> None:
    """Say which compartments of HeLa cells look different without a gene.

    What the genome-wide screen PERISCOPE measured comes first; apart from it what is predicted
    from other genes alone.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from app.jobs.pairs import ground_gene
    from app.show.terminal import plain, print_json, progress, results, settings
    from models.inputs.genes import gene_symbols
    from models.morphology.model import MorphologyModel
    from tools.morphology import SHOWS, remarks, summary

    with progress().status("Reading what was learnt ..."):
        model = MorphologyModel.load(weights)
        symbol = ground_gene(gene_symbols(settings().data, model.genes), gene)
        found = model.of(symbol)
    if gene.strip().upper() != symbol.upper():
        progress().print(f"{plain(gene)} is read as {symbol}.", style="yellow", markup=False)
    if as_json:
        told = found.model_dump(mode="json")
        print_json(
            {"schema": SCHEMA, **told, "notes": list(remarks(found)), "model": model.version}
        )
        return
    out = results()
    out.print(Text(plain(summary(found)), style="bold"))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("Channel", "Shows", "Measured", "Features", "Predicted P", "All hits"):
        table.add_column(title, justify="right" if title in ("Predicted P", "All hits") else "left")
    measured = {one.channel: one for one in found.measured}
    predicted = {one.channel: one for one in found.predicted}
    for channel in model.config.channels:
        seen, guess = measured.get(channel), predicted.get(channel)
        table.add_row(
            channel,
            SHOWS[channel],
            "not measured" if seen is None else "altered" if seen.altered else "not altered",
            "" if seen is None else f"{seen.features} of {seen.threshold} needed",
            "" if guess is None else f"{guess.probability:.2f}",
            "" if guess is None else f"{guess.usual:.2f}",
        )
    out.print(table)
    near = ", ".join(f"{one.gene} ({', '.join(one.altered) or 'none'})" for one in found.related)
    if near:
        out.print(Text(plain(f"Most alike hits, and what they alter: {near}.")))
    for note in remarks(found):
        out.print(Text(plain(note), style="dim"))
