"""Where a trained response model lives on disk: JSON, gzipped text and compressed arrays."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import DataError
from knowledge.schema import Gene

FORMAT = 1
SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "response"
FILES = (
    "config.json",
    "genes.tsv.gz",
    "reasons.txt.gz",
    "arrays.npz",
    "changed.txt.gz",
    "up.txt.gz",
)
_COLUMNS = (
    "symbol", "name", "hgnc_id", "entrez_id", "ensembl_id", "uniprot_ids", "aliases",
    "previous_symbols",
)  # fmt: skip
_LISTS = {"uniprot_ids", "aliases", "previous_symbols"}
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The parts of a trained model as they are stored.

    Attributes:
        config: Everything that is a handful of numbers or words.
        genes: One tuple of fields per gene of the vocabulary.
        reasons: Sentences that `arrays["reason"]` points into.
        arrays: Numeric arrays by name.
        changed: `Ensemble.as_text` of the trees for P(DE).
        up: The same for P(up | DE).
    """

    config: Mapping[str, Any]
    genes: tuple[tuple[str, ...], ...]
    reasons: tuple[str, ...]
    arrays: Arrays
    changed: str
    up: str


def gene_row(gene: Gene) -> tuple[str, ...]:
    """Return a gene as the fields of one line."""
    return tuple(
        "|".join(value) if isinstance(value := getattr(gene, column), tuple) else value
        for column in _COLUMNS
    )


def row_gene(row: tuple[str, ...]) -> Gene:
    """Return the gene a line stands for."""
    fields = {
        column: tuple(filter(None, value.split("|"))) if column in _LISTS else value
        for column, value in zip(_COLUMNS, row, strict=True)
    }
    return Gene.model_validate(fields)


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` into `folder`; the same content gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    table = io.StringIO()
    csv.writer(table, delimiter="\t", lineterminator="\n").writerows(checkpoint.genes)
    _write_gzip(folder / "genes.tsv.gz", table.getvalue())
    _write_gzip(folder / "reasons.txt.gz", "\n".join(checkpoint.reasons))
    arrays: dict[str, Any] = dict(checkpoint.arrays)
    np.savez_compressed(folder / "arrays.npz", **arrays)
    _write_gzip(folder / "changed.txt.gz", checkpoint.changed)
    _write_gzip(folder / "up.txt.gz", checkpoint.up)
    config = {"format": FORMAT, **checkpoint.config}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        DataError: A file is missing or of another format.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"The response model in {folder} lacks {', '.join(missing)}; "
            "train one with `knockwise train response`, or restore the shipped weights."
        )
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("format") != FORMAT:
        raise DataError(
            f"The response model in {folder} has format {config.get('format')}, expected {FORMAT}; "
            "train it again with `knockwise train response`."
        )
    with gzip.open(folder / "genes.tsv.gz", "rt", encoding="utf-8", newline="") as lines:
        genes = tuple(tuple(row) for row in csv.reader(lines, delimiter="\t"))
    with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return Checkpoint(
        config,
        genes,
        tuple(_read_gzip(folder / "reasons.txt.gz").split("\n")),
        arrays,
        _read_gzip(folder / "changed.txt.gz"),
        _read_gzip(folder / "up.txt.gz"),
    )


def fingerprint(folder: Path, names: Iterable[str] = FILES) -> str:
    """Return a short hash over the files a prediction depends on."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode())
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]


def coarse(values: NDArray[np.floating[Any]]) -> NDArray[np.float16]:
    """Return half floats with a 6-bit fraction (within 0.8 %), which compress to half the size."""
    bits = np.asarray(values, np.float16).view(np.uint16)
    finite = np.isfinite(values)
    rounded = np.where(finite, (bits.astype(np.uint32) + 8) & 0xFFF0, bits).astype(np.uint16)
    return rounded.view(np.float16)


def _read_gzip(path: Path) -> str:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        return stream.read()


def _write_gzip(path: Path, text: str) -> None:
    # mtime 0: the bytes depend on the content alone.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream:
        stream.write(text.encode())
