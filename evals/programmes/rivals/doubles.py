"""Pairs of genes as sums of sparse shifts: what SAMS-VAE's compositionality gives for doubles.

SAMS-VAE (Bereket and Karaletsos, NeurIPS 2023, section 3) lets perturbations add in the space of
latent mechanisms: cells of A and B are shifted by `m_A * e_A + m_B * e_B`. On mean responses that
is sparse coding with codes per gene: `Y = A Z W`, where `A` says which genes a row perturbs, `Z`
holds a sparse code for each gene and `W` the mechanisms. Singles and doubles fit `Z` together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.harness.resampling import Resampler
from evals.harness.scores import Gain, Score
from models.expression import mirror
from models.expression.baselines import Additive, NoChange, ScaledAdditive
from models.expression.choice import Chosen, distances, folds_of
from models.expression.genes import gene_features
from models.expression.kernel import KernelResidual
from models.expression.screens import ExpressionScreen, FloatArray, Genes, Predictor

CONTEXTS = ("norman", "norman-latent")
PAIR_MODEL, SPARSE, ADDITIVE = "the pair model of `express`", "sparse shifts", "additive"
ERROR, AHEAD = "distance to the measured double", "closer than additive, share of its distance"
FOLDS, STEPS, INNER = 5, 60, 10
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SparseShifts:
    """Perturbations add as sparse codes over shared mechanisms.

    Args:
        mechanisms: Rows of W; as many as rows or readouts at most.
        penalty: L1 of the codes, as a share of the least that makes all of them zero.
    """

    mechanisms: int
    penalty: float

    @property
    def name(self) -> str:
        """Return what tables call it."""
        return f"{SPARSE}, {self.mechanisms} mechanisms, penalty {self.penalty:g}"

    def fit(self, screen: ExpressionScreen, seed: int) -> "FittedShifts":
        """Fit codes by proximal gradient steps (ISTA) and mechanisms by least squares, in turns."""
        genes = screen.genes
        response = screen.response.astype(np.float64)
        design = np.array([[gene in row for gene in genes] for row in screen.perturbations], float)
        rank = min(self.mechanisms, *response.shape)
        basis: Array = np.linalg.svd(response, full_matrices=False)[2][:rank]
        codes: Array = np.zeros((len(genes), rank))
        strength = self.penalty * float(np.abs(design.T @ response @ basis.T).max())
        steepness = float(np.linalg.norm(design, 2)) ** 2
        for _ in range(STEPS):
            step = 1 / (steepness * float(np.linalg.norm(basis, 2)) ** 2)
            for _ in range(INNER):
                slope = design.T @ (design @ codes @ basis - response) @ basis.T
                moved = codes - step * slope
                codes = np.sign(moved) * np.maximum(np.abs(moved) - step * strength, 0)
            sums = design @ codes
            square = sums.T @ sums
            little = 1e-6 * float(np.trace(square)) * np.eye(rank)
            basis = np.asarray(np.linalg.solve(square + little, sums.T @ response), np.float64)
            # A mechanism that no gene uses is left as nothing; the others keep unit length.
            length = np.linalg.norm(basis, axis=1, keepdims=True)
            basis = np.divide(basis, length, out=np.zeros_like(basis), where=length > 1e-9)
            codes = codes * length.T
        return FittedShifts({gene: row @ basis for gene, row in zip(genes, codes, strict=True)},
                            len(screen.readouts), float((codes != 0).mean()))  # fmt: skip


@dataclass(frozen=True, slots=True)
class FittedShifts:
    """What each gene's code shifts.

    Attributes:
        shifts: A gene's shift of every readout.
        readouts: How many there are.
        on: Share of codes that are not zero.
    """

    shifts: dict[str, Array]
    readouts: int
    on: float

    def predict(self, perturbations: Sequence[Genes]) -> FloatArray:
        """Return the sum of the shifts of each perturbation's genes, nan where one is unknown."""
        unknown = np.full(self.readouts, np.nan)
        sums = [sum(self.shifts.get(gene, unknown) for gene in genes) for genes in perturbations]
        return np.asarray(sums, np.float32).reshape(len(perturbations), self.readouts)


def errors(data: Path, context: str, seed: int) -> pd.DataFrame:
    """Return how far each held-out double is from what each predictor says, a row for each.

    Raises:
        DataError: A file is missing.
    """
    screen = mirror.read_contexts(data, [context])[0]
    features = gene_features(data, also=set(screen.genes))
    sparse = Chosen(
        tuple(SparseShifts(k, share) for k in (10, 20, 40) for share in (0.003, 0.01, 0.03, 0.1)),
        name=SPARSE,
    )
    predictors: dict[str, Predictor] = {
        "no change": NoChange(),
        ADDITIVE: Additive(),
        "scaled additive": ScaledAdditive(),
        SPARSE: sparse,
        PAIR_MODEL: KernelResidual(features),
    }
    folds = folds_of(screen, "doubles", FOLDS, seed)
    rows = np.concatenate([fold.held_out for fold in folds])
    names = ["+".join(screen.perturbations[row]) for row in rows]
    return pd.concat(
        [
            pd.DataFrame({"double": names, "predictor": name,
                          "error": distances(one, screen, folds, seed).astype(float)})
            for name, one in predictors.items()
        ],
        ignore_index=True,
    ).assign(data=context, seed=seed)  # fmt: skip


def scores(table: pd.DataFrame, seed: int) -> Iterator[Score | Gain]:
    """Yield mean errors with intervals over doubles, and the differences from adding up."""
    for context, rows in table.groupby("data", sort=False):
        mean = rows.groupby(["double", "predictor"]).error.mean().unstack("predictor")
        drawn = Resampler(mean.index, seed)
        found = {name: drawn.mean(mean.index, mean[name]) for name in mean}
        for name in dict.fromkeys(rows.predictor):
            yield Score(name, ERROR, found[name], "double", data=str(context))
            if name != ADDITIVE:
                ahead = (found[ADDITIVE] - found[name]) / found[ADDITIVE]
                yield Gain(name, ADDITIVE, AHEAD, ahead, "double", data=str(context))
