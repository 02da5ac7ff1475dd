"""The official test rows of PerturbQA.

Test labels are read here alone, for the final table. Those of HepG2 and Jurkat are withheld: such a
row has no label, which is not the label 0.
"""

from pathlib import Path

import pandas as pd

from evals.tasks import TaskName
from knowledge.errors import DataError
from knowledge.symbols import SymbolTable
from models.inputs.screens import approve


def official_rows(root: Path, cell_line: str, task: TaskName, symbols: SymbolTable) -> pd.DataFrame:
    """Return the test rows of a line: `pert`, `gene` (approved symbols), `label`.

    Args:
        root: Folder in the mirror's layout.
        cell_line: One of the four lines.
        task: `de` or `dir`.
        symbols: Maps outdated symbols to approved ones.

    Returns:
        Rows in the order of the file; `label` is nan where it is withheld.

    Raises:
        DataError: The file is missing, or holds a label that is neither 0, 1 nor empty.
    """
    table = _read(root, cell_line, task)
    table = table[table.split == "test"].drop(columns="split").reset_index(drop=True)
    table["label"] = pd.to_numeric(table.label)
    approved = {word: approve(word, symbols) for word in {*table.pert, *table.gene}}
    table["pert"], table["gene"] = table.pert.map(approved), table.gene.map(approved)
    return table


def _read(root: Path, cell_line: str, task: TaskName) -> pd.DataFrame:
    path = root / "perturbqa" / f"{cell_line.lower()}-{task}.csv"
    try:
        table = pd.read_csv(path, keep_default_na=False, dtype=str)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run `knockwise data pull`.") from None
    if odd := set(table.label) - {"0", "1", ""}:
        raise DataError(f"{path} holds the label {sorted(odd)[0]!r}; it must be 0, 1 or empty.")
    return table
