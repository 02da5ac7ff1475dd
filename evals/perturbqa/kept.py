"""What Knockwise and the controls say of rows whose label is at hand, kept to be compared with.

Official test rows of K562 and RPE1, and held-out training rows of HepG2 and Jurkat, whose test
labels are withheld. Labels are not kept: they are read from the benchmark's own files.
"""

from pathlib import Path

import pandas as pd

from evals.harness.brought import KEPT, write_kept
from evals.perturbqa.product.page import PRODUCT, RESPONSE, STARTER
from evals.perturbqa.score import CONTROLS
from evals.rows import KEYS, TESTED

HELD_OUT = ("HepG2", "Jurkat")
COLUMNS = (*KEYS, "fold", "p")
RESULTS = Path(__file__).parents[1] / "results"


def keep(tested: pd.DataFrame, held_out: pd.DataFrame, out: Path) -> None:
    """Write the predictions of a run to be kept with the scoreboard.

    Args:
        tested: Official test rows of a run.
        held_out: Its held-out training rows.
        out: The run folder.
    """
    labelled = tested[tested["cell_line"].isin(TESTED) & tested["label"].notna()]
    others = held_out[held_out["cell_line"].isin(HELD_OUT)]
    shared = [name for name in labelled if name in others]
    parts = [part[shared] for part in (labelled, others) if len(part)]
    table = pd.concat(parts) if parts else labelled[shared]
    controls = [name for name in CONTROLS if name in table]
    # The features are of single precision: nothing of them is lost.
    small = {name: table[name].astype("float32") for name in controls}
    columns = [*KEYS, "fold", "p", "abstained", *controls]
    kept = table.assign(**small, fold=table["fold"].astype("int8"))[columns].drop_duplicates(KEYS)
    write_kept(kept.sort_values(KEYS, ignore_index=True), out / KEPT)


def keep_product(table: pd.DataFrame, out: Path) -> None:
    """Write what the product, the response model within it and the controls say of official rows.

    Args:
        table: Official test rows with a column for each.
        out: The run folder.
    """
    controls = [name for name in CONTROLS if name in table]
    small = {name: table[name].astype("float32") for name in controls}
    others = [name for name in (PRODUCT, STARTER) if name in table]
    kept = table.assign(**small, p=table[RESPONSE], fold=table["fold"].astype("int8"))
    write_kept(kept[[*KEYS, "fold", "p", *others, *controls]], out / KEPT)


def kept_file(setting: str, run: Path | None) -> Path:
    """Return the file of the kept predictions of a setting, or of those of a finished run.

    Of `multi`, in which the shipped weights were fitted, the product's own official rows do where
    no run of it is kept.
    """
    if run is not None:
        return run / KEPT
    path = RESULTS / f"{setting}.parquet"
    product = RESULTS / "product.parquet"
    return product if setting == "multi" and not path.is_file() else path
