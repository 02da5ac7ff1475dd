"""Options of a table of one's own predictions; the same in every evaluation that takes one."""

from pathlib import Path
from typing import Annotated

import typer

from knowledge.errors import KnockwiseError

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


def brought(
    predictions: Path | None, against: Path | None, coverage: float | None, strict: bool
) -> Path | None:
    """Return the table as a file that can be read, None where none is brought.

    Raises:
        KnockwiseError: It is no file, or options are about a table that is not there.
    """
    if predictions is not None:
        from knowledge.user_tables.file import regular_file

        return regular_file(predictions)
    if against is not None or coverage is not None or strict:
        raise KnockwiseError(
            "--against, --coverage and --strict are about your own numbers; add --predictions."
        )
    return None


def compared_with(against: Path | None, what: str, benchmark: str) -> Path:
    """Return the run that predictions are compared with.

    Raises:
        KnockwiseError: None is named.
    """
    if against is None:
        raise KnockwiseError(
            f"--predictions of {what} are compared with a finished run of `knockwise eval "
            f"{benchmark}`; name its folder as --against."
        )
    return against
