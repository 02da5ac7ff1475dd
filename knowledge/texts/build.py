"""Builds the text index: encodes what is new, then puts a complete new index in place.

The full data (51,620 texts) takes 8 minutes of processor time with
all-MiniLM-L6-v2 in bfloat16: 12.7 minutes on 2 cores that six other jobs kept busy, of which 12 are
encoding (73 texts/s) and 47 s storing. A second build takes 2 s of processor time to find that
nothing changed.
"""

import random
import shutil
import time
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from knowledge.errors import TextIndexError
from knowledge.schema import Frozen
from knowledge.symbols import SymbolTable
from knowledge.texts import files as index_files
from knowledge.texts.documents import Document, starter_documents
from knowledge.texts.encoder import Encoder, load_encoder
from knowledge.texts.files import CorruptedIndexError, IndexManifest, storing
from knowledge.texts.generation import (
    Progress,
    Stage,
    counts,
    source_entries,
    stored_digests,
    write_generation,
)
from knowledge.texts.search import TextIndex
from knowledge.texts.vector_store import VectorStore, text_digest

# What a kill can cost: about a second of encoding.
_BATCH = 128
_STARTER_WAIT_S = 300.0


class BuildReport(Frozen):
    """What a build did; `reasons` are sentences about what was rebuilt and why."""

    documents: int
    counts: dict[str, int]
    encoded: int
    up_to_date: bool
    reasons: tuple[str, ...]
    seconds: float


def full_index_dir(data_dir: Path) -> Path:
    """Return where `knockwise index build` puts the index."""
    return data_dir / "index"


def starter_index_dir(data_dir: Path) -> Path:
    """Return where the index of the starter pack is kept, built when it is first needed."""
    return data_dir / "index-starter"


def text_index_for(
    data_dir: Path,
    encoder_name: str,
    symbols: SymbolTable | None = None,
    progress: Progress | None = None,
) -> TextIndex:
    """Return the built index under `data_dir`, or else one of the starter pack.

    The starter pack's index is built the first time (some ten seconds) and whenever the pack or the
    encoder changed; a second process waits for the first.

    Raises:
        TextIndexError: The built index is corrupted or of another encoder, the encoder is missing,
            or the folder cannot be written.
    """
    encoder = load_encoder(encoder_name)
    if index_files.read_manifest(full_index_dir(data_dir)) is not None:
        return TextIndex.open(full_index_dir(data_dir), encoder, symbols)
    folder = starter_index_dir(data_dir)
    documents = list(starter_documents())
    try:
        if not is_current(folder, documents, encoder):
            build_index(folder, documents, encoder, progress=progress, wait_s=_STARTER_WAIT_S)
    except CorruptedIndexError:
        # Nothing in it is worth keeping; the user never asked for it.
        build_index(
            folder, documents, encoder, progress=progress, wait_s=_STARTER_WAIT_S, rebuild=True
        )
    return TextIndex.open(folder, encoder, symbols)


def build_index(
    index_dir: Path,
    documents: Iterable[Document],
    encoder: Encoder,
    *,
    progress: Progress | None = None,
    rebuild: bool = False,
    wait_s: float = 0.0,
) -> BuildReport:
    """Bring the index in `index_dir` up to date with `documents` and `encoder`.

    Only texts without a vector are encoded. A build that was interrupted or killed goes on where it
    stopped when it is called again; until it is complete the old index stays in use.

    Args:
        index_dir: The folder of the index; made if need be.
        documents: Everything the index shall hold; what it holds besides is removed.
        encoder: Gives the vectors; another one than before means that all texts are encoded.
        progress: Told how far the build is.
        rebuild: Whether to throw away everything and start anew.
        wait_s: How long to wait for another process that builds.

    Raises:
        TextIndexError: Another process builds, the disk is full, the folder cannot be written, or
            what is there is corrupted.
    """
    started = time.perf_counter()
    wanted = list(documents)
    _check_ids(wanted)
    with storing(index_dir):
        index_dir.mkdir(parents=True, exist_ok=True)
        with _locked(index_dir, wait_s):
            if rebuild:
                clear(index_dir)
            encoded, reasons = _build(index_dir, wanted, encoder, progress or _silent)
    return BuildReport(
        documents=len(wanted),
        counts=counts(wanted),
        encoded=encoded,
        up_to_date=not reasons,
        reasons=reasons,
        seconds=time.perf_counter() - started,
    )


def clear(index_dir: Path) -> None:
    """Delete the index and everything a build could resume from."""
    (index_dir / index_files.MANIFEST).unlink(missing_ok=True)
    for path in index_dir.glob(f"{index_files.VECTORS}*"):
        path.unlink()
    for path in index_dir.glob(f"{index_files.GENERATION}*"):
        shutil.rmtree(path)


def encoded_so_far(index_dir: Path) -> tuple[int, int]:
    """Return how many texts the last build has encoded, and how many it wanted.

    Raises:
        TextIndexError: What it left is corrupted.
    """
    path = index_dir / index_files.VECTORS
    if not path.exists():
        return 0, 0
    with storing(index_dir), closing(VectorStore(path)) as store:
        return min(len(store), store.wanted), store.wanted


