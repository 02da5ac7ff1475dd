"""What moved after the loss or gain of a regulator, in hundreds of studies of other cells.

The sets weigh and calibrate: they are of many cell types, human and mouse, so none of them is
evidence about a screened line. Two studies of one regulator agree in sign in little more than half
of their genes, hence the votes. A regulator stays in one fold with all its studies.
"""

import re
from pathlib import Path
from typing import Final

import pandas as pd

from knowledge.sources.registry import missing
from knowledge.symbols import SymbolTable

FILE: Final = "regulators/regulator_perturbation_sets.parquet"
LOSS: Final = re.compile(
    r"^(KO|KD|KNOCK-?OUT|KNOCK-?DOWN|DEFICIEN\w*|SIRNA|SHRNA|DEPLET\w*|INACTIVATION|INHIBITION|"
    r"DRUGINHIBITION|ABLATION|SILENCING|DELETION|DN|DOMNEG|TRUNCATED|DEFECTIVEMUTANT)\b"
)
GAIN: Final = re.compile(
    r"^(OE|OVEREXPRESSION|ACT(I)?VATION|ACTIVEMUTANT|DRUGACTIVATION|INDUCTION|HYPERACTIVE)\b"
)
# A drug acts on the protein: what its target's transcript does says nothing about the contrast.
DRUG: Final = re.compile(r"^DRUG")

# Independent studies of one regulator share a sixth of their genes; those that share nearly all,
# with their signs, are one experiment under two accessions.
REPEATED: Final = 0.9


def read_regulator_sets(root: Path, symbols: SymbolTable) -> pd.DataFrame:
    """Return one row per study, regulator and gene that moved.

    Columns: `regulator` and `gene` (approved symbols), `kind` (`loss` or `gain`), `sign` (+1 up, -1
    down, after the perturbation as it was done), `species`, `study` and `term`. Left out are
    mutants of unsaid effect, genes without an approved symbol, the regulator's own transcript, and
    studies in which that transcript went the other way than the perturbation must push it.

    Args:
        root: The folder of pulled sources, or a mirror.
        symbols: All human genes.

    Raises:
        DataError: The file is missing.
    """
    try:
        rows = pd.read_parquet(root / FILE)
    except FileNotFoundError:
        raise missing(root / FILE) from None
    terms = rows.drop_duplicates("term")
    word = terms["kind"].str.upper().str.strip()
    kind = pd.Series(pd.NA, index=terms["term"], dtype="object")
    kind[word.str.match(LOSS).to_numpy()] = "loss"
    kind[word.str.match(GAIN).to_numpy()] = "gain"
    drug = pd.Series(word.str.match(DRUG).to_numpy(), index=terms["term"])
    approved = {
        name: symbols.approved(name.upper()) for name in {*rows["gene"], *rows["regulator"]}
    }
    rows = rows.assign(
        gene=rows["gene"].map(approved),
        regulator=rows["regulator"].map(approved),
        kind=rows["term"].map(kind),
    ).dropna(subset=["gene", "regulator", "kind"])
    own = rows[(rows["gene"] == rows["regulator"]) & ~rows["term"].map(drug)]
    expected = own["kind"].map({"loss": -1, "gain": 1})
    turned = set(own.loc[own["sign"] != expected, "term"])
    rows = rows[(rows["gene"] != rows["regulator"]) & ~rows["term"].isin(turned)]
    columns = ["regulator", "kind", "study", "species", "term", "gene", "sign"]
    return rows[columns].drop_duplicates().reset_index(drop=True)


def without_repeats(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without studies that repeat another of the same regulator.

    GEO has some experiments twice (GDS5085 is GSE42872), and two votes of one experiment are one.
    """
    columns = zip(rows["regulator"], rows["study"], rows["gene"], rows["sign"], strict=True)
    named: dict[tuple[str, str], set[tuple[str, int]]] = {}
    for regulator, study, gene, sign in columns:
        named.setdefault((regulator, study), set()).add((gene, int(sign)))
    kept: dict[str, list[str]] = {}
    for regulator, study in sorted(named):
        mine = named[regulator, study]
        others = (named[regulator, other] for other in kept.get(regulator, ()))
        if all(len(mine & theirs) < REPEATED * min(len(mine), len(theirs)) for theirs in others):
            kept.setdefault(regulator, []).append(study)
    keys = pd.MultiIndex.from_frame(rows[["regulator", "study"]])
    once = keys.isin([(one, study) for one, many in kept.items() for study in many])
    return rows.loc[once]


def consensus(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `regulator`, `gene`, `votes` and `studies` over all studies of a regulator.

    `votes` is the net number of studies in which the gene went up when the regulator was lost (a
    gain counts the other way round); a study that names a gene on both sides has no vote on it.
    """
    after_loss = rows["sign"] * rows["kind"].map({"loss": 1, "gain": -1})
    by_study = (
        rows.assign(vote=after_loss)
        .groupby(["regulator", "gene", "study"], as_index=False)["vote"]
        .sum()
    )
    by_study["vote"] = by_study["vote"].clip(-1, 1)
    by_study = by_study[by_study["vote"] != 0]
    found: pd.DataFrame = by_study.groupby(["regulator", "gene"], as_index=False).agg(
        votes=("vote", "sum"), studies=("vote", "size")
    )
    return found
