"""Where a trained Genen model lives on disk: JSON, gzipped text and safetensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from knowledge.schema import Frozen
from models.checkpoint import Arrays, Model, Names, damaged, read_parts, write_parts
from models.genen.labels import Kind, TaskName

MODEL = Model("Genen model", "knockwise train genen")


class PropertyConfig(Frozen):
    """One property that a checkpoint predicts, and how well it did on held-out genes.

    Attributes:
        name: What tables and commands call it.
        kind: What its labels are.
        title: The property in words.
        classes: Name of each class; that of label 1 is the positive one of a binary property.
        genes: How many genes its head learnt from.
        penalty: The head's inverse regularisation.
        texts: How much more texts count than neighbours.
        metric: What `held_out` is.
        held_out: Of heads that never saw the labels, with a 95 % interval: value, low, high.
        brier: Mean squared error of calibrated probabilities on held-out genes.
        calibration_error: Mean gap of stated and observed rates on held-out genes.
        half_width: Half a value's 90 % interval.
        nearest: Cosine to the most alike labelled gene that 95 % of the labelled genes reach.
        common: The GO term that sets the labelled genes apart from all others, if there is one:
            what was learnt holds for genes that have it.
    """

    name: TaskName
    kind: Kind
    title: str
    classes: tuple[str, ...]
    genes: int
    penalty: float
    texts: float
    metric: Literal["AUROC", "Pearson r"]
    held_out: tuple[float, float, float]
    brier: float | None
    calibration_error: float | None
    half_width: float | None
    nearest: float
    common: str | None


class Config(Frozen):
    """Everything of a checkpoint that is a handful of numbers or words.

    Attributes:
        format: Of the files.
        seed: Of everything that was drawn.
        encoder: What embedded the texts.
        fingerprint: Hash of the encoder's weights.
        heard_scale: Factor that brings the partners' texts to the length of a gene's own.
        properties: What is predicted.
    """

    format: Literal[1] = 1
    seed: int
    encoder: str
    fingerprint: str
    heard_scale: float
    properties: tuple[PropertyConfig, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The parts of a trained model as they are stored.

    Attributes:
        config: Properties and settings.
        names: `genes`, `terms` (GO ids) and `term_names`.
        arrays: `own` and `place` `(genes, k)` in float16; `text/mean`, `text/directions`; what
            `Neighbourhood.arrays` returns; per property `NAME/weights`, `NAME/intercept`,
            `NAME/rows` (of labelled genes), `NAME/labels` and `NAME/held_out`.
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
    config, names, arrays = read_parts(folder, Config, MODEL)
    # A list without words leaves no line.
    lists = {"genes": (), "terms": (), "term_names": (), **names}
    checkpoint = Checkpoint(config, lists, arrays)
    if wrong := _unfit(checkpoint):
        raise damaged(folder, MODEL, ValueError(f"{wrong} is missing or of another size"))
    return checkpoint


def _unfit(checkpoint: Checkpoint) -> str:
    """Return the name of an array that does not fit the others, if there is one."""
    arrays, names = checkpoint.arrays, checkpoint.names
    size, width = len(names["genes"]), arrays["own"].shape[-1] if "own" in arrays else 0
    expected: dict[str, int] = {"own": size, "place": size}
    for one in checkpoint.config.properties:
        expected[f"{one.name}/weights"] = 2 * width + size + len(names["terms"])
        expected |= {f"{one.name}/{part}": one.genes for part in ("rows", "labels", "held_out")}
    for name, rows in expected.items():
        if name not in arrays or len(arrays[name]) != rows:
            return name
    return ""
