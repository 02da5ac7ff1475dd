"""A small world of drugs: four families that each move genes of their own."""

import numpy as np

from knowledge.drugs import Drug, DrugTarget
from models.drugs import checkpoint as stored
from models.drugs.checkpoint import Checkpoint, Config, Line, ScreenConfig
from models.drugs.features import BITS, Described
from models.drugs.levels import levels, packed
from models.drugs.model import DrugModel
from models.drugs.ridge import Learner, Ridge
from models.drugs.screens import OP3, Context, Screen

FAMILIES = {
    "HDAC inhibitor": ("HDAC1", ("vorinostat", "panobinostat", "entinostat", "givinostat")),
    "MEK inhibitor": ("MAP2K1", ("trametinib", "selumetinib", "cobimetinib", "binimetinib")),
    "BET inhibitor": ("BRD4", ("jq1", "otx015", "molibresib", "birabresib-like")),
    "statin": ("HMGCR", ("simvastatin", "atorvastatin", "lovastatin", "pitavastatin")),
}
GENES = tuple(f"G{at}" for at in range(80))
CELLS = ("OP3-T", "OP3-B")
RIDGE = Ridge(penalty=3.0, direction_rank=6, change_rank=4)


def drugs():
    return tuple(
        Drug(
            name=name,
            modes=(mode,),
            targets=(
                DrugTarget(
                    gene=gene, action="inhibitor", certainty=0.9, sources=("Drug Repurposing Hub",)
                ),
            ),
        )
        for mode, (gene, names) in FAMILIES.items()
        for name in names
    )


def screen(seed=0, without=()):
    """Return signatures; each family raises twelve genes of its own and lowers twelve others."""
    rng = np.random.default_rng(seed)
    effect = {mode: rng.permutation(80) for mode in FAMILIES}
    names = tuple(one.name for one in drugs() if one.name not in without)
    mode_of = {one.name: one.modes[0] for one in drugs()}
    contexts = []
    for cells in CELLS:
        value = rng.normal(size=(len(names), 80))
        for row, name in enumerate(names):
            order = effect[mode_of[name]]
            value[row, order[:12]] += 2.5
            value[row, order[12:24]] -= 2.5
        rank = np.argsort(np.argsort(-value, axis=1), axis=1) / 79
        contexts.append(Context(cells, GENES, levels(rank)))
    return Screen(OP3, names, tuple(contexts))


def learner(one=None, **more):
    one = one or screen()
    known = {drug.name: drug for drug in drugs()}
    return Learner(one, tuple(Described.of(known[name]) for name in one.drugs), RIDGE, **more)


def checkpoint(one=None):
    one = one or screen(without=("givinostat",))
    line = Line(bias=0.0, slope=20.0, prior=0.8, spread=0.03)
    config = ScreenConfig(
        name=OP3, contexts=CELLS, plates=(), up=line,
        change=Line(bias=0.0, slope=6.0, prior=0.9, spread=0.03), held_out={"direction": 0.6},
    )  # fmt: skip
    return Checkpoint(
        Config(ridge=RIDGE, screens=(config,)),
        {
            stored.STRUCTURES: (),
            stored.OLDER: ("OLDG1>G1",),
            stored.drugs_of(OP3): one.drugs,
            stored.known_of(OP3): one.drugs,
            **{stored.genes_of(cells): GENES for cells in CELLS},
        },
        {
            stored.STRUCTURES: np.zeros((0, BITS // 8), np.uint8),
            **{stored.levels_of(c.name): packed(c.levels) for c in one.contexts},
        },
        {stored.TABLE: stored.drug_lines(drugs())},
    )


def model(one=None):
    return DrugModel(checkpoint(one))
