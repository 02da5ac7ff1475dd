"""The biological network that perturbations spread over, cut to the genes a screen is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.symbols import SymbolTable
from models.expression.genes import GeneFeatures
from models.inputs.genes import UnknownGeneError

IntArray = NDArray[np.int64]
Source = Literal["string", "interaction", "regulon", "signaling"]
SOURCES: tuple[Source, ...] = get_args(Source)
LIMIT = 1000
"""Genes of a network: attention runs over all of them for every perturbation."""
NEIGHBOURS = 20
"""Strongest edges that each gene keeps."""
FILES: Mapping[Source, tuple[str, ...]] = {
    "string": ("networks/ppi/string_v12_notextmining.tsv.gz",),
    "interaction": (
        "networks/ppi/bioplex3_293t.tsv.gz",
        "networks/ppi/hi_union_huri.tsv.gz",
        "networks/ppi/lit_bm_17.tsv.gz",
    ),
    "regulon": ("networks/regulons/collectri.tsv",),
    "signaling": ("networks/signaling/omnipath_signed_directed.tsv",),
}
_MOST = 1000  # STRING's scores are thousandths of a probability


@dataclass(frozen=True)
class GeneNetwork:
    """Genes and the undirected edges between them.

    Attributes:
        symbols: Approved symbols, unique.
        pairs: Rows of `symbols`, the lower first, every edge once `(edges, 2)`.
    """

    symbols: tuple[str, ...]
    pairs: IntArray

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Row of each symbol."""
        return {symbol: row for row, symbol in enumerate(self.symbols)}

    @property
    def edge_index(self) -> IntArray:
        """Source and target of every edge, in both directions `(2, 2 * edges)`."""
        return np.concatenate([self.pairs, self.pairs[:, ::-1]]).T

    def rows(self, genes: Sequence[str]) -> IntArray:
        """Return the rows of `genes`.

        Raises:
            UnknownGeneError: One of them is outside the network; the sentence names it.
        """
        outside = [gene for gene in genes if gene not in self.index]
        if outside:
            raise UnknownGeneError(
                f"{', '.join(outside)}: outside the network of {len(self.symbols):,} genes; "
                "build the network with every gene that is to be perturbed."
            )
        return np.array([self.index[gene] for gene in genes], np.int64)


def build_network(
    data: Path,
    genes: Sequence[str],
    sources: Sequence[Source] = ("string",),
    limit: int = LIMIT,
    neighbours: int = NEIGHBOURS,
) -> GeneNetwork:
    """Return the network of `genes` and their strongest neighbours, edges of all sources added up.

    Args:
        data: A mirror, or a data folder with `sources`.
        genes: Every gene that is or will be perturbed; one without an edge stands alone.
        sources: Which networks.
        limit: Genes in all, if `genes` are no more than that.
        neighbours: Edges are kept that are among the strongest so many of either gene.

    Raises:
        DataError: `data` is no mirror.
    """
    from knowledge.sources.genes import read_symbols, sources_root

    root = sources_root(data)
    symbols = read_symbols(root)
    edges = _summed([_edges(root / file, symbols) for name in sources for file in FILES[name]])
    wanted = sorted(set(genes))
    found = pd.concat([edges, edges.rename(columns={"a": "b", "b": "a"})])
    near = found[found["a"].isin(wanted) & ~found["b"].isin(wanted)].groupby("b")["weight"].sum()
    # Names decide ties, or a network would depend on the order of a file.
    ranked = near.reset_index().sort_values(["weight", "b"], ascending=[False, True])["b"]
    others = [str(gene) for gene in ranked.head(max(0, limit - len(wanted)))]
    return _network((*wanted, *others), edges, neighbours)


def neighbour_network(
    features: GeneFeatures, genes: Sequence[str], neighbours: int = 10
) -> GeneNetwork:
    """Return the network that joins each of `genes` to those most alike in what is known of them.

    Raises:
        UnknownGeneError: One of them has no features.
    """
    symbols = tuple(sorted(set(genes)))
    vectors = features.of(symbols)
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -np.inf)
    first, second = np.triu_indices(len(symbols), 1)
    edges = pd.DataFrame(
        {
            "a": np.array(symbols, object)[first],
            "b": np.array(symbols, object)[second],
            "weight": alike[first, second],
        }
    )
    return _network(symbols, edges, neighbours)


def degraded(
    network: GeneNetwork, rng: np.random.Generator, removed: float = 0.0, added: float = 0.0
) -> GeneNetwork:
    """Return a worse network: shares of its edges removed, and as many false ones added.

    Args:
        network: The network as it is.
        rng: Chooses the edges.
        removed: Share of the edges to leave out.
        added: Share of the edges to add between genes that have none.
    """
    size, count = len(network.symbols), len(network.pairs)
    kept = np.sort(rng.choice(count, count - round(count * removed), replace=False))
    first, second = np.triu_indices(size, 1)
    codes = network.pairs[:, 0] * size + network.pairs[:, 1]
    absent = np.setdiff1d(first * size + second, codes)
    false = np.sort(rng.choice(absent, round(count * added), replace=False))
    extra = np.column_stack([false // size, false % size])
    return replace(network, pairs=np.concatenate([network.pairs[kept], extra]))


def _network(symbols: tuple[str, ...], edges: pd.DataFrame, neighbours: int) -> GeneNetwork:
    """Return `symbols` with the edges that are among the strongest of either gene."""
    index = {symbol: row for row, symbol in enumerate(symbols)}
    inside = edges[edges["a"].isin(index) & edges["b"].isin(index)]
    pairs = np.column_stack([inside["a"].map(index), inside["b"].map(index)]).astype(np.int64)
    pairs.sort(axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0], -inside["weight"].to_numpy()))]
    ends = pd.Series(pairs.ravel())
    rank = ends.groupby(ends).cumcount().to_numpy().reshape(-1, 2)
    pairs = pairs[(rank < neighbours).any(axis=1)]
    return GeneNetwork(symbols, pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])


def _edges(path: Path, symbols: SymbolTable) -> pd.DataFrame:
    """Return the edges of one file between approved genes: `a` before `b`, and `weight`."""
    header = list(pd.read_csv(path, sep="\t", nrows=0).columns)
    score = [name for name in ("combined_score",) if name in header]
    table = pd.read_csv(path, sep="\t", usecols=[*header[:2], *score]).dropna()
    words = pd.unique(pd.concat([table[header[0]], table[header[1]]]).astype(str))
    approved = {word: symbols.approved(word) for word in words}
    first, second = (table[name].astype(str).map(approved) for name in header[:2])
    weight = table[score[0]] / _MOST if score else 1.0
    found = pd.DataFrame({"a": first, "b": second, "weight": weight}).dropna()
    found = found[found["a"] != found["b"]]
    swapped = found["a"] > found["b"]
    found.loc[swapped, ["a", "b"]] = found.loc[swapped, ["b", "a"]].to_numpy()
    return found.groupby(["a", "b"], as_index=False)[["weight"]].max()


def _summed(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts).groupby(["a", "b"], as_index=False)[["weight"]].sum()
