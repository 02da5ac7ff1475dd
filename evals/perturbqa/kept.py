"""What Knockwise and the controls say of rows whose label is at hand, kept to be compared with.

Official test rows of K562 and RPE1, and held-out training rows of HepG2 and Jurkat, whose test
labels are withheld. Labels are not kept: they are read from the benchmark's own files.
"""

from pathlib import Path

import pandas as pd

from evals.harness.brought import KEPT, read_kept, write_kept
from evals.perturbqa.score import CONTROLS
from evals.rows import KEYS, TESTED

HELD_OUT = ("HepG2", "Jurkat")
COLUMNS = (*KEYS, "fold", "p", "abstained")
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


def kept_predictions(setting: str, run: Path | None) -> pd.DataFrame:
    """Return the kept predictions of a setting, or those of a finished run.

    Raises:
        DataError: There are none.
    """
    return read_kept(RESULTS / f"{setting}.parquet" if run is None else run / KEPT, COLUMNS)
