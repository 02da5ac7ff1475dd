"""The atlas: what every perturbation is predicted to do to every readout, kept on disk.

`FOLDER/LINE/part-0003.parquet` holds some hundred perturbations in one line: a row a readout, with
P(changes) and P(up if it changes) of every perturbation as a byte each (`encoded`). So a readout
over all perturbations is read without the rest, and a build that was stopped goes on with the next
part. A part says by which weights it was made; parts of other weights are not read.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.special import expit

from knowledge.errors import DataError
from knowledge.files import replacing
from knowledge.schema import Frozen
from models.inputs.screens import CELL_LINES
from models.response import ResponseModel
from models.response.batch import BatchPredictor, Parts
from models.response.model import LEAST_SIMILARITY

FORMAT = 1
PART_SIZE = 512
# Readouts that are read together when one of them is wanted.
ROW_GROUP = 128
# A probability is kept as one of 255 steps of its log-odds, so that it is off by .01 at most.
STEPS = 254
LEAST_LOG_ODDS = -9.25
STEP = 2 * -LEAST_LOG_ODDS / STEPS
NOT_PREDICTED = 255
PRECISION = "log-odds in steps of 0.073: probabilities within 0.01"

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


def encoded(p: Floats) -> Bytes:
    """Return probabilities as bytes; NaN as `NOT_PREDICTED`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.rint((np.log(p) - np.log1p(-p) - LEAST_LOG_ODDS) / STEP)
    kept = np.clip(np.nan_to_num(steps, nan=0.0), 0, STEPS)
    return np.where(np.isnan(p), NOT_PREDICTED, kept).astype(np.uint8)


@lru_cache(maxsize=1)
def decoding() -> Floats:
    """Return the probability of each byte `(256,)`, NaN for `NOT_PREDICTED`."""
    found: Floats = expit(LEAST_LOG_ODDS + STEP * np.arange(256)).astype(np.float32)
    found[NOT_PREDICTED] = np.nan
    return found


class PartHead(Frozen):
    """What a part says of itself.

    Attributes:
        format: Raised when the layout changes.
        response: Version of the response model.
        perturbations: In the order of the bytes of a row.
    """

    format: int
    response: str
    perturbations: tuple[str, ...]


class LineStatus(Frozen):
    """How much of a line is there."""

    cell_line: str
    perturbations: int
    of: int
    megabytes: float


class Block(NamedTuple):
    """Some readouts of a line over all its perturbations.

    Attributes:
        perturbations: Approved symbols.
        readouts: Approved symbols.
        p_de: P(changes) as bytes `(readouts, perturbations)`.
        p_up: P(up if it changes) as bytes, likewise.
    """

    perturbations: tuple[str, ...]
    readouts: tuple[str, ...]
    p_de: Bytes
    p_up: Bytes


