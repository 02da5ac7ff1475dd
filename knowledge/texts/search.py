"""Finds the texts that bear on a question: by gene symbol, by word and by meaning, fused."""

import atexit
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import TextIndexError
from knowledge.schema import Frozen
from knowledge.symbols import SymbolTable
from knowledge.texts import files as index_files
from knowledge.texts.documents import Document, DocumentKind
from knowledge.texts.encoder import Encoder
from knowledge.texts.files import IndexManifest, corrupted, unreadable

if TYPE_CHECKING:
    import bm25s
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection
    from chromadb.api.types import Embedding, Where

Leg = Literal["symbol", "lexical", "dense"]
COLUMNS = tuple(Document.model_fields)
_log = logging.getLogger(__name__)

# Reciprocal rank fusion: a document scores the sum of 1 / (60 + rank) over the searches that found
# it (Cormack, Clarke & Buettcher, SIGIR 2009, who chose 60).
_RRF = 60
# A gene named in the query comes before what the other two searches can add up to: 2 / 61 < 3 / 61.
_NAMED = 3 / (_RRF + 1)
# How deep the lexical and the dense search go; deeper hits add next to nothing to the fusion.
_DEPTH = 50
# "G1" and "S6" are aliases, and phases of the cell cycle.
_SHORTEST_ALIAS = 3

_WORD = re.compile(r"[a-z0-9]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@/-]*")
_TERM = re.compile(r"GO:\d{7}")


class Passage(Frozen):
    """A document that was found, and which searches found it; higher scores are better."""

    document: Document
    score: float
    matched_by: tuple[Leg, ...]


def words(text: str) -> list[str]:
    """Return the words the lexical search counts; `HLA-A` gives `hla` and `a`."""
    from bm25s.stopwords import STOPWORDS_EN

    return [word for word in _WORD.findall(text.lower()) if word not in STOPWORDS_EN]


