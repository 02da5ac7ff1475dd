"""Compiles the pulled sources into tables that load in a second."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from knowledge.cell_lines import CELL_LINES
from knowledge.compiled import tables
from knowledge.compiled.builders import (
    Inputs,
    Rows,
    build_expression,
    build_gene_sets,
    build_genes,
    build_ontology,
    build_summaries,
)
from knowledge.compiled.network_builder import ANNOTATIONS, NETWORKS, build_network
from knowledge.errors import DataError
from knowledge.schema import Frozen
from knowledge.sources.download import storage_error
from knowledge.sources.registry import (
    Registry,
    load_registry,
    receipts,
    sha256_of,
    source_path,
    state,
)

GROUP = "knowledge"
_SYMBOLS = ("hgnc", "gene-info")
_COMPLEXES = ("complex-portal", "corum")


class Part(NamedTuple):
    """Tables that are made together, and the sources they are made from."""

    name: str
    build: Callable[[Inputs], dict[str, Rows]]
    tables: tuple[str, ...]
    sources: tuple[str, ...]


PARTS = (
    Part("genes", build_genes, ("genes",), _SYMBOLS),
    Part(
        "summaries",
        build_summaries,
        ("summaries",),
        (*_SYMBOLS, "gene-summary", "uniprot-function"),
    ),
    Part(
        "ontology",
        build_ontology,
        ("go_terms", "go_annotations"),
        (*_SYMBOLS, "go-basic", "goa-human"),
    ),
    Part(
        "gene sets",
        build_gene_sets,
        ("gene_sets",),
        (*_SYMBOLS, *_COMPLEXES, "reactome", "reactome-terms", "wikipathways", "kegg", "hallmark"),
    ),
    Part(
        "network",
        build_network,
        ("edges", "groups"),
        (*_SYMBOLS, *_COMPLEXES, *NETWORKS, *ANNOTATIONS),
    ),
    Part("expression", build_expression, ("expression",), (*_SYMBOLS, "hpa-cell-lines")),
)


class CompileReport(Frozen):
    """What a compilation did.

    `rows` maps each table to its size, `rebuilt` names the tables made anew, `missing` the sources
    that were not there, and `dropped` counts per source the names that are no human gene of today.
    """

    rows: dict[str, int]
    rebuilt: tuple[str, ...]
    missing: tuple[str, ...]
    dropped: dict[str, int]
    seconds: float


def compile_tables(
    data_dir: Path,
    *,
    registry: Registry | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> CompileReport:
    """Bring the tables under `data_dir/compiled` up to date with the pulled sources.

    Only tables whose sources changed are rebuilt. The tables are written to a
    draft folder that takes the place of the old one when it is complete, so that an interrupted
    compilation leaves the old tables. Without any source there is
    nothing to do; a missing optional source leaves its table empty.

    Args:
        data_dir: The data folder.
        registry: The declared sources; the shipped registry by default.
        progress: Told the name of each part before it is rebuilt.

    Raises:
        DataError: A source is corrupted, HGNC is missing, or the folder cannot be written.
    """
    started = time.perf_counter()
    found, missing = _found(data_dir, registry or load_registry())
    if not found:
        return CompileReport(rows={}, rebuilt=(), missing=missing, dropped={}, seconds=0.0)
    with _locked(data_dir):
        try:
            rows, rebuilt, dropped = _compile(data_dir, found, progress)
        except OSError as error:
            raise storage_error(error, data_dir) from None
    return CompileReport(
        rows=rows,
        rebuilt=rebuilt,
        missing=missing,
        dropped=dropped,
        seconds=time.perf_counter() - started,
    )


class _Found(NamedTuple):
    path: Path
    sha256: str
    version: str


def _found(data_dir: Path, registry: Registry) -> tuple[dict[str, _Found], tuple[str, ...]]:
    """Return the intact sources that tables are made of, and the names of those missing."""
    known = receipts(data_dir)
    found: dict[str, _Found] = {}
    missing = []
    for source in registry:
        if source.group != GROUP:
            continue
        now = state(source, data_dir, known.get(source.name))
        path = source_path(data_dir, source)
        if now == "corrupt":
            raise DataError(
                f"{path} is corrupted; run `knockwise data pull {source.name}` to fetch it again."
            )
        if now == "present":
            sha256 = sha256_of(path)
            pinned = sha256 == source.sha256
            # A rolling upstream served something else than the release we know by its version.
            version = source.version if pinned else f"of {source.url}, sha256 {sha256[:12]}"
            found[source.name] = _Found(path, sha256, version)
        else:
            missing.append(source.name)
    if found and "hgnc" not in found:
        raise DataError(
            "The HGNC table is missing, without which no gene can be named; run "
            "`knockwise data pull hgnc`."
        )
    return found, tuple(missing)


def _compile(
    data_dir: Path, found: dict[str, _Found], progress: Callable[[str], None]
) -> tuple[dict[str, int], tuple[str, ...], dict[str, int]]:
    current, draft = tables.compiled_dir(data_dir), data_dir / "compiled.draft"
    manifest = _usable_manifest(current)
    old = manifest.tables if manifest else {}
    inputs = Inputs({name: entry.path for name, entry in found.items()})
    entries: dict[str, tables.TableEntry] = {}
    rebuilt: list[str] = []
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for part in PARTS:
        fingerprint = _fingerprint(part, found)
        if all(name in old and old[name].fingerprint == fingerprint for name in part.tables):
            for name in part.tables:
                shutil.copyfile(tables.table_path(current, name), tables.table_path(draft, name))
                entries[name] = old[name]
            continue
        progress(part.name)
        for name, content in part.build(inputs).items():
            count = tables.write_table(draft, name, content)
            entries[name] = tables.TableEntry(fingerprint=fingerprint, rows=count)
            rebuilt.append(name)
    if rebuilt:
        made = tables.Manifest(
            schema_version=tables.SCHEMA_VERSION,
            tables=entries,
            sources={name: entry.sha256 for name, entry in found.items()},
            versions={name: entry.version for name, entry in found.items()},
        )
        (draft / "manifest.json").write_text(made.model_dump_json(indent=1), encoding="utf-8")
        _replace(current, draft)
    else:
        shutil.rmtree(draft)
    rows = {name: entry.rows for name, entry in entries.items()}
    return rows, tuple(rebuilt), dict(inputs.dropped)


def _usable_manifest(folder: Path) -> tables.Manifest | None:
    """Return the manifest whose tables may be kept; a damaged folder is simply made anew."""
    try:
        manifest = tables.read_manifest(folder)
        if manifest:
            for name in manifest.tables:
                tables.check_table(folder, name)
    except DataError:
        return None
    return manifest


def _fingerprint(part: Part, found: dict[str, _Found]) -> str:
    digest = hashlib.sha256(f"{tables.SCHEMA_VERSION} {part.name}".encode())
    for name in part.sources:
        digest.update(f" {name}={found[name].sha256 if name in found else '-'}".encode())
    if part.build is build_expression:
        digest.update(CELL_LINES.read_bytes())
    return digest.hexdigest()


def _replace(current: Path, draft: Path) -> None:
    """Put the draft in the place of the current folder."""
    retired = current.with_name("compiled.old")
    shutil.rmtree(retired, ignore_errors=True)
    if current.exists():
        current.rename(retired)
    draft.rename(current)
    shutil.rmtree(retired, ignore_errors=True)


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """Let one process compile at a time; a second one waits for it."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(data_dir / "compile.lock", timeout=600):
            yield
    except Timeout:
        raise DataError(
            f"Another process has been compiling {data_dir} for ten minutes; wait for it to end."
        ) from None
    except OSError as error:
        raise storage_error(error, data_dir) from None
