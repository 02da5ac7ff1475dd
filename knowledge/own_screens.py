"""Screens of one's own: measured rows kept in the data folder, to be added, listed and removed.

`screens/NAME/` holds `screen.json`, which says what it is, and `rows.parquet`: a row a perturbation
and readout that was tested, with effect, adjusted p-value and outcome. Nothing else reads them than
a session of this data folder; no training, no benchmark.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from knowledge.errors import DataError, QuestionError
from knowledge.files import replacing_folder
from knowledge.schema import Frozen, PerturbationKind

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = 1
ABOUT, ROWS = "screen.json", "rows.parquet"
OUTCOMES = ("unchanged", "down", "up")
_NAME = re.compile(r"[\w][\w.-]{0,59}")


class OwnScreen(Frozen):
    """What a screen of one's own is.

    Attributes:
        name: What its owner calls it.
        cell_line: Where it was measured.
        kind: How genes were perturbed.
        private: Whether it stays out of reports, pages and whatever leaves this machine.
        source: The file that it was read from.
        method: How changes were told.
        perturbations: Genes perturbed, one at a time.
        readouts: Genes read.
        rows: Pairs that were tested.
        changed: Those of them that changed.
        cells: Cells behind it; None for a table.
        digest: Of its rows.
        added: When, in UTC.
    """

    name: str
    cell_line: str
    kind: PerturbationKind = "knockdown"
    private: bool = False
    source: str = ""
    method: str = ""
    perturbations: int
    readouts: int
    rows: int
    changed: int
    cells: int | None = None
    digest: str = ""
    added: str = ""


def screens_dir(data: Path) -> Path:
    """Return where screens of one's own lie in a data folder."""
    return data / "screens"


def own_screens(data: Path) -> tuple[OwnScreen, ...]:
    """Return the screens of a data folder by name; none where there is no folder.

    Raises:
        DataError: One is damaged.
    """
    return tuple(_about(path) for path in sorted(screens_dir(data).glob(f"*/{ABOUT}")))


def check_name(name: str) -> str:
    """Return a name that a folder can have.

    Raises:
        QuestionError: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise QuestionError(
            f"{name[:60]!r} cannot name a screen; use letters, digits, hyphens and dots."
        )
    return name


def save_screen(
    data: Path, screen: OwnScreen, rows: "pa.Table", *, replace: bool = False
) -> OwnScreen:
    """Keep a screen, whole or not at all, and return it with its digest.

    Args:
        data: The data folder.
        screen: What it is.
        rows: Columns perturbation, gene, effect, padj, outcome (`OUTCOMES` by number).
        replace: Whether one of this name gives way.

    Raises:
        QuestionError: There is one of this name.
    """
    import pyarrow.parquet as pq

    folder = screens_dir(data) / check_name(screen.name)
    if folder.exists() and not replace:
        raise QuestionError(
            f"There is a screen {screen.name} already; give --replace, or another --name."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(folder) as draft:
        pq.write_table(rows, draft / ROWS, compression="zstd")
        kept = screen.model_copy(update={"digest": _digest(draft / ROWS)})
        record = {"schema": SCHEMA, **kept.model_dump(mode="json")}
        (draft / ABOUT).write_text(json.dumps(record, indent=1), encoding="utf-8")
    return kept


def read_rows(data: Path, screen: OwnScreen) -> "pa.Table":
    """Return the rows of a screen.

    Raises:
        DataError: They are damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = screens_dir(data) / screen.name / ROWS
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path.parent) from error


def remove_screen(data: Path, name: str) -> None:
    """Remove a screen for good.

    Raises:
        QuestionError: There is none of this name.
    """
    (found,) = named(own_screens(data), [name])
    shutil.rmtree(screens_dir(data) / found.name)


def named(screens: Sequence[OwnScreen], names: Sequence[str]) -> tuple[OwnScreen, ...]:
    """Return the screens of these names, whatever their case.

    Raises:
        QuestionError: There is none of a name; the sentence tells those there are.
    """
    at = {one.name.casefold(): one for one in screens}
    unknown = [name for name in names if name.casefold() not in at]
    if unknown:
        there = ", ".join(one.name for one in screens) or "none"
        raise QuestionError(f"There is no screen {unknown[0][:60]}; there are: {there}.")
    return tuple(at[name.casefold()] for name in names)


def _about(path: Path) -> OwnScreen:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        schema: Literal[1] | None = record.pop("schema", None)
        if schema != SCHEMA:
            raise ValueError
        return OwnScreen.model_validate(record)
    except (OSError, ValueError) as error:
        raise _damaged(path.parent) from error


def _damaged(folder: Path) -> DataError:
    return DataError(
        f"{folder} is damaged, or of another version; add the screen again with --replace."
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