class TextIndex:
    """A finished index, opened for reading; its parts are loaded when they are first needed.

    Args:
        index_dir: The folder of the index.
        manifest: What it holds.
        encoder: The encoder it was built with.
        symbols: Resolves previous symbols and aliases in queries.
    """

    def __init__(
        self,
        index_dir: Path,
        manifest: IndexManifest,
        encoder: Encoder,
        symbols: SymbolTable | None = None,
    ) -> None:
        self.manifest = manifest
        self._index_dir = index_dir
        self._folder = index_dir / manifest.generation
        self._encoder = encoder
        self._symbols = symbols

    @classmethod
    def open(cls, index_dir: Path, encoder: Encoder, symbols: SymbolTable | None = None) -> Self:
        """Open the finished index in `index_dir`.

        Raises:
            TextIndexError: There is none, it is corrupted, or another encoder built it.
        """
        manifest = index_files.read_manifest(index_dir)
        if manifest is None:
            raise TextIndexError(
                f"There is no finished text index in {index_dir}; run `knockwise index build`."
            )
        if manifest.fingerprint != encoder.fingerprint:
            other = (
                f"the encoder {manifest.encoder}, not with {encoder.name}"
                if manifest.encoder != encoder.name
                else f"other weights of the encoder {encoder.name}"
            )
            raise TextIndexError(
                f"The text index in {index_dir} was built with {other}; run `knockwise index "
                f"build`, or set KNOCKWISE_ENCODER to the encoder it was built with."
            )
        if what := index_files.damage(index_dir, manifest):
            raise corrupted(index_dir, what)
        return cls(index_dir, manifest, encoder, symbols)

    def __len__(self) -> int:
        return self.manifest.documents

    @property
    def read_only(self) -> bool:
        """Whether the folder cannot be written to, so that a private copy is searched."""
        return not _writable(self._folder / index_files.DENSE)

    def get(self, identifier: str) -> Document:
        """Return a document by its id.

        Raises:
            KeyError: There is no such document.
        """
        return self._document(self._rows[identifier])

    def about(self, gene: str) -> tuple[Document, ...]:
        """Return the documents about a gene, by approved symbol."""
        return tuple(self._document(row) for row in self._by_gene.get(gene, ()))

    def search(
        self,
        query: str,
        k: int = 8,
        *,
        kind: DocumentKind | None = None,
        gene: str | None = None,
        source: str | None = None,
        dense: bool = True,
        lexical: bool = True,
        named: bool = True,
    ) -> list[Passage]:
        """Return the `k` passages that fit `query` best, best first; equal scores in stored order.

        Documents of genes named in the query come first, then the fusion of lexical and dense
        search. The filters hold for all three.

        Args:
            query: Any words; gene symbols and GO ids among them are recognised.
            k: How many passages to return at most.
            kind: Only documents of this kind.
            gene: Only documents about this gene (approved symbol).
            source: Only documents from this source (`starter`, `RefSeq`, `UniProt`, `GO`).
            dense: Whether to search by meaning too; it takes seconds to load torch.
            lexical: Whether to search by word.
            named: Whether genes and terms that the query names come first.

        Raises:
            TextIndexError: The index is corrupted.
        """
        filters = {"kind": kind, "gene": gene, "source": source}
        wanted = {name: value for name, value in filters.items() if value is not None}
        allowed = self._allowed(wanted)
        if k < 1 or not query.strip() or not allowed.any():
            return []
        scores: dict[int, float] = {}
        legs: dict[int, list[Leg]] = {}
        for row in self._named(query) if named else ():
            if allowed[row]:
                scores[row], legs[row] = _NAMED, ["symbol"]
        found: list[tuple[Leg, list[int]]] = []
        if lexical:
            found.append(("lexical", self._lexical(query, allowed)))
        if dense:
            found.append(("dense", self._dense(query, wanted, max(_DEPTH, k))))
        for leg, rows in found:
            for rank, row in enumerate(rows, start=1):
                scores[row] = scores.get(row, 0.0) + 1 / (_RRF + rank)
                legs.setdefault(row, []).append(leg)
        best = sorted(scores, key=lambda row: (-scores[row], row))[:k]
        return [
            Passage(document=self._document(row), score=scores[row], matched_by=tuple(legs[row]))
            for row in best
        ]

    def _allowed(self, wanted: Mapping[str, str]) -> NDArray[np.bool_]:
        allowed = np.ones(len(self._columns["id"]), dtype=np.bool_)
        for name, value in wanted.items():
            allowed &= self._columns[name] == value
        return allowed

    def _named(self, query: str) -> list[int]:
        """Return the documents of the genes and GO terms that the query names, in its order.

        A word in the case of a symbol names it (`ATF4`, `C1orf112`), in any case if it holds a
        digit (`atf4`) or is the whole query (`vhl`); `rest`, `was` and `met` are English. Aliases
        need a digit or to be the whole query too: ER and DNA are aliases of genes.
        """
        tokens = _NAME.findall(query)
        rows: dict[int, None] = {}
        for term in _TERM.findall(query):
            if term in self._rows:
                rows[self._rows[term]] = None
        for token in tokens:
            spelt = token.rstrip(".-/")
            loose = len(tokens) == 1 or any(char.isdigit() for char in spelt)
            symbol = self._symbol(spelt, loose=loose)
            rows.update(dict.fromkeys(self._by_gene.get(symbol, ())))
        return list(rows)

    def _symbol(self, word: str, *, loose: bool) -> str:
        """Return the approved symbol a word stands for, or nothing."""
        if word in self._by_gene:
            return word
        if loose and word.upper() in self._by_gene:
            return word.upper()
        if self._symbols is not None and loose and len(word) >= _SHORTEST_ALIAS:
            return self._symbols.approved(word) or ""
        return ""

    def _lexical(self, query: str, allowed: NDArray[np.bool_]) -> list[int]:
        tokens = [word for word in words(query) if word in self._bm25.vocab_dict]
        if not tokens:
            return []
        scores = np.where(allowed, self._bm25.get_scores(tokens), 0.0)
        order = np.argsort(-scores, kind="stable")[:_DEPTH]
        return [int(row) for row in order if scores[row] > 0]

    def _dense(self, query: str, wanted: Mapping[str, str], depth: int) -> list[int]:
        conditions: list[Where] = [{name: value} for name, value in wanted.items()]
        # Chroma takes a condition bare, but several only under $and.
        where: Where | None = {"$and": conditions} if len(conditions) > 1 else None
        if len(conditions) == 1:
            where = conditions[0]
        vector = cast("Embedding", self._encoder.encode_query(query))
        collection = self._collection
        with _reading_chroma(self._index_dir):
            found = collection.query(
                query_embeddings=vector, n_results=depth, where=where, include=["distances"]
            )
            distances = (found["distances"] or [[]])[0]
            near = sorted(zip(distances, (self._rows[i] for i in found["ids"][0]), strict=True))
        return [row for _, row in near]

    def _document(self, row: int) -> Document:
        return Document.model_validate({name: self._columns[name][row] for name in COLUMNS})

    @cached_property
    def _columns(self) -> dict[str, NDArray[Any]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(
                self._folder / index_files.DOCUMENTS, page_checksum_verification=True
            )
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self._index_dir, error) from error
        return {name: table.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS}

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {identifier: row for row, identifier in enumerate(self._columns["id"])}

    @cached_property
    def _by_gene(self) -> dict[str, Sequence[int]]:
        table: dict[str, list[int]] = {}
        for row, gene in enumerate(self._columns["gene"]):
            if gene:
                table.setdefault(gene, []).append(row)
        return dict(table)

    @cached_property
    def _bm25(self) -> "bm25s.BM25":
        import bm25s

        folder = self._folder / index_files.LEXICAL
        try:
            return bm25s.BM25.load(folder, mmap=True, show_progress=False)
        except (OSError, ValueError, json.JSONDecodeError) as error:
            raise unreadable(self._index_dir, error) from error

    @cached_property
    def _collection(self) -> "Collection":
        folder = self._folder / index_files.DENSE
        if not _writable(folder):
            folder = _private_copy(folder, self._index_dir)
        with _reading_chroma(self._index_dir):
            client = open_chroma(folder)
            return client.get_collection(index_files.COLLECTION, embedding_function=None)


