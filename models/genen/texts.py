"""What is written about genes and GO terms, as vectors: encoded once, kept by what they say."""

import hashlib
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from knowledge.compiled.builders import Inputs, build_summaries
from knowledge.errors import DataError
from knowledge.ontology import GeneOntology
from knowledge.progress import Progress
from knowledge.sources.genes import HGNC, sources_root
from knowledge.texts.documents import cleaned
from knowledge.texts.encoder import Encoder
from knowledge.texts.vector_store import VectorStore, text_digest

FloatArray: TypeAlias = NDArray[np.float32]
BoolArray: TypeAlias = NDArray[np.bool_]
SUMMARIES = "knowledge/gene_summary.gz"
FUNCTIONS = "knowledge/uniprot_function_human.tsv.gz"
FILES = (HGNC, SUMMARIES, FUNCTIONS)
"""What is read about genes, relative to the root of the data."""
MASKED: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75)
"""Shares of the texts that the evaluation hides."""
# The encoder reads 128 tokens, about 85 words of this prose; a longer text would lose its end.
PASSAGE_WORDS = 85
_BATCH = 128
_SENTENCE = re.compile(r"(?<=[.;]) +(?=[A-Z\d(])")


@dataclass(frozen=True, slots=True)
class GeneText:
    """What is written about a gene.

    Attributes:
        symbol: Approved symbol.
        name: Its name in full.
        summary: RefSeq's summary, empty if it has none.
        function: UniProt's account of what the protein does, empty if it has none.
    """

    symbol: str
    name: str = ""
    summary: str = ""
    function: str = ""

    @property
    def description(self) -> str:
        """Return what is written besides the name; empty for a gene that nobody described."""
        return " ".join(part for part in (self.summary, self.function) if part)

    @property
    def text(self) -> str:
        """Return what is encoded: symbol, name and description."""
        about = f"{self.symbol} ({self.name})" if self.name else self.symbol
        return f"{about}: {self.description}" if self.description else about


def gene_texts(data: Path, genes: Iterable[str]) -> tuple[GeneText, ...]:
    """Return what RefSeq and UniProt say of `genes`, in their order.

    Args:
        data: A mirror, or a data folder with `sources`.
        genes: Approved symbols; of one that is none, nothing is known.

    Raises:
        DataError: A file is missing or malformed.
    """
    root = sources_root(data)
    names = ("hgnc", "gene-summary", "uniprot-function")
    inputs = Inputs({name: root / file for name, file in zip(names, FILES, strict=True)})
    written: dict[tuple[str, bool], list[str]] = {}
    for row in build_summaries(inputs)["summaries"]:
        written.setdefault((row["symbol"], row["source"] == "UniProt"), []).append(row["text"])
    found = []
    for symbol in genes:
        gene = inputs.symbols.get(symbol)
        summary, function = (cleaned(" ".join(written.get((symbol, k), ()))) for k in (False, True))
        found.append(GeneText(symbol, gene.name if gene else "", summary, function))
    return tuple(found)


def term_texts(ontology: GeneOntology, terms: Iterable[str]) -> tuple[str, ...]:
    """Return name and definition of GO terms, in their order; many have no definition.

    Raises:
        KeyError: The ontology has no such term.
    """
    found = (ontology.term(identifier) for identifier in terms)
    return tuple(cleaned(f"{t.name}: {t.definition}" if t.definition else t.name) for t in found)


def passages(text: str, words: int = PASSAGE_WORDS) -> tuple[str, ...]:
    """Return `text` cut between sentences into pieces that the encoder reads whole.

    A sentence longer than a piece is cut between words. Nothing is left out.
    """
    pieces: list[list[str]] = [[]]
    for sentence in _SENTENCE.split(text.strip()):
        told = sentence.split()
        if pieces[-1] and len(pieces[-1]) + len(told) > words:
            pieces.append([])
        while len(told) > words:
            pieces[-1:] = [told[:words], []]
            told = told[words:]
        pieces[-1].extend(told)
    return tuple(" ".join(piece) for piece in pieces if piece)


