"""cell-eval2 as a check of our measures: run on the same cells, in an environment of its own."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import sparse

from evals.expression.challenge.panel import Panel
from evals.expression.environment import run_in

PACKAGE = "cell-eval2"
SCRIPT = Path(__file__).with_name("package_script.py")


def installed(python: Path) -> dict[str, str]:
    """Return the version of cell-eval2 in an environment.

    Raises:
        KnockwiseError: There is none.
    """
    asked = "import cell_eval2; print(cell_eval2.__version__)"
    return {"cell-eval2": run_in(python, PACKAGE, "-P", "-c", asked).strip()}


def scored(
    python: Path, panel: Panel, cells: Sequence[sparse.csr_matrix]
) -> dict[str, float | None]:
    """Return the package's value of each measure, None where it has none.

    Args:
        python: The interpreter of its environment.
        panel: What was measured.
        cells: Predicted cells of each perturbation.

    Raises:
        KnockwiseError: It failed; the sentence quotes its last line.
    """
    with tempfile.TemporaryDirectory(prefix="knockwise-cell-eval-") as name:
        folder = Path(name)
        _write(folder / "real.h5ad", panel, list(panel.cells.values()))
        _write(folder / "predicted.h5ad", panel, cells)
        run_in(python, PACKAGE, "-P", str(SCRIPT), str(folder))
        values: dict[str, float | None] = json.loads((folder / "values.json").read_text())
    return values


def _write(path: Path, panel: Panel, cells: Sequence[sparse.csr_matrix]) -> None:
    import pandas as pd
    from anndata import AnnData

    groups = dict(
        zip([*panel.perturbations, "non-targeting"], [*cells, panel.control], strict=True)
    )
    labels = np.concatenate([np.full(one.shape[0], name) for name, one in groups.items()])
    obs = pd.DataFrame({"target": labels}, index=[f"cell{row}" for row in range(len(labels))])
    matrix = sparse.vstack(list(groups.values())).tocsr().astype(np.float32)
    AnnData(matrix, obs, pd.DataFrame(index=list(panel.genes))).write_h5ad(path)
