"""Over-representation of named gene sets in a list of genes: Fisher's test by gseapy, offline."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from evals.genesets.library import Library
from knowledge.gene_sets import GeneSet


@dataclass(frozen=True, slots=True)
class Hit:
    """A set that shares genes with the list.

    Attributes:
        term: The set.
        shared: The shared genes.
        p: Hypergeometric P of sharing as many, against the genes of the library.
        adjusted: `p` after Benjamini and Hochberg over the sets that share a gene.
    """

    term: GeneSet
    shared: tuple[str, ...]
    p: float
    adjusted: float


def enriched(genes: Iterable[str], library: Library) -> list[Hit]:
    """Return the sets sharing genes with `genes`, by P, then the smaller set, then its id.

    Args:
        genes: Symbols, old ones too; genes of no set count for nothing.
        library: The named sets and their background.
    """
    known = sorted(gene for gene in library.approved(genes) if gene in library.background)
    near = {
        one.id: list(one.members) for one in library.sets if not set(one.members).isdisjoint(known)
    }
    if not near:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        # Imported late: it takes seconds.
        import gseapy

        table = gseapy.enrich(
            known, near, background=len(library.background), outdir=None, no_plot=True, cutoff=1.0
        ).results
    hits = [
        Hit(
            library.by_id[term],
            tuple(sorted(str(shared).split(";"))),
            float(p),
            float(adjusted),
        )
        for term, shared, p, adjusted in zip(
            table["Term"], table["Genes"], table["P-value"], table["Adjusted P-value"], strict=True
        )
    ]
    return sorted(hits, key=lambda hit: (hit.p, len(hit.term.members), hit.term.id))
