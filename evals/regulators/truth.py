"""What moved after the loss or gain of regulators, as labelled pairs, and what regulators are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from knowledge.base import Knowledge
from knowledge.sources.genes import read_symbols
from knowledge.symbols import SymbolTable
from models.fusion.regulator_sets import (
    FILE,
    consensus,
    read_regulator_sets,
    without_repeats,
)
from models.response.model import ResponseModel

Kind = Literal["both", "loss", "gain"]
KINDS: tuple[Kind, ...] = ("both", "loss", "gain")
VOTES = (1, 2, 3, 4)
# Of the genes that one study alone names, few say more than many: half of them go the other way.
MOST_OF_ONE_VOTE = 200
# The prior of a gene is drawn to no preference as if by so many sets.
PRIOR_SETS = 2
# Studies of a regulator agree where six in ten of their shared genes move alike.
AGREEMENT = 0.6
FEWEST_SHARED = 20
# The nearest of the screens' own genes is about so alike to one regulator in five.
CLOSE = 0.2
FACTOR = "GO:0003700"
PAIR = ["regulator", "gene"]


def read_sets(root: Path, symbols: SymbolTable) -> pd.DataFrame:
    """Return the rows of all regulator sets, each experiment once.

    Raises:
        DataError: The file is missing.
    """
    return without_repeats(read_regulator_sets(root, symbols))


def labelled(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return `regulator`, `gene`, `kind`, `votes`, `up` (0 or 1) and `prior`.

    `both` and `loss` tell what the loss of the regulator does, `gain` what its gain does. `prior`
    is the mean way the gene goes in the other regulators' sets, drawn to zero. Of the genes with
    one vote a regulator has at most `MOST_OF_ONE_VOTE`, drawn at random.
    """
    joined = _voted(rows, 1)
    drawn = np.random.default_rng(seed).random(len(joined))
    several = joined["votes"].abs() > 1
    place = pd.Series(drawn, joined.index).where(~several, -1.0).groupby(joined["regulator"])
    kept = joined[several | (place.rank() <= MOST_OF_ONE_VOTE)]
    parts = [kept.assign(kind="both")]
    for kind, way in (("loss", 1), ("gain", -1)):
        own = _voted(rows[rows["kind"] == kind], way)
        parts.append(own.merge(kept[PAIR], on=PAIR).assign(kind=kind))
    table = pd.concat(parts, ignore_index=True)
    table["up"] = (table["votes"] > 0).astype(np.int64)
    table["votes"] = table["votes"].abs()
    return table[[*PAIR, "kind", "votes", "up", "prior"]]


def _voted(rows: pd.DataFrame, way: int) -> pd.DataFrame:
    """Return the consensus, turned `way`, of pairs that are not split evenly, and their prior."""
    table = consensus(rows)
    table = table[table["votes"] != 0].assign(votes=lambda found: way * found["votes"])
    sign = pd.Series(np.sign(table["votes"]), table.index)
    of_gene = sign.groupby(table["gene"])
    others = of_gene.transform("sum") - sign
    count = of_gene.transform("size") - 1
    return table.assign(prior=others / (count + PRIOR_SETS))


def agreement(rows: pd.DataFrame) -> Mapping[str, float]:
    """Return how often two studies of a regulator agree on the sign of a gene that both name.

    Regulators with few such genes are left out.
    """
    found = consensus(rows)
    found = found[found["studies"] > 1]
    alike = (found["studies"] + found["votes"].abs()) / 2
    other = found["studies"] - alike
    same = (alike * (alike - 1) + other * (other - 1)) / 2
    pairs = found["studies"] * (found["studies"] - 1) / 2
    of_regulator = pd.DataFrame({"same": same, "pairs": pairs, "genes": 1}).groupby(
        found["regulator"]
    )
    total = of_regulator.sum()
    total = total[total["genes"] >= FEWEST_SHARED]
    return dict(zip(total.index, total["same"] / total["pairs"], strict=True))


def classes(root: Path, knowledge: Knowledge) -> Mapping[str, str]:
    """Return what each regulator is: a kinase, a transcription factor or something else.

    Which library a set is of says which are kinases, Gene Ontology which bind DNA as factors;
    without the full data all that are no kinase count as factors.
    """
    rows = pd.read_parquet(root / FILE, columns=["library", "regulator"]).drop_duplicates()
    symbols = read_symbols(root)
    factors = frozenset(knowledge.ontology.genes(FACTOR)) if knowledge.ontology else None
    found: dict[str, str] = {}
    for library, word in sorted(rows.itertuples(index=False)):
        symbol = symbols.approved(word)
        if symbol is None:
            continue
        if library == "kinase":
            found[symbol] = "kinase"
        elif factors is None or symbol in factors:
            found[symbol] = "transcription factor"
        else:
            found.setdefault(symbol, "other")
    return found


def ground(regulator: str, response: ResponseModel) -> str:
    """Return whether a training screen perturbed the regulator, or a close relative of it."""
    found = response.ground(regulator)
    if found.known:
        return "perturbed in a screen"
    return "a close relative was" if found.nearest >= CLOSE else "neither was"


def edge_kind(regulator: str, gene: str, knowledge: Knowledge) -> str:
    """Return what says that the regulator acts on the gene's transcript, the best first."""
    for relation in knowledge.graph.relations(regulator, gene):
        if relation.expression:
            named = {edge.database for edge in relation.edges}
            if any(name.startswith("starter") for name in named):
                return "starter pack"
            return f"{min(len(named), 3)}{'+' if len(named) > 2 else ''} databases"
    return "none"
