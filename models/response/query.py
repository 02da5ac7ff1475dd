"""What features are asked for: perturbations in one line."""

from dataclasses import dataclass

from models.inputs.screens import IntArray
from models.response.field import FloatArray


@dataclass(frozen=True, slots=True)
class Query:
    """Perturbations asked about in one line.

    Attributes:
        line: Index of the line.
        gene: Index of each perturbed gene in the vocabulary of genes.
        own: Index of each in the vocabulary of perturbations, -1 where it was never perturbed.
        similarity: To every perturbation `(queries, perturbations)`, 0 to itself.
    """

    line: int
    gene: IntArray
    own: IntArray
    similarity: FloatArray