def embed(
    texts: Sequence[str],
    encoder: Encoder,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> FloatArray:
    """Return a vector of unit length per text, zeros for an empty one `(texts, dimensions)`.

    A long text is encoded in pieces, and its vector is their mean by length. Every piece is kept in
    `cache` under the hash of what it says and of the encoder, so that only new words are encoded
    and an interrupted run goes on where it stopped.

    Args:
        texts: What to encode; repeats cost nothing.
        encoder: Gives the vectors.
        cache: Folder of what was encoded before, made if need be; without one nothing is kept.
        progress: Told how far it is.

    Raises:
        DataError: The cache cannot be read or written.
    """
    cut = {text: passages(text) for text in dict.fromkeys(texts)}
    pieces = {text_digest(piece): piece for parts in cut.values() for piece in parts}
    if not pieces:
        return np.zeros((len(texts), len(encoder.encode(["empty"])[0])), np.float32)
    path = cache / cache_name(encoder) if cache is not None else None
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        with closing(VectorStore(path or Path(":memory:"))) as store:
            store.start(encoder.name, encoder.fingerprint, len(pieces))
            _encode(pieces, encoder, store, progress)
            vectors = store.get(list(pieces))
    except (sqlite3.Error, OSError) as error:
        raise DataError(
            f"{path or 'The memory'} cannot hold embeddings ({error}); free some space, or delete "
            "the file and run this again."
        ) from error
    row = {digest: i for i, digest in enumerate(pieces)}
    return _pooled(texts, cut, row, vectors)


def cache_name(encoder: Encoder) -> str:
    """Return the file that holds this encoder's vectors: other weights, another file."""
    return f"{hashlib.sha256(encoder.fingerprint.encode()).hexdigest()[:16]}.sqlite"


def text_masks(
    present: BoolArray, seed: int, shares: Sequence[float] = MASKED
) -> Mapping[float, BoolArray]:
    """Return which texts each share hides `(texts,)`; a larger share hides those of a smaller.

    Only texts that are there are drawn and counted, so that 0.75 hides three of four.

    Args:
        present: Where there is a text to hide.
        seed: Of the draw.
        shares: How much to hide, each from 0 to 1.
    """
    if wrong := [share for share in shares if not 0 <= share <= 1]:
        raise ValueError(f"a share is from 0 to 1, not {wrong[0]}")
    order = np.random.default_rng(seed).permutation(np.flatnonzero(present))
    masks = {}
    for share in shares:
        hidden = np.zeros(len(present), bool)
        hidden[order[: round(share * len(order))]] = True
        masks[share] = hidden
    return masks


def masked(vectors: FloatArray, hidden: BoolArray) -> FloatArray:
    """Return `vectors` with zeros where the text is hidden, as a gene without text has."""
    return np.where(hidden[:, None], np.float32(0), vectors)


def same_text_groups(texts: Sequence[GeneText]) -> NDArray[np.int64]:
    """Return a number per gene that genes of one and the same description share.

    365 zinc fingers are described by one sentence, as are 341 olfactory receptors: split at random,
    a test gene's text would be in the training set word for word. Genes that nobody described are
    each on their own.
    """
    of: dict[str, int] = {}
    keys = (text.description or f"\x1f{text.symbol}" for text in texts)
    return np.array([of.setdefault(key, len(of)) for key in keys], np.int64)


def _encode(
    pieces: Mapping[str, str], encoder: Encoder, store: VectorStore, progress: Progress | None
) -> None:
    """Compute the vectors that `store` lacks; a batch is kept as soon as it is there."""
    known = store.digests()
    # Pieces of one length make batches without padding.
    missing = sorted(pieces.keys() - known, key=lambda digest: (len(pieces[digest]), digest))
    batches = [missing[i : i + _BATCH] for i in range(0, len(missing), _BATCH)]
    # The order of the batches is mixed so that the rate shown is the rate to come.
    done = len(pieces) - len(missing)
    for number in np.random.default_rng(0).permutation(len(batches)):
        batch = batches[number]
        store.add(batch, encoder.encode([pieces[digest] for digest in batch]))
        done += len(batch)
        if progress is not None:
            progress(f"encoding texts ({done:,} of {len(pieces):,})", done / len(pieces))
    if progress is not None and not batches:
        progress("every text is encoded", 1.0)


def _pooled(
    texts: Sequence[str],
    cut: Mapping[str, tuple[str, ...]],
    row: Mapping[str, int],
    vectors: FloatArray,
) -> FloatArray:
    from scipy import sparse

    entries = [
        (number, row[text_digest(piece)], len(piece.split()))
        for number, text in enumerate(texts)
        for piece in cut[text]
    ]
    which, piece, weight = np.array(entries, np.int64).T
    mean = sparse.csr_array(
        (weight.astype(np.float32), (which, piece)), shape=(len(texts), len(vectors))
    )
    summed: FloatArray = mean @ vectors
    summed /= np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), np.float32(1e-12))
    return summed