@contextmanager
def _reading_chroma(index_dir: Path) -> Generator[None]:
    """Say in one sentence that what Chroma reads is damaged.

    Its Rust core panics on some damaged files, which in Python is no `Exception`.

    Raises:
        TextIndexError: Chroma cannot read the index.
    """
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, KeyError, ValueError, TypeError, OSError) as error:
        raise unreadable(index_dir, error) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise index_files.corrupted(index_dir, "Chroma cannot read its database") from None


def _writable(folder: Path) -> bool:
    """Return whether Chroma can write to its database, which it does even to search."""
    return all(os.access(path, os.W_OK) for path in (folder, *folder.rglob("*")))


def _private_copy(folder: Path, index_dir: Path) -> Path:
    """Return a copy of the database of a folder that only others can write to.

    Raises:
        TextIndexError: There is no room for it.
    """
    copy = Path(tempfile.mkdtemp(prefix="knockwise-index-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    try:
        for path in sorted(folder.rglob("*")):
            target = copy / path.relative_to(folder)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                shutil.copyfile(path, target)
    except OSError as error:
        raise TextIndexError(
            f"The text index in {index_dir} is read-only, and there is no room for a private copy "
            f"to search in ({error.strerror}); set TMPDIR to a folder with more."
        ) from error
    _log.info("%s is read-only; a private copy is searched.", index_dir)
    return copy


def open_chroma(folder: Path) -> "Client":
    """Return the Chroma database in `folder`; it reports nothing to anybody."""
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path=folder, settings=Settings(anonymized_telemetry=False))
    return cast("Client", client)  # declared as its interface, which lacks `close`
