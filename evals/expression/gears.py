"""GEARS as an opponent: trained on single cells, in a Python environment of its own.

GEARS (Roohani, Huang and Leskovec, Nature Biotechnology 2024) is a graph network over genes that
are alike in the Gene Ontology or expressed together. It needs an older scipy than we do, so it is
never imported here: `gears_script.py` runs in its own environment and is handed files.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from evals.expression.environment import run_in
from knowledge.errors import KnockwiseError
from knowledge.ontology import GeneOntology
from knowledge.sources.genes import read_symbols, sources_root
from models.expression import mirror
from models.expression.mirror import Cells
from models.expression.screens import ExpressionScreen, FloatArray, Genes

CONTEXTS = tuple(mirror.DEVEL_CELLS)
"""Where it is trained: contexts with single cells, few enough that a fold takes minutes."""
EPOCHS = 20
"""As its authors train it; they halve the rate of learning after each."""
DECAY = 0.5
CONTROL = "ctrl"
# One training perturbation in ten, as its authors set aside to choose the epoch by.
VALIDATION = 0.1
PACKAGE = "GEARS"
SCRIPT = Path(__file__).with_name("gears_script.py")
GAF, OBO = "knowledge/goa_human.gaf.gz", "knowledge/go-basic.obo.gz"


@dataclass(frozen=True)
class Gears:
    """GEARS with the settings of its authors.

    Args:
        python: The interpreter of the environment in which cell-gears is installed.
        data: Mirror, or a data folder with `sources`: single cells and the Gene Ontology.
        epochs: Of its training.
        decay: What its rate of learning is multiplied by after each epoch.
        cells: Of a perturbation, at most.
        aside: Share of the training perturbations that choose the epoch.
        minutes: Of processor time after which training stops at the end of an epoch.
    """

    python: Path
    data: Path
    epochs: int = EPOCHS
    decay: float = DECAY
    cells: int = mirror.CELLS
    aside: float = VALIDATION
    minutes: float = float("inf")
    name: str = "GEARS"

    def fit(self, screen: ExpressionScreen, seed: int) -> "FittedGears":
        """Return GEARS for these training perturbations; it is trained once it is asked."""
        return FittedGears(self, screen, seed)

    @cached_property
    def ontology(self) -> GeneOntology:
        """Of whose annotations it makes its graph of perturbations."""
        root = sources_root(self.data)
        return GeneOntology.from_files(root / OBO, root / GAF, read_symbols(root))


@dataclass(frozen=True, slots=True)
class FittedGears:
    """What GEARS is trained with; the training waits, as its graph holds the genes asked about.

    Attributes:
        gears: Its settings.
        screen: Training rows, of which the perturbations and readouts are used.
        seed: Of the validation perturbations and of the training.
    """

    gears: Gears
    screen: ExpressionScreen
    seed: int

    def predict(self, perturbations: Sequence[Genes]) -> FloatArray:
        """Return the change of every readout `(perturbations, readouts)`.

        A row is nan where a gene has no term of the Gene Ontology.

        Raises:
            KnockwiseError: GEARS failed; the sentence quotes its last line.
        """
        training = [one for one in self.screen.perturbations if self._has_terms(one)]
        asked = [one for one in perturbations if self._has_terms(one)]
        out = np.full((len(perturbations), len(self.screen.readouts)), np.nan, np.float32)
        if not asked or len(training) < 2:
            return out
        with tempfile.TemporaryDirectory(prefix="knockwise-gears-") as name:
            folder = Path(name)
            self._export(folder, training, asked)
            run_in(self.gears.python, PACKAGE, "-P", str(SCRIPT), str(folder))
            found = _predictions(folder / "predictions.npz", self.screen.readouts)
        for row, one in enumerate(perturbations):
            if one in asked:
                out[row] = found[condition(one)]
        return out

    def curve(self) -> dict[str, Any]:
        """Return the squared errors after each epoch, `training` and `validation`.

        Beside them what `no change` and the `training mean` reach on the validation perturbations.

        Raises:
            KnockwiseError: GEARS failed; the sentence quotes its last line.
        """
        training = [one for one in self.screen.perturbations if self._has_terms(one)]
        with tempfile.TemporaryDirectory(prefix="knockwise-gears-") as name:
            folder = Path(name)
            self._export(folder, training, [])
            run_in(self.gears.python, PACKAGE, "-P", str(SCRIPT), str(folder))
            found: dict[str, Any] = json.loads((folder / "curve.json").read_text())
        return found

    def _export(self, folder: Path, training: list[Genes], asked: list[Genes]) -> None:
        """Write what the script reads; cells of training perturbations and controls alone."""
        cells = mirror.cells(self.gears.data, self.screen.context, self.gears.cells, seed=self.seed)
        _write_cells(folder / "cells.h5ad", cells, {(), *training}, self.screen)
        perturbed = {gene for one in (*training, *asked) for gene in one}
        genes = sorted(perturbed.union(self.screen.readouts))
        terms = {gene: found for gene in genes if (found := self._terms(gene))}
        (folder / "terms.json").write_text(json.dumps(terms), encoding="utf-8")
        shuffled = np.random.default_rng(self.seed).permutation(len(training))
        conditions = [condition(training[row]) for row in shuffled]
        aside = max(1, round(self.gears.aside * len(conditions)))
        split = {
            "train": [CONTROL, *conditions[aside:]],
            "val": conditions[:aside],
            "test": [condition(one) for one in asked],
            "epochs": self.gears.epochs,
            "decay": self.gears.decay,
            "minutes": min(self.gears.minutes, 1e6),
            "seed": self.seed,
        }
        (folder / "split.json").write_text(json.dumps(split), encoding="utf-8")

    def _terms(self, gene: str) -> tuple[str, ...]:
        return self.gears.ontology.annotations(gene, propagate=False)

    def _has_terms(self, genes: Genes) -> bool:
        return all(self._terms(gene) for gene in genes)


def condition(genes: Genes) -> str:
    """Return a perturbation in the words of GEARS: `ctrl`, `A+ctrl` or `A+B`."""
    return "+".join((*genes, CONTROL) if len(genes) == 1 else genes) or CONTROL


def installed(python: Path) -> str:
    """Return the version of cell-gears in an environment, after importing it.

    Raises:
        KnockwiseError: There is none, or it cannot be imported.
    """
    asked = "import gears; from importlib.metadata import version; print(version('cell-gears'))"
    return run_in(python, PACKAGE, "-P", "-c", asked).strip()


def _write_cells(path: Path, cells: Cells, kept: set[Genes], screen: ExpressionScreen) -> None:
    """Write the cells whose perturbation is among `kept`, and no others."""
    import pandas as pd
    from anndata import AnnData
    from scipy import sparse

    rows = [row for row, label in enumerate(cells.labels) if label in kept]
    obs = pd.DataFrame(
        {
            "condition": [condition(cells.labels[row]) for row in rows],
            # GEARS joins the two with "_", and the cell line says nothing here.
            "cell_type": "cells",
        },
        index=[f"cell{row}" for row in rows],
    )
    var = pd.DataFrame({"gene_name": screen.readouts}, index=list(screen.readouts))
    AnnData(sparse.csr_matrix(cells.matrix[rows]), obs, var).write_h5ad(path)


def _predictions(path: Path, readouts: tuple[str, ...]) -> Mapping[str, FloatArray]:
    """Return the predicted change of each condition.

    Raises:
        KnockwiseError: They are not of these readouts.
    """
    with np.load(path, allow_pickle=False) as held:
        if tuple(held["readouts"]) != readouts:
            raise KnockwiseError(f"{path.name}: GEARS answered for other readouts than asked.")
        conditions = [str(one) for one in held["conditions"]]
        return dict(zip(conditions, held["change"].astype(np.float32), strict=True))
