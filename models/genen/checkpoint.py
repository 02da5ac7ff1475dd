"""What a trained Genen model stores."""

from typing import Literal, TypeAlias

from knowledge.schema import Frozen
from models import checkpoint
from models.checkpoint import Format, Shapes
from models.genen.labels import Kind, TaskName


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
        seed: Of everything that was drawn.
        encoder: What embedded the texts.
        fingerprint: Hash of the encoder's weights.
        heard_scale: Factor that brings the partners' texts to the length of a gene's own.
        properties: What is predicted.
    """

    seed: int
    encoder: str
    fingerprint: str
    heard_scale: float
    properties: tuple[PropertyConfig, ...]


Checkpoint: TypeAlias = checkpoint.Checkpoint[Config]
"""The parts of a trained model as they are stored.

`names` holds `genes`, `terms` (GO ids) and `term_names`; `arrays` holds `own` and `place`
`(genes, k)` in float16, `text/mean`, `text/directions`, what `Neighbourhood.arrays` returns, and
per property `NAME/weights`, `NAME/intercept`, `NAME/rows` (of labelled genes), `NAME/labels` and
`NAME/held_out`.
"""


def _shapes(stored: Checkpoint) -> Shapes:
    genes, terms = len(stored.names["genes"]), len(stored.names["terms"])
    if len(stored.names["term_names"]) != terms:
        raise ValueError("terms and their names do not fit each other")
    width = stored.arrays["own"].shape[-1]
    shapes: dict[str, tuple[int | str, ...]] = {
        "own": (genes, width),
        "place": (genes, "place"),
        "text/mean": ("text",),
        "text/directions": ("text", width),
        "partners/count": (genes,),
        "partners/column": ("partners",),
        "partners/confidence": ("partners",),
        "annotations/count": (genes,),
        "annotations/column": ("annotations",),
        "parents/count": (terms,),
        "parents/column": ("parents",),
    }
    for one in stored.config.properties:
        scores = f"{one.name} scores"
        several = one.kind == "multilabel"
        shapes |= {
            f"{one.name}/weights": (2 * width + genes + terms, scores),
            f"{one.name}/intercept": (scores,),
            f"{one.name}/rows": (one.genes,),
            f"{one.name}/labels": (one.genes, scores) if several else (one.genes,),
            f"{one.name}/held_out": (one.genes, scores),
        }
    return shapes


FORMAT = Format("Genen model", "knockwise train genen", Config, _shapes)
