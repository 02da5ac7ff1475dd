"""Signatures of other laboratories, which nothing was learnt from: GEO and a proteome."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from evals.drugs.predictors import OURS
from evals.harness.metrics import Ranking
from evals.harness.resampling import Resampler
from evals.harness.scores import Score
from models.drugs.levels import POSITION
from models.drugs.model import DrugModel
from models.drugs.ridge import Sums
from models.drugs.screens import OP3

CREEDS, PROTEOME = "GEO signatures (CREEDS)", "HCT116 proteome"
FILES = {
    CREEDS: "drugs/drug_geo_creeds/creeds_drug_human.parquet",
    PROTEOME: "drugs/drug_proteomics_hct116/proteomics_drug_atlas_2023.csv.gz",
}
AGREES = "direction in other laboratories"


def external(root: Path, model: DrugModel, seed: int, draws: int) -> Iterator[Score]:
    """Yield the AUROC within genes of up against down across signatures.

    Predictions are of OP3, the mean over its kinds of cells; a drug's own rows never enter.
    """
    for name, file in FILES.items():
        path = root / file
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        table = table.astype({"gene": str, "drug": str})
        table["drug"] = table.drug.str.partition(",")[0].str.strip()
        learner = model.screen(OP3)
        genes = learner.screen.contexts[0].genes
        column = {gene: at for at, gene in enumerate(genes)}
        table = table[table.gene.isin(column)]
        told = _told(model, sorted(set(table.drug)), genes)
        table = table[table.drug.isin(told)]
        score = np.array(
            [told[drug][column[gene]] for drug, gene in zip(table.drug, table.gene, strict=True)]
        )
        ranking = Ranking(table.gene.to_numpy(str), (table.direction > 0).to_numpy(int), score)
        sample = Resampler(table.drug, seed, draws).auroc(table.drug.to_numpy(str), ranking)
        yield Score(OURS, AGREES, sample, "ours", screen=name, split="drug", cells="mean",
                    drugs="with a relative in OP3")  # fmt: skip


def _told(
    model: DrugModel, names: list[str], genes: tuple[str, ...]
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return the predicted direction of each drug that has a relative among OP3's, in its genes."""
    learner = model.screen(OP3)
    sums = Sums(learner.screen)
    found = {}
    for name in names:
        weights = model.direction_weights(name, OP3)
        if weights is not None:
            found[name] = sums.sums(weights[None, :], POSITION, 0, genes)[0]
    return found