def is_current(index_dir: Path, documents: Sequence[Document], encoder: Encoder) -> bool:
    """Return whether the index in `index_dir` is whole and holds just these documents.

    Raises:
        TextIndexError: The manifest is corrupted.
    """
    manifest = index_files.read_manifest(index_dir)
    return (
        manifest is not None
        and manifest.fingerprint == encoder.fingerprint
        and manifest.sources == source_entries(documents)
        and not index_files.damage(index_dir, manifest)
    )


def _silent(stage: Stage, done: int, total: int) -> None:
    """Report progress to nobody."""


def _check_ids(documents: Sequence[Document]) -> None:
    repeated = [name for name, n in Counter(d.id for d in documents).items() if n > 1]
    if repeated or not documents:
        raise ValueError(f"an index needs documents with unique ids; repeated: {repeated[:5]}")


@contextmanager
def _locked(index_dir: Path, wait_s: float) -> Generator[None]:
    """Hold the one right to build; the system gives it back when a process dies."""
    from filelock import FileLock, Timeout

    path = index_dir / index_files.LOCK
    lock = FileLock(path, timeout=wait_s)
    try:
        lock.acquire()
    except Timeout:
        raise TextIndexError(
            f"Another process is building the text index (it holds {path}); wait until it is done "
            "and run this again."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _build(
    index_dir: Path, documents: Sequence[Document], encoder: Encoder, progress: Progress
) -> tuple[int, tuple[str, ...]]:
    """Return how many texts were encoded, and why anything was done at all."""
    old = index_files.read_manifest(index_dir)
    # The index before the last one stays until now, for processes that still had it open; what a
    # killed build left goes too.
    for path in index_dir.glob(f"{index_files.GENERATION}*"):
        if old is None or path.name != old.generation:
            shutil.rmtree(path)
    if is_current(index_dir, documents, encoder):
        return 0, ()
    digests = [text_digest(document.text) for document in documents]
    with closing(VectorStore(index_dir / index_files.VECTORS)) as store:
        reasons = _reasons(index_dir, old, documents, encoder, store)
        store.start(encoder.name, encoder.fingerprint, len(set(digests)))
        encoded = _encode(documents, digests, encoder, store, progress)
        manifest = write_generation(index_dir, documents, digests, encoder, store, progress)
        index_files.write_manifest(index_dir, manifest)
        store.keep_only(set(digests))
    return encoded, reasons


def _reasons(
    index_dir: Path,
    old: IndexManifest | None,
    documents: Sequence[Document],
    encoder: Encoder,
    store: VectorStore,
) -> tuple[str, ...]:
    """Say why the index is not current, in sentences."""
    kept = len(store)
    last = store.encoder or ((old.encoder, old.fingerprint) if old else None)
    if last and last[1] != encoder.fingerprint:
        change = (
            f"The encoder changed from {last[0]} to {encoder.name}"
            if last[0] != encoder.name
            else f"The weights of the encoder {encoder.name} changed"
        )
        return (f"{change}: all texts are encoded again.",)
    if old is None:
        if kept:
            return (f"An unfinished build had encoded {kept:,} of {store.wanted:,} texts.",)
        return ("There was no index yet.",)
    reasons = []
    if what := index_files.damage(index_dir, old):
        reasons.append(f"The index was damaged: {what}.")
    sources = source_entries(documents)
    changed = [s for s in {**old.sources, **sources} if old.sources.get(s) != sources.get(s)]
    if changed:
        before = {} if what else stored_digests(index_dir, old)
        reasons += [_change(source, before, documents) for source in changed]
    return tuple(reasons)


def _change(source: str, before: dict[str, tuple[str, str]], documents: Sequence[Document]) -> str:
    """Say how the documents of `source` differ from `before` (id -> source, digest)."""
    old = {name: digest for name, (origin, digest) in before.items() if origin == source}
    new = {document.id: document.digest for document in documents if document.source == source}
    added, removed = len(new.keys() - old.keys()), len(old.keys() - new.keys())
    changed = sum(old[name] != new[name] for name in new.keys() & old.keys())
    return f"{source} changed: {added:,} texts new, {changed:,} different, {removed:,} gone."


def _encode(
    documents: Sequence[Document],
    digests: Sequence[str],
    encoder: Encoder,
    store: VectorStore,
    progress: Progress,
) -> int:
    """Compute the vectors that are not stored yet and return how many they were."""
    texts = {digest: document.text for digest, document in zip(digests, documents, strict=True)}
    known = store.digests()
    # Texts of one length make batches without padding; the batches are shuffled so that the rate
    # shown is the rate to come.
    missing = sorted(texts.keys() - known, key=lambda digest: (len(texts[digest]), digest))
    batches = [missing[i : i + _BATCH] for i in range(0, len(missing), _BATCH)]
    random.Random(0).shuffle(batches)
    done = len(texts) - len(missing)
    for batch in batches:
        progress("encoding", done, len(texts))
        store.add(batch, encoder.encode([texts[digest] for digest in batch]))
        done += len(batch)
    progress("encoding", done, len(texts))
    return len(missing)
