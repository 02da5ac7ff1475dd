"""Writes one complete index into a folder of its own, and checks it before it is used."""

import random
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np

from knowledge.errors import TextIndexError
from knowledge.texts import files as index_files
from knowledge.texts.documents import Document
from knowledge.texts.encoder import Encoder
from knowledge.texts.files import IndexManifest, SourceEntry
from knowledge.texts.search import COLUMNS, open_chroma, words
from knowledge.texts.vector_store import VectorStore

Stage = Literal["encoding", "storing"]
# Told the stage, how many documents of it are done, and how many there are.
Progress = Callable[[Stage, int, int], None]

# Chroma takes at most 5,461 records at once.
_RECORDS = 1000
# How many vectors of a new index are asked for before it is put in place, and how many must be
# found; the search is approximate and may miss one.
_SAMPLE, _FOUND = 50, 0.9
_SAME = 1e-3  # the cosine distance within which a vector counts as found
_DIGEST = "digest"


def write_generation(
    index_dir: Path,
    documents: Sequence[Document],
    digests: Sequence[str],
    encoder: Encoder,
    store: VectorStore,
    progress: Progress,
) -> IndexManifest:
    """Write a complete index into a folder of its own, check it, and return its manifest.

    Raises:
        TextIndexError: It could not be stored as it is.
    """
    folder = index_dir / f"{index_files.GENERATION}{secrets.token_hex(4)}"
    folder.mkdir()
    try:
        _write_documents(folder / index_files.DOCUMENTS, documents)
        _write_lexical(folder / index_files.LEXICAL, documents)
        _write_dense(folder / index_files.DENSE, documents, digests, store, progress)
        _check_dense(folder / index_files.DENSE, documents, digests, store)
    except BaseException:
        # On a full disk the next attempt needs the room.
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return IndexManifest(
        format=index_files.FORMAT,
        generation=folder.name,
        encoder=encoder.name,
        fingerprint=encoder.fingerprint,
        sources=source_entries(documents),
        counts=counts(documents),
        files=index_files.sizes(folder),
        sums=index_files.sums(folder),
    )


def _write_documents(path: Path, documents: Sequence[Document]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [getattr(document, name) for document in documents] for name in COLUMNS}
    columns[_DIGEST] = [document.digest for document in documents]
    pq.write_table(pa.table(columns), path, compression="zstd", write_page_checksum=True)


def _write_lexical(folder: Path, documents: Sequence[Document]) -> None:
    import bm25s

    texts = [words(document.text) for document in documents]
    # Numbered in their order, where the library takes that of a set, another in each process.
    number = {word: at for at, word in enumerate(sorted({w for text in texts for w in text}))}
    retriever = bm25s.BM25()
    retriever.index(([[number[w] for w in text] for text in texts], number), show_progress=False)
    retriever.save(folder, show_progress=False)


def _write_dense(
    folder: Path,
    documents: Sequence[Document],
    digests: Sequence[str],
    store: VectorStore,
    progress: Progress,
) -> None:
    with _storable(folder), open_chroma(folder) as client:
        collection = client.create_collection(
            index_files.COLLECTION,
            embedding_function=None,
            # Finds 98.9 % of the true best 50 among 51,620 texts (20 questions, against an
            # exhaustive search), 99.3 % with a filter on kind. A graph that nothing was synced to
            # is written anew by whoever searches it, so the first records already are.
            configuration={
                "hnsw": {
                    "space": "cosine",
                    "ef_search": 100,
                    "sync_threshold": min(len(documents), _RECORDS),
                }
            },
        )
        for start in range(0, len(documents), _RECORDS):
            progress("storing", start, len(documents))
            records = slice(start, start + _RECORDS)
            collection.add(
                ids=[document.id for document in documents[records]],
                embeddings=store.get(digests[records]),
                metadatas=[
                    {"kind": document.kind, "gene": document.gene, "source": document.source}
                    for document in documents[records]
                ],
            )
        progress("storing", len(documents), len(documents))


def _check_dense(
    folder: Path, documents: Sequence[Document], digests: Sequence[str], store: VectorStore
) -> None:
    """Ask for some of the stored vectors; Chroma does not notice every failed write.

    Raises:
        TextIndexError: They are not found.
    """
    rows = random.Random(0).sample(range(len(documents)), min(_SAMPLE, len(documents)))
    with _storable(folder), open_chroma(folder) as client:
        collection = client.get_collection(index_files.COLLECTION, embedding_function=None)
        stored = collection.count()
        found = collection.query(
            query_embeddings=store.get([digests[row] for row in rows]),
            n_results=1,
            include=["distances"],
        )
    nearest = np.array([row[0] if row else np.inf for row in found["distances"] or []])
    if stored != len(documents) or (nearest < _SAME).mean() < _FOUND:
        raise _unstorable(folder, "it does not give back what was put in")


@contextmanager
def _storable(folder: Path) -> Generator[None]:
    """Read any failure of a Chroma database that is being made as what it is: no room."""
    from chromadb.errors import ChromaError

    try:
        yield
    except ChromaError as error:
        raise _unstorable(folder, str(error)) from error


def _unstorable(folder: Path, why: str) -> TextIndexError:
    return TextIndexError(
        f"Chroma cannot store the index in {folder} ({why}), as happens on a full disk; free some "
        "space and run `knockwise index build` again: it goes on where it stopped."
    )


def source_entries(documents: Iterable[Document]) -> dict[str, SourceEntry]:
    """Return how many documents each source gave, and a hash of them."""
    digests: dict[str, list[str]] = {}
    for document in documents:
        digests.setdefault(document.source, []).append(document.digest)
    return {
        source: SourceEntry(
            documents=len(found), digest=sha256("".join(found).encode()).hexdigest()[:16]
        )
        for source, found in digests.items()
    }


def counts(documents: Iterable[Document]) -> dict[str, int]:
    """Return how many documents there are of each kind."""
    return dict(Counter(str(document.kind) for document in documents))


def stored_digests(index_dir: Path, manifest: IndexManifest) -> dict[str, tuple[str, str]]:
    """Return source and hash of each document of a finished index, by id."""
    import pyarrow.parquet as pq

    table = pq.read_table(index_dir / manifest.generation / index_files.DOCUMENTS)
    columns = (table.column(name).to_pylist() for name in ("id", "source", _DIGEST))
    return {name: (source, digest) for name, source, digest in zip(*columns, strict=True)}
