"""How much a gene was studied: a control to set beside results, never an input of a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.errors import DataError
from knowledge.sources.genes import read_symbols, sources_root
from knowledge.sources.registry import missing
from knowledge.symbols import SymbolTable
from models.genen.texts import GeneText

PUBLICATIONS = "networks/mapping/gene2pubmed_counts_2023-12.tsv"


@dataclass(frozen=True, eq=False, slots=True)
class StudyBias:
    """How much was written about genes, by which results are grouped after the fact.

    Attributes:
        genes: Approved symbols.
        words: Length of RefSeq's summary `(genes,)`.
        publications: Papers that NCBI links to the gene `(genes,)`, 0 where it lists none.
    """

    genes: tuple[str, ...]
    words: NDArray[np.int64]
    publications: NDArray[np.int64]

    def well_studied(self, by: Literal["words", "publications"] = "words") -> NDArray[np.bool_]:
        """Return which genes are above the median of `words` or `publications` `(genes,)`."""
        counts = self.words if by == "words" else self.publications
        return np.asarray(counts > np.median(counts))


def read_study_bias(
    data: Path, texts: Sequence[GeneText], symbols: SymbolTable | None = None
) -> StudyBias:
    """Return how much was written about the genes of `texts`.

    A gene listed under several names counts the most that one of them has.

    Raises:
        DataError: The table of publications is missing or malformed.
    """
    root = sources_root(data)
    path = root / PUBLICATIONS
    try:
        table = pd.read_csv(
            path, sep="\t", usecols=["gene", "n_pubmed"], na_filter=False, dtype={"gene": str}
        )
        numbers = table.n_pubmed.astype(int)
    except FileNotFoundError:
        raise missing(path) from None
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: expected gene and n_pubmed ({error}).") from error
    known = symbols or read_symbols(root)
    most: dict[str, int] = {}
    for word, number in zip(table.gene, numbers, strict=True):
        if symbol := known.approved(word):
            most[symbol] = max(most.get(symbol, 0), int(number))
    return StudyBias(
        genes=tuple(text.symbol for text in texts),
        words=np.array([len(text.summary.split()) for text in texts], np.int64),
        publications=np.array([most.get(text.symbol, 0) for text in texts], np.int64),
    )
