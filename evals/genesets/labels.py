"""The gene-set rows of PerturbQA: does a knockdown in K562 change a set of genes, and which way?

Test labels are read by `official_rows` alone, for the final table.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from evals.tasks import TASKS, TaskName
from knowledge.errors import DataError
from knowledge.symbols import SymbolTable
from models.inputs.screens import UNKNOWN, approve

TASK_NAMES = {"de": "Set changes", "dir": "Set goes up, given that it changes"}
FILES = (
    "perturbqa/k562_set-de.csv",
    "perturbqa/k562_set-dir.csv",
    "perturbqa/k562_set-mapping.json",
)


def training_rows(root: Path, symbols: SymbolTable) -> pd.DataFrame:
    """Return the labelled training rows: `pert` (approved), `gene` (the set), `de`, `up`.

    `up` is `UNKNOWN` where the set does not change.

    Raises:
        DataError: A file is missing.
    """
    de, up = (_read(root, task, "train", symbols) for task in TASKS)
    table = de.rename(columns={"label": "de"}).merge(
        up.rename(columns={"label": "up"}), on=["pert", "gene"], how="left"
    )
    table["up"] = table.up.fillna(UNKNOWN).astype(np.int64)
    return table.drop_duplicates(["pert", "gene"], ignore_index=True)


def official_rows(root: Path, task: TaskName, symbols: SymbolTable) -> pd.DataFrame:
    """Return the test rows: `pert` (approved), `gene` (the set), `label`.

    Raises:
        DataError: A file is missing.
    """
    return _read(root, task, "test", symbols)


def hidden_perturbations(root: Path, symbols: SymbolTable) -> frozenset[str]:
    """Return the approved symbols of the test perturbations of both tasks; no label is read.

    Raises:
        DataError: A file is missing.
    """
    words: set[str] = set()
    for task in TASKS:
        table = _table(root, task, ["pert", "split"])
        words.update(table.pert[table.split == "test"])
    return frozenset(approve(word, symbols) for word in words)


def read_members(root: Path, symbols: SymbolTable) -> dict[str, tuple[str, ...]]:
    """Return set name -> approved symbols of its genes.

    Raises:
        DataError: The file is missing.
    """
    path = root / FILES[2]
    try:
        mapping = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run `knockwise data pull`.") from None
    return {
        name: tuple(approve(word, symbols) for word in words) for name, words in mapping.items()
    }


def _read(root: Path, task: TaskName, split: str, symbols: SymbolTable) -> pd.DataFrame:
    table = _table(root, task, ["pert", "gene", "label", "split"])
    table = table[table.split == split].drop(columns="split").reset_index(drop=True)
    approved = {word: approve(word, symbols) for word in set(table.pert)}
    return table.assign(pert=table.pert.map(approved), label=table.label.astype(np.int64))


def _table(root: Path, task: TaskName, columns: list[str]) -> pd.DataFrame:
    path = root / "perturbqa" / f"k562_set-{task}.csv"
    try:
        return pd.read_csv(path, usecols=columns, keep_default_na=False)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run `knockwise data pull`.") from None
