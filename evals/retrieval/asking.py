"""Builds an index of documents that hold the answers among others, and asks it every question."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.retrieval.facts import Built
from evals.retrieval.questions import Asked, key
from knowledge.progress import Progress
from knowledge.symbols import SymbolTable
from knowledge.texts.build import build_index
from knowledge.texts.documents import Document
from knowledge.texts.encoder import Encoder
from knowledge.texts.search import Leg, TextIndex

DENSE, LEXICAL, BOTH, WHOLE, RANDOM = "meaning", "words", "words and meaning", "index", "random"
LEGS: Mapping[str, tuple[Leg, ...]] = {
    WHOLE: ("symbol", "lexical", "dense"),
    BOTH: ("lexical", "dense"),
    DENSE: ("dense",),
    LEXICAL: ("lexical",),
}
"""The searches that each predictor fuses."""
CUTS = (1, 5, 10)
MEASURES = tuple(f"recall@{cut}" for cut in CUTS)


class _Once:
    """An encoder that is asked once for a query that several searches share."""

    def __init__(self, encoder: Encoder) -> None:
        self.name, self.fingerprint = encoder.name, encoder.fingerprint
        self.encode = encoder.encode
        self._encode_query = lru_cache(maxsize=1)(encoder.encode_query)

    def encode_query(self, query: str) -> NDArray[np.float32]:
        """Return the unit vector of a query, `(dim,)`."""
        return self._encode_query(query)


def answering(
    documents: Sequence[Document], asked: Iterable[Asked], texts: int, seed: int
) -> list[Document]:
    """Return the documents that answer, and others drawn at random to make up `texts`."""
    wanted = {name for one in asked for name in one.wanted}
    found = [i for i, document in enumerate(documents) if key(document) in wanted]
    others = np.setdiff1d(np.arange(len(documents)), found)
    drawn = np.random.default_rng(seed).permutation(others)[: max(texts - len(found), 0)]
    return [documents[i] for i in sorted([*found, *drawn.tolist()])]


def built(folder: Path, documents: Sequence[Document], encoder: Encoder, told: Progress) -> Built:
    """Build the index in a folder, or go on with it, and return what that took."""
    encoder.encode_query("a query that loads the model")
    cpu = time.process_time()
    report = build_index(
        folder,
        documents,
        encoder,
        progress=lambda stage, done, total: told(f"{stage} texts", done / max(total, 1)),
    )
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Built(
        encoder=encoder.name,
        texts=report.documents,
        counts=report.counts,
        encoded=report.encoded,
        cpu_s=time.process_time() - cpu,
        mib=size / 2**20,
    )


def answers(
    folder: Path,
    documents: Iterable[Document],
    asked: Sequence[Asked],
    encoder: Encoder,
    symbols: SymbolTable,
    told: Progress,
) -> pd.DataFrame:
    """Return what each search finds of every question: a row per question and predictor.

    Args:
        folder: Of the index.
        documents: What it holds.
        asked: The questions.
        encoder: It was built with.
        symbols: Resolves aliases in questions.
        told: Told how far it is.

    Columns: `set`, `unit`, `question`, `predictor`, one per recall, and `ms` of processor time.
    """
    index = TextIndex.open(folder, _Once(encoder), symbols)
    held: dict[str, Counter[str]] = {"": Counter()}
    for document in documents:
        for source in ("", document.source):
            held.setdefault(source, Counter())[key(document)] += 1
    rows = []
    for number, one in enumerate(asked):
        if number % 50 == 0:
            told(f"question {number:,} of {len(asked):,}", number / len(asked))
        for predictor, legs in LEGS.items():
            began = time.process_time()
            found = index.search(
                one.text,
                max(CUTS),
                source=one.source or None,
                dense="dense" in legs,
                lexical="lexical" in legs,
                named="symbol" in legs,
            )
            ms = 1e3 * (time.process_time() - began)
            got = [key(passage.document) for passage in found]
            recalls = [_share(one.wanted, got[:cut]) for cut in CUTS]
            rows.append((one.of, one.unit, one.text, predictor, *recalls, ms))
        chance = [_by_chance(one.wanted, held[one.source], cut) for cut in CUTS]
        rows.append((one.of, one.unit, one.text, RANDOM, *chance, np.nan))
    columns = ["set", "unit", "question", "predictor", *MEASURES, "ms"]
    return pd.DataFrame(rows, columns=columns)


def _share(wanted: Sequence[str], found: Iterable[str]) -> float:
    return len(set(wanted) & set(found)) / len(wanted)


def _by_chance(wanted: Sequence[str], held: Counter[str], cut: int) -> float:
    """Return the recall that documents drawn at random are expected to have."""
    every = held.total()
    missed = [comb(every - held[one], cut) / comb(every, min(cut, every)) for one in wanted]
    return 1 - sum(missed) / len(missed)
