"""The compiled tables on disk: one parquet file each and a manifest of what they were made from."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from knowledge.errors import DataError
from knowledge.schema import Frozen

# Raise this when a table changes its columns or a parser its output, so that tables are rebuilt.
SCHEMA_VERSION = 1

_TEXT = pa.string()
_SHARED = pa.dictionary(pa.int32(), pa.string())  # few distinct values, stored once
_TEXTS = pa.list_(pa.string())

SCHEMAS: dict[str, pa.Schema] = {
    "genes": pa.schema(
        {
            "symbol": _TEXT,
            "name": _TEXT,
            "hgnc_id": _TEXT,
            "entrez_id": _TEXT,
            "ensembl_id": _TEXT,
            "uniprot_ids": _TEXTS,
            "aliases": _TEXTS,
            "previous_symbols": _TEXTS,
        }
    ),
    "summaries": pa.schema({"symbol": _TEXT, "source": _SHARED, "text": _TEXT}),
    "edges": pa.schema(
        {
            "source": _SHARED,
            "target": _SHARED,
            "effect": _SHARED,
            "mechanism": _SHARED,
            "references": _TEXTS,
            "database": _SHARED,
            "note": _SHARED,
        }
    ),
    "groups": pa.schema(
        {"name": _TEXT, "kind": _SHARED, "members": _TEXTS, "summary": _TEXT, "source": _SHARED}
    ),
    "gene_sets": pa.schema(
        {
            "id": _TEXT,
            "name": _TEXT,
            "kind": _SHARED,
            "source": _SHARED,
            "reference": _TEXT,
            "members": _TEXTS,
        }
    ),
    "go_terms": pa.schema(
        {
            "id": _TEXT,
            "name": _TEXT,
            "namespace": _SHARED,
            "definition": _TEXT,
            "parents": _TEXTS,
        }
    ),
    "go_annotations": pa.schema({"symbol": _TEXT, "terms": _TEXTS}),
    "expression": pa.schema({"cell_line": _SHARED, "symbol": _SHARED, "log2_level": pa.float32()}),
}


class TableEntry(Frozen):
    """What one table holds and what it was made from."""

    fingerprint: str
    rows: int


class Manifest(Frozen):
    """What the compiled folder holds.

    `sources` maps the name of each source used to its SHA-256, `versions` to its version.
    """

    schema_version: int
    tables: dict[str, TableEntry]
    sources: dict[str, str]
    versions: dict[str, str]


def compiled_dir(data_dir: Path) -> Path:
    """Return the folder of the compiled tables."""
    return data_dir / "compiled"


def table_path(folder: Path, name: str) -> Path:
    """Return where the table called `name` lies in a compiled folder."""
    return folder / f"{name}.parquet"


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a compiled folder, or None if there is none or an older layout's.

    Raises:
        DataError: The manifest is corrupted.
    """
    path = folder / "manifest.json"
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); check the data folder's permissions."
        ) from None
    except ValidationError:
        raise _corrupted(path) from None
    return manifest if manifest.schema_version == SCHEMA_VERSION else None


def write_table(folder: Path, name: str, rows: list[dict[str, Any]]) -> int:
    """Write `rows` as the table called `name` and return how many there are."""
    table = pa.Table.from_pylist(rows, schema=SCHEMAS[name])
    pq.write_table(table, table_path(folder, name), compression="zstd", write_page_checksum=True)
    return int(table.num_rows)


def read_columns(folder: Path, name: str) -> dict[str, list[Any]]:
    """Return the columns of the table called `name`: lists as tuples, equal strings as one object.

    Raises:
        DataError: The file is missing or corrupted.
    """
    table = _read(folder, name)
    return {column: _values(table.column(column)) for column in table.column_names}


def check_table(folder: Path, name: str) -> None:
    """Read the table called `name` once.

    Raises:
        DataError: The file is missing or corrupted.
    """
    _read(folder, name)


def _read(folder: Path, name: str) -> pa.Table:
    path = table_path(folder, name)
    try:
        table = pq.read_table(path, page_checksum_verification=True, use_threads=False)
    except FileNotFoundError:
        raise DataError(
            f"{path} is missing; run `knockwise index build` to compile it again."
        ) from None
    except (pa.ArrowException, OSError):
        raise _corrupted(path) from None
    if table.schema.names != SCHEMAS[name].names:
        raise _corrupted(path)
    return table


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_list(column.type):
        return _tuples(column)
    if not pa.types.is_dictionary(column.type):
        return list(column.to_pylist())
    values: list[Any] = []
    for chunk in column.chunks:
        names = chunk.dictionary.to_pylist()
        values.extend(map(names.__getitem__, chunk.indices.to_pylist()))
    return values


def _tuples(column: pa.ChunkedArray) -> list[tuple[str, ...]]:
    """Return each row's list as a tuple, without the detour over one Arrow scalar per row."""
    rows: list[tuple[str, ...]] = []
    for chunk in column.chunks:
        shared: dict[str, str] = {}
        items = [shared.setdefault(item, item) for item in chunk.flatten().to_pylist()]
        ends = chunk.value_lengths().to_pylist()
        start = 0
        for length in ends:
            rows.append(tuple(items[start : start + length]))
            start += length
    return rows


def _corrupted(path: Path) -> DataError:
    return DataError(
        f"{path} is corrupted; delete the folder {path.parent} and run `knockwise index build`."
    )
