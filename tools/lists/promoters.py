"""Genes that share a promoter, which CRISPRi silences together."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from knowledge.errors import DataError
from knowledge.sources.genes import sources_root

# Promoters nearer than this are silenced together.
SHARED_PROMOTER = 1000
FEATURES = "knowledge/gene_features_grch38.tsv.gz"


@lru_cache(maxsize=2)
def shared_promoters(data: Path) -> Mapping[str, tuple[str, ...]]:
    """Return the protein-coding genes whose promoter lies within 1 kb of a gene's own.

    Nothing where the table of gene positions was not pulled.
    """
    try:
        path = sources_root(data) / FEATURES
    except DataError:
        return {}
    if not path.is_file():
        return {}
    import pandas as pd

    table = pd.read_csv(path, sep="\t", usecols=["symbol", "locus_group", "chr", "tss"], dtype=str)
    table = table[table["locus_group"] == "protein-coding gene"].dropna()
    table = table.assign(tss=table["tss"].astype(float)).sort_values(["chr", "tss"])
    out: dict[str, list[str]] = {}
    for _, mine in table.groupby("chr"):
        names, places = mine["symbol"].tolist(), mine["tss"].tolist()
        for i in range(len(names) - 1):
            if places[i + 1] - places[i] <= SHARED_PROMOTER:
                out.setdefault(names[i], []).append(names[i + 1])
                out.setdefault(names[i + 1], []).append(names[i])
    return {gene: tuple(others) for gene, others in out.items()}