@dataclass(frozen=True)
class Atlas:
    """What of an atlas is there, made by these weights; `open_atlas` finds it.

    Attributes:
        folder: Where it lies.
        response: Version of the weights.
        parts: Files and their heads per line.
    """

    folder: Path
    response: str
    parts: Mapping[str, Sequence[tuple[Path, PartHead]]]
    _totals: dict[str, Floats] = field(default_factory=dict, repr=False, compare=False)
    _blocks: dict[str, Block] = field(default_factory=dict, repr=False, compare=False)

    def __bool__(self) -> bool:
        return any(self.parts.values())

    def perturbations(self, cell_line: str) -> tuple[str, ...]:
        """Return what is predicted in a line, in the order of every `Block`."""
        return tuple(gene for _, head in self.parts.get(cell_line, ())
                     for gene in head.perturbations)  # fmt: skip

    def totals(self, cell_line: str) -> Floats:
        """Return how many readouts each perturbation is expected to change `(perturbations,)`."""
        if cell_line not in self._totals:
            self._totals[cell_line] = self._summed(cell_line)
        return self._totals[cell_line]

    def hold(self, cell_line: str) -> None:
        """Keep a line in memory, some 150 to 250 MB, for those who ask it often."""
        self._blocks[cell_line] = self.read(cell_line)

    def _summed(self, cell_line: str) -> Floats:
        path = self.folder / cell_line / "totals.npy"
        names = self.perturbations(cell_line)
        parts = self.parts.get(cell_line, ())
        newest = max((file.stat().st_mtime_ns for file, _ in parts), default=0)
        if path.is_file() and path.stat().st_mtime_ns > newest:
            found: Floats = np.load(path, allow_pickle=False)
            if len(found) == len(names):
                return found
        block = self.read(cell_line)
        p = np.nan_to_num(decoding())
        found = np.concatenate(
            [p[block.p_de[:, at : at + PART_SIZE]].sum(axis=0)
             for at in range(0, len(names), PART_SIZE)]
        ).astype(np.float32)  # fmt: skip
        with suppress(OSError), replacing(path) as draft, draft.open("wb") as file:
            np.save(file, found)
        return found

    def read(self, cell_line: str, readouts: Iterable[str] | None = None) -> Block:
        """Return readouts of a line over all perturbations; those that no screen read are left out.

        Args:
            cell_line: One of the lines.
            readouts: Approved symbols; all by default.

        Raises:
            DataError: A part is damaged, or the line has none.
        """
        files = self.parts.get(cell_line, ())
        if not files:
            raise DataError(
                f"The atlas in {self.folder} has nothing of {cell_line}; run `knockwise atlas "
                f"build --cell-line {cell_line}`."
            )
        wanted = None if readouts is None else frozenset(readouts)
        if (held := self._blocks.get(cell_line)) is not None and wanted is not None:
            at = np.array([i for i, name in enumerate(held.readouts) if name in wanted], np.int64)
            names = tuple(held.readouts[i] for i in at)
            return Block(held.perturbations, names, held.p_de[at], held.p_up[at])
        found = [_rows(path, len(head.perturbations), wanted) for path, head in files]
        names = found[0][0]
        if any(other[0] != names for other in found):
            raise _damaged(files[0][0])
        return Block(
            perturbations=self.perturbations(cell_line),
            readouts=names,
            p_de=np.hstack([part[1] for part in found]),
            p_up=np.hstack([part[2] for part in found]),
        )


def atlas_dir(data: Path) -> Path:
    """Return where the atlas lies in a data folder."""
    return data / "atlas"


def atlas_of(data: Path, response: ResponseModel) -> "Atlas":
    """Return what of a data folder's atlas was made by these weights; an empty one without any."""
    return open_atlas(atlas_dir(data), response.version)


def open_atlas(folder: Path, version: str, lines: Sequence[str] = CELL_LINES) -> Atlas:
    """Return what is there of the atlas by weights of this version; an empty one is false."""
    parts = {}
    for line in lines:
        heads = [(path, _head(path)) for path in sorted((folder / line).glob("part-*.parquet"))]
        parts[line] = [
            (path, head)
            for path, head in heads
            if head is not None and head.format == FORMAT and head.response == version
        ]
    return Atlas(folder, version, parts)


def statuses(atlas: Atlas, response: ResponseModel) -> tuple[LineStatus, ...]:
    """Return how much of each line is there."""
    total = len(perturbable(response))
    return tuple(
        LineStatus(
            cell_line=line,
            perturbations=len(atlas.perturbations(line)),
            of=total,
            megabytes=round(sum(path.stat().st_size for path, _ in files) / 1e6, 1),
        )
        for line, files in atlas.parts.items()
    )


def perturbable(response: ResponseModel) -> list[str]:
    """Return every gene whose loss the model can predict: those of the screens come first.

    The others follow by how near they stand to a measured one, so that the first parts of an atlas
    are the most useful.
    """
    grounds = {gene.symbol: response.ground(gene.symbol) for gene in response.genes()}
    said = [gene for gene, one in grounds.items() if one.known or one.nearest >= LEAST_SIMILARITY]
    return sorted(said, key=lambda one: (not grounds[one].known, -grounds[one].nearest, one))


