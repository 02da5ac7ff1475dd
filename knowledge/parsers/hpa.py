"""Reads the Human Protein Atlas' RNA levels of unperturbed cell lines."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from knowledge.parsers.table import header_of, malformed, read_table

_UNITS = ("nTPM", "NX", "TPM")  # whichever the release has, the best first


class LineExpression(NamedTuple):
    """One gene's level in each cell line, in the file's own unit (NX, nTPM or TPM)."""

    ensembl_id: str
    symbol: str
    levels: Mapping[str, float]


def read_hpa_cell_lines(path: Path) -> Iterator[LineExpression]:
    """Yield one record per gene, from the long upstream layout or one column per cell line.

    Raises:
        DataError: A line is malformed; names file and line.
    """
    header = header_of(path)
    yield from _long(path, header) if "Cell line" in header else _wide(path, header)


def _wide(path: Path, header: tuple[str, ...]) -> Iterator[LineExpression]:
    if len(header) < 3 or not header[0].startswith("Gene"):
        raise malformed(path, 1, "GeneID, symbol and one column per cell line")
    for line, (gene, symbol, *values) in read_table(path, header):
        levels = {
            name: _number(path, line, value)
            for name, value in zip(header[2:], values, strict=True)
            if value
        }
        yield LineExpression(gene, symbol, levels)


def _long(path: Path, header: tuple[str, ...]) -> Iterator[LineExpression]:
    unit = next((name for name in _UNITS if name in header), _UNITS[0])
    levels: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for line, (gene, symbol, cell_line, value) in read_table(
        path, ("Gene", "Gene name", "Cell line", unit)
    ):
        levels[gene, symbol][cell_line] = _number(path, line, value)
    for (gene, symbol), by_line in levels.items():
        yield LineExpression(gene, symbol, by_line)


def _number(path: Path, line: int, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise malformed(path, line, f"an expression level, found {text!r}") from None
