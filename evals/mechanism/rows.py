"""The response model's held-out answers."""

from pathlib import Path

import numpy as np
import pandas as pd

from evals.rows import PAIR as PAIR
from evals.rows import TESTED as TESTED
from evals.rows import measured_pairs as measured_pairs
from models.checkpoint import read_checkpoint
from models.response.checkpoint import FORMAT, SHIPPED


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
