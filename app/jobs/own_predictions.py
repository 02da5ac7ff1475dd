"""Options of a table of one's own predictions; the same in every evaluation that takes one."""

from typing import Annotated

import typer

PANEL = "Your own predictions"
Coverage = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="Refuse where a smaller share is answered.", rich_help_panel=PANEL
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Refuse a table with anything amiss in it.", rich_help_panel=PANEL
    ),
]
