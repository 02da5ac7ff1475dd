"""The rows of PerturbQA, training and official test.

Test labels are read here alone, for the final table. Those of HepG2 and Jurkat are withheld: such a
row has no label, which is not the label 0.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from evals.tasks import TASKS, TaskName
from knowledge.errors import DataError
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.symbols import SymbolTable
from models.inputs.screens import CELL_LINES, UNKNOWN, approve, read_training

KEYS = ["cell_line", "pert", "gene", "task"]
"""What tells a row from others."""
TESTED = ("K562", "RPE1")
"""Lines whose official test labels are published."""
PAIR = ["cell_line", "pert", "gene"]


def read_rows(data: Path, split: str, cell_lines: tuple[str, ...]) -> pd.DataFrame:
    """Return every row of a split: the columns `KEYS` and `label`, NaN where it is withheld.

    Raises:
        DataError: A label file is missing.
    """
    root = sources_root(data)
    symbols = read_symbols(root)
    if split == "test":
        parts = [
            official_rows(root, line, task, symbols).assign(cell_line=line, task=task)
            for line in cell_lines
            for task in TASKS
        ]
        table = pd.concat(parts, ignore_index=True)
    else:
        screens = read_training(root, symbols)
        rows = screens.rows
        every = pd.DataFrame(
            {
                "cell_line": np.array(CELL_LINES)[rows.line],
                "pert": np.array(screens.perturbations)[rows.pert],
                "gene": np.array(screens.readouts)[rows.readout],
            }
        )
        directed = rows.up != UNKNOWN
        table = pd.concat(
            [
                every.assign(task="de", label=rows.de),
                every[directed].assign(task="dir", label=rows.up[directed]),
            ],
            ignore_index=True,
        )
        table = table[table.cell_line.isin(cell_lines)]
    table["label"] = table["label"].astype(np.float64)
    return table[[*KEYS, "label"]].drop_duplicates(KEYS).sort_values(KEYS, ignore_index=True)


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


def measured_pairs(data: Path, cell_lines: tuple[str, ...] = CELL_LINES) -> pd.DataFrame:
    """Return every labelled pair: `PAIR`, `split`, `de` (0, 1) and `is_up` (0, 1, NaN unchanged).

    Raises:
        DataError: A label file is missing.
    """
    tested = tuple(line for line in cell_lines if line in TESTED)
    rows = pd.concat(
        [
            read_rows(data, "train", cell_lines).assign(split="train"),
            *([read_rows(data, "test", tested).assign(split="test")] if tested else []),
        ],
        ignore_index=True,
    )
    keys = [*PAIR, "split"]
    de = rows[rows.task == "de"].rename(columns={"label": "de"})
    way = rows[rows.task == "dir"].rename(columns={"label": "is_up"})
    table = de[[*keys, "de"]].merge(way[[*keys, "is_up"]], on=keys, how="left")
    return table[table.pert != table.gene].sort_values(keys, ignore_index=True)
