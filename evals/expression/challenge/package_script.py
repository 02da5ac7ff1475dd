"""Scores predicted cells with cell-eval2 itself; a script for an environment of its own.

`package.py` runs it as `python -P package_script.py FOLDER`; cell-eval2 0.20.0 needs numba and
polars, which are no part of Knockwise. FOLDER holds `real.h5ad` and `predicted.h5ad`: raw counts,
with the perturbed gene in `obs["target"]` and controls as `non-targeting`. What is written there:
`values.json` with the panel's value of each measure of its profile `vcc2026`, null where it has
none.
"""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

from anndata import read_h5ad
from cell_eval2 import EvalConfig, aggregate_metrics, compute_metrics

NAMES = {
    "pds_cosine": "discrimination",
    "expr_mse_unbiased_capped_norm": "error",
    "de_wilcoxon_direction_fidelity_yield_raw": "fidelity",
    "de_wilcoxon_direction_reach_raw": "reach",
    "de_wilcoxon_sig_jaccard": "agreement",
    "de_wilcoxon_lfc_nmae": "fold change",
}


def main(folder: Path) -> None:
    """Score the prediction in `folder`."""
    real = read_h5ad(folder / "real.h5ad", backed="r")
    unread = set(real.obs["target"]) - set(real.var_names)
    # A panel of variable genes need not read the perturbed one: then nothing is left out.
    config = replace(
        EvalConfig.from_preset("vcc2026"), target_gene_map=dict.fromkeys(unread) or None
    )
    tidy = compute_metrics(str(folder / "predicted.h5ad"), str(folder / "real.h5ad"), config=config)
    told = {ours: _value(tidy, theirs) for theirs, ours in NAMES.items()}
    (folder / "values.json").write_text(json.dumps(told))


def _value(tidy: object, metric: str) -> float | None:
    """Return one measure of the panel; None where the package refuses it.

    It refuses a ratio to the measured effects where these are no larger than noise, as in small
    panels.
    """
    try:
        rows = aggregate_metrics(tidy, metrics=[metric]).iter_rows(named=True)
    except ValueError:
        return None
    value = {row["metric"]: row["mean"] for row in rows}.get(metric)
    return None if value is None or math.isnan(value) else float(value)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
