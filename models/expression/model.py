"""Answers what perturbed genes do to expression, from a trained checkpoint."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.errors import KnockwiseError
from models.checkpoint import read_checkpoint
from models.expression.checkpoint import FORMAT, Checkpoint, Context
from models.expression.genes import StoredSimilarity
from models.expression.kernel import Array, FittedKernel, KernelResidual, measured_singles
from models.expression.screens import ExpressionScreen, FloatArray, Genes, together

SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "expression"
NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class ExpressionResponse:
    """How every readout of a context is expected to change.

    Attributes:
        genes: What is perturbed.
        context: Where.
        readouts: Approved symbols, or names of coordinates `(readouts,)`.
        change: Expected change in the context's unit `(readouts,)`.
        low: Lower end of the 90 % interval.
        high: Upper end.
        seen: Whether this very perturbation was measured in training; the numbers are then the
            measurement, and the interval has no width.
        neighbours: Measured perturbations that moved the prediction most, and their shares.
        additive: Sum of the measured responses to the single genes, for several genes of which
            each was measured.
    """

    genes: Genes
    context: Context
    readouts: tuple[str, ...]
    change: FloatArray
    low: FloatArray
    high: FloatArray
    seen: bool
    neighbours: tuple[tuple[Genes, float], ...]
    additive: FloatArray | None


class ExpressionModel:
    """A trained expression model.

    Attributes:
        contexts: The data sets it was trained on.
        genes: Every gene that it can be asked about.
        version: Hash of the stored files.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.contexts = checkpoint.config.contexts
        self.genes = checkpoint.names["genes"]
        self.version = checkpoint.version
        self._checkpoint = checkpoint
        self._similarity = StoredSimilarity(
            {gene: row for row, gene in enumerate(self.genes)},
            {gene: column for column, gene in enumerate(checkpoint.names["perturbed"])},
            checkpoint.arrays["similarity"],
        )
        self._fitted: dict[str, FittedKernel] = {}

    @classmethod
    def load(cls, folder: Path | None = None) -> "ExpressionModel":
        """Read a checkpoint; the shipped one by default.

        Raises:
            DataError: It is missing or damaged.
        """
        return cls(read_checkpoint(folder or SHIPPED, FORMAT))

    def context(self, name: str) -> Context:
        """Return the context of that name, whatever its case.

        Raises:
            KnockwiseError: There is none; the sentence names those there are.
        """
        for one in self.contexts:
            if one.name.casefold() == name.strip().casefold():
                return one
        known = ", ".join(one.name for one in self.contexts)
        raise KnockwiseError(f"No context {name!r}; choose among {known}.")

    def predict(self, genes: Genes, context: str) -> ExpressionResponse:
        """Return the expected response to perturbing `genes`, in any order.

        Raises:
            KnockwiseError: There is no such context.
            UnknownGeneError: Nothing is known of a gene; the sentence names it.
        """
        found = self.context(context)
        fitted = self._fit(found)
        perturbed = together(genes)
        measured = fitted.screen.row(perturbed)
        change = fitted.predict([perturbed])[0] if measured is None else measured
        half = np.zeros_like(change) if measured is not None else _half(fitted, perturbed, found)
        singles = measured_singles(fitted.screen, perturbed)
        several = len(perturbed) > 1 and len(singles) == len(perturbed)
        return ExpressionResponse(
            genes=perturbed,
            context=found,
            readouts=fitted.screen.readouts,
            change=change,
            low=change - half,
            high=change + half,
            seen=measured is not None,
            neighbours=() if measured is not None else _neighbours(fitted, perturbed),
            additive=np.sum(singles, axis=0, dtype=np.float32) if several else None,
        )

    def large(self, context: Context) -> float:
        """Return the size of change that one in twenty measured ones of a context exceeds."""
        return float(np.quantile(np.abs(self._fit(context).screen.response), 0.95))

    def _fit(self, context: Context) -> FittedKernel:
        """Return the context's process, solved when first asked for."""
        if context.name not in self._fitted:
            arrays, name = self._checkpoint.arrays, context.name
            screen = ExpressionScreen(
                context=name,
                kind=context.kind,
                unit=context.unit,
                readouts=self._checkpoint.names[name],
                perturbations=context.perturbations,
                response=arrays[f"{name}/response"].astype(np.float32),
                baseline=arrays.get(f"{name}/baseline"),
                cells=arrays[f"{name}/cells"],
            )
            model = KernelResidual(self._similarity, context.variances, context.pairs)
            self._fitted[name] = model.fit(screen, self._checkpoint.config.seed)
        return self._fitted[name := context.name]


def _half(fitted: FittedKernel, genes: Genes, context: Context) -> FloatArray:
    """Return half the width of the 90 % interval of each readout."""
    singles, pairs = context.widths
    if len(genes) > 1 and fitted.pairs is not None and pairs is not None:
        return (pairs * typical(fitted.pairs.errors)).astype(np.float32)
    spread = np.sqrt(len(genes)) * singles
    return np.asarray(spread * typical(fitted.errors), np.float32)


def typical(errors: Array) -> Array:
    """Return the mean absolute error of each readout; squares would let one outlier set it."""
    return np.asarray(np.abs(errors).mean(0))


def _neighbours(fitted: FittedKernel, genes: Genes) -> tuple[tuple[Genes, float], ...]:
    """Return the measured perturbations that moved a prediction most, as shares of one."""
    moved: dict[Genes, float] = {}
    size = np.linalg.norm(fitted.duals[:, fitted.columns], axis=1)
    for gene in genes:
        measured = fitted.screen.row((gene,))
        if measured is not None:
            moved[(gene,)] = float(np.linalg.norm(measured[fitted.columns]))
        else:
            for other, share in zip(fitted.genes, fitted.weights(gene) * size, strict=True):
                moved[(other,)] = moved.get((other,), 0.0) + float(share)
    if len(genes) == 2 and fitted.pairs is not None:
        length = np.linalg.norm(fitted.pairs.duals[:, fitted.columns], axis=1)
        pull = fitted.pairs.pull(fitted, (genes[0], genes[1])) * length
        moved |= {pair: float(share) for pair, share in zip(fitted.pairs.pairs, pull, strict=True)}
    total = sum(moved.values())
    if not total:
        return ()
    strongest = sorted(moved, key=lambda one: (-moved[one], one))[:NEIGHBOURS]
    return tuple((one, moved[one] / total) for one in strongest)
