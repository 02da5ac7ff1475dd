"""How strongly an unperturbed cell line expresses a gene (Human Protein Atlas RNA)."""

from collections.abc import Mapping

# The Human Protein Atlas' own cut-off: a gene is expressed from 1 TPM (or NX) on.
EXPRESSED_LOG2 = 1.0


class BaselineExpression:
    """Expression of each gene in each cell line, where it was measured.

    Args:
        values: Cell line name -> approved symbol -> log2(x + 1), x in TPM or NX.
        unit: What x is, for display.
    """

    def __init__(self, values: Mapping[str, Mapping[str, float]], unit: str = "NX") -> None:
        self._values = values
        self.unit = unit

    @property
    def cell_lines(self) -> tuple[str, ...]:
        """Return the names of the measured lines."""
        return tuple(self._values)

    def value(self, symbol: str, cell_line: str) -> float | None:
        """Return log2(x + 1) of `symbol` in `cell_line`, or None if it was not measured."""
        return self._values.get(cell_line, {}).get(symbol)

    def expressed(self, symbol: str, cell_line: str) -> bool | None:
        """Return whether `symbol` reaches 1 TPM (NX) in `cell_line`, or None if not measured."""
        value = self.value(symbol, cell_line)
        return None if value is None else value >= EXPRESSED_LOG2
