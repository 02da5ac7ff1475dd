"""Options that say how a screen of one's own is to be read; the same in every command."""

from typing import Annotated

import typer

PANEL = "A screen of your own"
Controls = Annotated[
    list[str] | None,
    typer.Option(help="Its label of unperturbed cells; repeat for several.", rich_help_panel=PANEL),
]
Counts = Annotated[
    bool | None,
    typer.Option(
        "--counts/--logs",
        help="What the values are; seen from them by default.",
        rich_help_panel=PANEL,
    ),
]
GuidePattern = Annotated[
    str | None,
    typer.Option(
        help="What of a guide's label is the gene, as a group: '^(.+)_g[0-9]+$'.",
        rich_help_panel=PANEL,
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(help="Layer that holds the values, or raw; X by default.", rich_help_panel=PANEL),
]
GeneColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of var that names the genes; var_names by default.", rich_help_panel=PANEL
    ),
]
SkipUnknown = Annotated[
    bool,
    typer.Option(
        "--skip-unknown", help="Leave out cells whose label is no gene.", rich_help_panel=PANEL
    ),
]
