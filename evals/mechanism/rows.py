"""The measured pairs that mechanisms are scored on, and the response model's held-out answers."""

from pathlib import Path

import numpy as np
import pandas as pd

from evals.rows import read_rows
from models.checkpoint import read_checkpoint
from models.inputs.screens import CELL_LINES
from models.response.checkpoint import FORMAT, SHIPPED

TESTED = ("K562", "RPE1")
"""Lines whose official test labels are published."""
PAIR = ["cell_line", "pert", "gene"]


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


def held_out_answers(weights: Path = SHIPPED) -> pd.DataFrame:
    """Return `PAIR` and `p_de`, `p_up` of every training row, by trees that never saw its fold.

    Raises:
        DataError: The weights are incomplete.
    """
    stored = read_checkpoint(weights, FORMAT)
    arrays, names = stored.arrays, np.array(stored.names["genes"])
    size = arrays["block_size"].astype(np.int64)
    line = np.repeat(arrays["block_line"].astype(np.int64), size)
    pert = np.repeat(arrays["block_pert"].astype(np.int64), size)
    scores = arrays["held_out"].astype(np.float64)
    found = {}
    for name, score in zip(("de", "up"), scores, strict=True):
        calibration = stored.config.calibration[name]
        p = np.full(len(score), np.nan)
        for number in range(len(stored.config.cell_lines)):
            here = (line == number) & np.isfinite(score)
            p[here] = calibration.probability(score[here], number)
        found[f"p_{name}"] = p
    return pd.DataFrame(
        {
            "cell_line": np.array(stored.config.cell_lines)[line],
            "pert": names[arrays["perturbations"].astype(np.int64)[pert]],
            "gene": names[arrays["readouts"].astype(np.int64)[arrays["row_readout"]]],
            **found,
        }
    )
