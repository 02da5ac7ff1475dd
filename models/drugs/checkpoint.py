"""What a trained drug model stores: signatures, what is known of drugs, and how far to trust it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from knowledge.drugs import Drug, DrugTarget
from knowledge.schema import Frozen
from models import checkpoint
from models.checkpoint import Format, Shapes
from models.drugs.features import BITS
from models.drugs.ridge import Ridge

SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "drugs"
TABLE = "drugs"
"""Name of the text that holds a drug a line."""


class Line(Frozen):
    """`P = 1 / (1 + exp(-(bias + slope * value + prior * logit of the gene's own rate)))`.

    `spread` is the standard deviation of the values that held-out drugs with a relative got: half
    an interval is 1.645 times as much, less for a drug of which much is known.
    """

    bias: float
    slope: float
    prior: float
    spread: float


class ScreenConfig(Frozen):
    """A screen as it is stored.

    Attributes:
        name: Of the study.
        contexts: Its kinds of cells.
        plates: Plate of each drug, where known.
        up: P(up if it changes).
        change: P(changes).
        held_out: Figures of held-out drugs by name.
    """

    name: str
    contexts: tuple[str, ...]
    plates: tuple[str, ...]
    up: Line
    change: Line
    held_out: dict[str, float]


class Config(Frozen):
    """Everything of a checkpoint that is a handful of numbers or words."""

    ridge: Ridge
    screens: tuple[ScreenConfig, ...]


Checkpoint: TypeAlias = checkpoint.Checkpoint[Config]
"""The parts of a trained model as they are stored.

`names` holds the `drugs` of each screen as it writes them, the `known` name of each (empty where no
table has it), the `genes` of each kind of cells, the drugs with a structure, and older readouts.
"""


def drugs_of(screen: str) -> str:
    """Return what the list of a screen's drugs is called."""
    return f"drugs {screen}"


def known_of(screen: str) -> str:
    """Return what the list of their names in the tables is called."""
    return f"known {screen}"


def genes_of(context: str) -> str:
    """Return what the list of the readouts of a kind of cells is called."""
    return f"genes {context}"


def levels_of(context: str) -> str:
    """Return what the levels of a kind of cells are called."""
    return f"levels {context}"


STRUCTURES = "structures"
OLDER = "older readouts"
"""Name of the list of readouts as the screens write them, with their symbols: `old>new`."""


def _shapes(stored: Checkpoint) -> Shapes:
    found: dict[str, tuple[int | str, ...]] = {
        STRUCTURES: (len(stored.names[STRUCTURES]), BITS // 8)
    }
    for screen in stored.config.screens:
        drugs = len(stored.names[drugs_of(screen.name)])
        if len(stored.names[known_of(screen.name)]) != drugs:
            raise ValueError(f"drugs of {screen.name} lack their names")
        for context in screen.contexts:
            genes = len(stored.names[genes_of(context)])
            found[levels_of(context)] = (drugs, (genes + 1) // 2)
    return found


FORMAT: Format[Config] = Format(
    name="drug model", command="knockwise train drugs", config=Config, shapes=_shapes
)


def drug_lines(drugs: Iterable[Drug]) -> str:
    """Return drugs as text, one a line; what is empty is left out."""
    lines = []
    for drug in drugs:
        told = drug.model_dump(mode="json", exclude_defaults=True)
        told["targets"] = [
            [one.gene, one.action, one.certainty, list(one.sources)] for one in drug.targets
        ]
        lines.append(json.dumps(told, separators=(",", ":"), ensure_ascii=False))
    return "\n".join(lines) + "\n"


def drugs_from(text: str) -> tuple[Drug, ...]:
    """Return the drugs that `drug_lines` wrote.

    Raises:
        ValueError: A line is none.
    """
    # The file's hash was checked, and validating 7,000 drugs anew would take seconds.
    return tuple(_drug(json.loads(line)) for line in text.splitlines())


def _drug(told: dict[str, Any]) -> Drug:
    targets = tuple(
        DrugTarget.model_construct(
            gene=gene, action=action, certainty=certainty, sources=tuple(sources)
        )
        for gene, action, certainty, sources in told.pop("targets")
    )
    starts = tuple((node, sign) for node, sign in told.pop("starts", ()))
    lists: dict[str, Any] = {
        name: tuple(one) if isinstance(one, list) else one for name, one in told.items()
    }
    return Drug.model_construct(None, **lists, targets=targets, starts=starts)


def structure_bits(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return fingerprints of packed bytes `(drugs, BITS)`."""
    return np.unpackbits(rows, axis=1)
