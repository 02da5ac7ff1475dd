"""What a trained phenotype model stores."""

from typing import TypeAlias

from knowledge.schema import Frozen
from models import checkpoint
from models.checkpoint import Format, Shapes
from models.genepheno.phenotypes import Collection
from models.genepheno.predictor import PhenotypeSettings


class Learnt(Frozen):
    """One collection of labels that a checkpoint predicts.

    Attributes:
        collection: Which.
        genes: Genes with a sequence that it was learnt from.
        background: Genes without one that it was learnt from as well.
        gain: What functions are multiplied with.
        exclusive_rate: Share of the cases with either of two opposites that have both.
    """

    collection: Collection
    genes: int
    background: int
    gain: float
    exclusive_rate: float


class Config(Frozen):
    """Everything of a checkpoint that is a handful of numbers or words."""

    seed: int
    encoder: str
    settings: PhenotypeSettings
    collections: tuple[Learnt, ...]


Checkpoint: TypeAlias = checkpoint.Checkpoint[Config]
"""The parts of a trained model as they are stored.

`names` holds `genes`, `species` and `sequences` of proteins; `functions` and their `function
names`; `curated` genes; per collection `NAME/terms`, `NAME/names`, `NAME/systems` and `NAME/known`,
the genes that it knows. `arrays` holds those of the functions, and per collection those of its
layer and its facts.
"""


def _shapes(stored: Checkpoint) -> Shapes:
    names = stored.names
    functions = len(names["functions"])
    shapes: dict[str, tuple[int | str, ...]] = {
        "reference": ("reference",),
        "share": (functions,),
        "rarity": (functions,),
        "duals": ("reference", "rank"),
        "primal": ("waves", "rank"),
        "loadings": ("rank", functions),
        "profile/axes": ("profile", "axes"),
        "profile/mean": ("profile",),
        "profile/scale": ("profile",),
        "profile/most": ("profile",),
        "profile/waves": ("axes", "waves"),
        "profile/phases": ("waves",),
        "function parents/rows": ("function parents",),
        "function parents/lengths": (functions,),
        "curated/rows": ("curated",),
        "curated/lengths": (len(names["curated"]),),
    }
    for one in stored.config.collections:
        name, terms = one.collection, len(names[f"{one.collection}/terms"])
        shapes |= {
            f"{name}/layer": ("rank", terms),
            f"{name}/prior": (terms,),
            f"{name}/exclusive": (f"{name} opposites", 2),
            f"{name}/parents/rows": (f"{name} parents",),
            f"{name}/parents/lengths": (terms,),
            f"{name}/known/rows": (f"{name} known",),
            f"{name}/known/lengths": (len(names[f"{name}/known"]),),
        }
    return shapes


FORMAT = Format("phenotype model", "knockwise train genepheno", Config, _shapes)
