"""Reads PERISCOPE: which channels of a Cell Painting a knockout alters in HeLa cells.

Ramezani et al., Nature Methods 2025; github broadinstitute/2022_PERISCOPE, BSD-3-Clause. The
published tables count significantly changed features by channel. A knockout alters a channel if
its count reaches what the authors' false-discovery rate of 5 % asks: above what 99.9 % of the
knockouts reach that are on neither of their lists of hits, which 99.7 % of the hits reach in some
channel. Counts of knockouts that are no hits are mostly noise (they agree between media by rank
correlations of 0.16 to 0.24), so that only hits are learnt from and scored.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.errors import DataError
from knowledge.symbols import SymbolTable

Channel = Literal["Mito", "ConA", "DAPI", "WGA", "Phalloidin"]
CHANNELS: tuple[Channel, ...] = ("Mito", "ConA", "DAPI", "WGA", "Phalloidin")
SHOWS: dict[Channel, str] = {
    "Mito": "mitochondria",
    "ConA": "endoplasmic reticulum",
    "DAPI": "nucleus",
    "WGA": "Golgi and plasma membrane",
    "Phalloidin": "actin",
}
FOLDER = "images/image_periscope"
COUNTS = f"{FOLDER}/HeLa_DMEM_significant_features_expressed_genes.csv"
OTHER_MEDIUM = f"{FOLDER}/HeLa_HPLM_significant_features_expressed_genes.csv"
HITS = f"{FOLDER}/hit_lists_5fdr.csv.gz"
FILES = (COUNTS, OTHER_MEDIUM, HITS)
BEYOND = 0.999


@dataclass(frozen=True)
class Periscope:
    """Knockouts in HeLa cells in DMEM.

    Attributes:
        genes: Approved symbols, sorted.
        counts: Significantly changed features `(genes, channels)`.
        hit: Whether the knockout is on a list of hits.
        thresholds: Features from which a channel is altered `(channels,)`.
        unread: Names of the table that stand for no gene of today, or for one that is there twice.
    """

    genes: tuple[str, ...]
    counts: NDArray[np.int64]
    hit: NDArray[np.bool_]
    thresholds: NDArray[np.int64]
    unread: int

    @property
    def altered(self) -> NDArray[np.bool_]:
        """Return which channels a knockout alters; none of one that is no hit."""
        return (self.counts >= self.thresholds) & self.hit[:, None]

    def hits(self) -> "Periscope":
        """Return the hits alone."""
        rows = np.flatnonzero(self.hit)
        genes = tuple(self.genes[row] for row in rows)
        return Periscope(genes, self.counts[rows], self.hit[rows], self.thresholds, self.unread)


def read_periscope(root: Path, symbols: SymbolTable, *, medium: str = "DMEM") -> Periscope:
    """Return the knockouts of one medium.

    Args:
        root: A mirror, or `sources` of a data folder.
        symbols: The genes of today.
        medium: DMEM, or HPLM, of which only hits of whole cells were published.

    Raises:
        DataError: A table is malformed.
    """
    table = pd.read_csv(root / (COUNTS if medium == "DMEM" else OTHER_MEDIUM))
    listed = pd.read_csv(root / HITS)
    for frame, columns in ((table, ("Gene", *CHANNELS)), (listed, ("Gene", "screen"))):
        if lacks := [name for name in columns if name not in frame.columns]:
            raise DataError(f"A table of {root / FOLDER} lacks the column {lacks[0]}.")
    hits = set(listed.loc[listed["screen"].str.startswith(f"HeLa_{medium}"), "Gene"])
    table["hit"] = table["Gene"].isin(hits)
    table["symbol"] = [symbols.approved(str(name)) or "" for name in table["Gene"]]
    quiet = table.loc[~table["hit"], list(CHANNELS)]
    thresholds = np.floor(quiet.quantile(BEYOND).to_numpy(float)).astype(np.int64) + 1
    # A name that is a symbol of today comes before an older name of the same gene.
    table["older"] = table["symbol"] != table["Gene"]
    kept = table[table["symbol"] != ""].sort_values(["symbol", "older"], kind="stable")
    kept = kept.drop_duplicates("symbol")
    return Periscope(
        tuple(kept["symbol"]),
        kept[list(CHANNELS)].to_numpy(np.int64),
        kept["hit"].to_numpy(bool),
        thresholds,
        len(table) - len(kept),
    )
