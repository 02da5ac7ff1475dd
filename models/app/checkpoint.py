"""Where trained expression models live on disk: JSON, gzipped text and safetensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from knowledge.schema import Frozen, PerturbationKind
from models.app.kernel import Variances
from models.app.pairs import PairSettings
from models.app.screens import Unit
from models.checkpoint import Arrays, Model, Names, read_parts, write_parts

MODEL = Model("expression model", "knockwise train app")


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

    format: Literal[1] = 1
    seed: int
    contexts: tuple[Context, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The parts of a trained model as they are stored.

    Attributes:
        config: Contexts and their settings.
        names: Lists of words: `genes` (rows of the similarity), `perturbed` (its columns), and per
            context its readouts.
        arrays: `similarity` `(genes, perturbed)` in steps of 1/255; per context `NAME/response`,
            `NAME/baseline` where there is one, and `NAME/cells`.
    """

    config: Config
    names: Names
    arrays: Arrays


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` into `folder`; the same content gives the same bytes."""
    write_parts(folder, checkpoint.config, checkpoint.names, checkpoint.arrays)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        DataError: A file is missing, damaged or of another format.
    """
    return Checkpoint(*read_parts(folder, Config, MODEL))
