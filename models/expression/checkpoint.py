"""What a trained expression model stores."""

from typing import TypeAlias

from knowledge.schema import Frozen, PerturbationKind
from models import checkpoint
from models.checkpoint import Format, Shapes
from models.expression.kernel import Variances
from models.expression.pairs import PairSettings
from models.expression.screens import Unit


class Context(Frozen):
    """One data set a checkpoint was trained on, and how its responses are predicted.

    Attributes:
        name: What a user calls it.
        description: One sentence.
        cell_line: The cell line, or the system cells were differentiated into.
        kind: What was done to the perturbed genes.
        unit: What a predicted number is.
        readouts: How many are predicted.
        perturbations: What was measured in training.
        variances: Prior variances of single genes.
        pairs: Settings for two genes, where pairs were measured.
        widths: Half the width of the 90 % interval of singles and of pairs, in units of the
            mean absolute error of each readout when genes, or pairs, are left out.
    """

    name: str
    description: str
    cell_line: str
    kind: PerturbationKind
    unit: Unit
    readouts: int
    perturbations: tuple[tuple[str, ...], ...]
    variances: Variances
    pairs: PairSettings | None
    widths: tuple[float, float | None]


class Config(Frozen):
    """Everything of a checkpoint that is a handful of numbers or words."""

    seed: int
    contexts: tuple[Context, ...]


Checkpoint: TypeAlias = checkpoint.Checkpoint[Config]
"""The parts of a trained model as they are stored.

`names` holds `genes` (rows of the similarity), `perturbed` (its columns), and per context its
readouts; `arrays` holds the `similarity` in steps of 1/255, and per context `NAME/response`,
`NAME/baseline` where there is one, and `NAME/cells`.
"""


def _shapes(stored: Checkpoint) -> Shapes:
    names = stored.names
    shapes: dict[str, tuple[int | str, ...]] = {
        "similarity": (len(names["genes"]), len(names["perturbed"]))
    }
    for one in stored.config.contexts:
        readouts, perturbations = len(names[one.name]), len(one.perturbations)
        shapes[f"{one.name}/response"] = (perturbations, readouts)
        shapes[f"{one.name}/cells"] = (perturbations,)
        if f"{one.name}/baseline" in stored.arrays:
            shapes[f"{one.name}/baseline"] = (readouts,)
    return shapes


FORMAT = Format("expression model", "knockwise train expression", Config, _shapes)