class Builder:
    """Makes the parts that are missing, one at a time.

    Args:
        folder: Where the atlas lies.
        predictor: What to predict with.
        version: Of its weights.
        part_size: Perturbations of a part.
    """

    def __init__(
        self, folder: Path, predictor: BatchPredictor, version: str, part_size: int = PART_SIZE
    ) -> None:
        self._folder, self._version, self._size = folder, version, part_size
        self._predictor = predictor

    @classmethod
    def shipped(
        cls, folder: Path, response: ResponseModel, part_size: int = PART_SIZE
    ) -> "Builder":
        """Return the builder of a loaded model's atlas."""
        return cls(folder, BatchPredictor(Parts.of(response)), response.version, part_size)

    def missing(
        self, lines: Sequence[str], genes: Sequence[str]
    ) -> list[tuple[str, int, tuple[str, ...]]]:
        """Return line, number and perturbations of every part that is not there."""
        parts = [tuple(genes[i : i + self._size]) for i in range(0, len(genes), self._size)]
        todo = []
        for line in lines:
            for number, part in enumerate(parts):
                head = _head(self._path(line, number))
                if head != self._said(part):
                    todo.append((line, number, part))
        return todo

    def build(self, line: str, number: int, genes: tuple[str, ...]) -> int:
        """Make one part, whole or not at all, and return how many pairs it holds."""
        found = self._predictor.predict(genes, line)
        path = self._path(line, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        width = pa.binary(len(genes))
        columns = {
            name: pa.FixedSizeBinaryArray.from_buffers(
                width, len(found.readouts), [None, pa.py_buffer(encoded(values.T).tobytes())]
            )
            for name, values in (("p_de", found.p_de), ("p_up", found.p_up))
        }
        table = pa.table({"gene": list(found.readouts), **columns}).replace_schema_metadata(
            {"knockwise": self._said(genes).model_dump_json()}
        )
        with replacing(path) as draft:
            pq.write_table(
                table, draft, compression="zstd", row_group_size=ROW_GROUP, use_dictionary=False,
                write_statistics=False, write_page_checksum=True,
            )  # fmt: skip
        return int(found.p_de.size)

    def _path(self, line: str, number: int) -> Path:
        return self._folder / line / f"part-{number:04d}.parquet"

    def _said(self, genes: tuple[str, ...]) -> PartHead:
        return PartHead(format=FORMAT, response=self._version, perturbations=genes)


def _head(path: Path) -> PartHead | None:
    """Return what a part says of itself; None where there is none or it cannot be read."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        return PartHead.model_validate(json.loads(metadata[b"knockwise"]))
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return None


def _rows(
    path: Path, width: int, wanted: frozenset[str] | None
) -> tuple[tuple[str, ...], Bytes, Bytes]:
    """Return readouts and their bytes `(readouts, perturbations)`."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            genes = file.read(columns=["gene"]).column("gene").to_pylist()
            chosen = [i for i, gene in enumerate(genes) if wanted is None or gene in wanted]
            groups = sorted({i // ROW_GROUP for i in chosen})
            table = file.read_row_groups(groups, columns=["p_de", "p_up"], use_threads=True)
    except (OSError, pa.ArrowException):
        raise _damaged(path) from None
    starts = {group: at * ROW_GROUP for at, group in enumerate(groups)}
    at = np.array([starts[i // ROW_GROUP] + i % ROW_GROUP for i in chosen], np.int64)
    values = [_matrix(table.column(name), width)[at] for name in ("p_de", "p_up")]
    return tuple(genes[i] for i in chosen), values[0], values[1]


def _matrix(column: pa.ChunkedArray, width: int) -> Bytes:
    parts = [
        np.frombuffer(chunk.buffers()[1], np.uint8)[
            chunk.offset * width : (chunk.offset + len(chunk)) * width
        ].reshape(-1, width)
        for chunk in column.chunks
    ]
    return np.vstack([np.zeros((0, width), np.uint8), *parts])


def _damaged(path: Path) -> DataError:
    return DataError(f"{path} is damaged; delete it and run `knockwise atlas build`.")
