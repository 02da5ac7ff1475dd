"""Effects of a job, kept while they are computed and written as a table: exact, resumable."""

import csv
import gzip
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from app.jobs.asked import Asked
from app.show.terminal import plain
from knowledge.errors import DataError
from knowledge.files import LONGEST_NAME, harmless_cell, replacing, shortened
from knowledge.schema import Effect, Versions
from tools.effect_rows import CALLS, COLUMNS, DIGITS, NUMBERS, EffectRow, numbers

_BATCH = 20_000
_FLAGS = ("subtle", "seen_in_training", "abstained")
_WORDS = ("reason", "path")
_STORED = np.dtype(
    [
        ("call", "i1"),
        *((name, "?") for name in _FLAGS),
        *((n, "f8") for n in NUMBERS),
        *((name, "i4") for name in _WORDS),
    ]
)


class Effects:
    """The effects of a job as arrays, some sixty bytes a row."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._values = np.zeros(len(asked), _STORED)
        self._filled = np.zeros(len(asked), np.bool_)
        self._filled[list(asked.unknown)] = True
        # Few reasons and paths are said again and again.
        self._words: dict[str, int] = {}

    def put(self, at: int, line: Sequence[Any]) -> None:
        """Keep the line of the row at `at`, as `effect_line` makes it.

        Raises:
            ValueError: The row is there already, or the line is none.
        """
        if self._filled[at]:
            raise ValueError(f"row {at} was predicted before")
        values, words = line[: -len(_WORDS)], line[-len(_WORDS) :]
        told = (self._words.setdefault(word, len(self._words)) for word in words)
        # What is not known is None on paper and NaN in the array.
        self._values[at] = (*(np.nan if one is None else one for one in values), *told)
        self._filled[at] = True

    def rows(self, digits: int | None = DIGITS) -> Iterator[EffectRow]:
        """Iterate over the rows in the order asked.

        Raises:
            RuntimeError: A row is missing, which would be a bug.
        """
        if not self._filled.all():
            raise RuntimeError(f"{int((~self._filled).sum())} rows were not predicted")
        asked, words = self._asked, list(self._words)
        for at in range(len(asked)):
            if unknown := asked.unknown.get(at):
                yield EffectRow(
                    **unknown.model_dump(), kind=asked.kind, call="unknown", subtle=False,
                    path="", seen_in_training=False, abstained=True, **dict.fromkeys(NUMBERS),
                )  # fmt: skip
                continue
            perturbation = asked.perturbations[asked.which[at]]
            stored = self._values[at]
            values: dict[str, Any] = {name: bool(stored[name]) for name in _FLAGS}
            for name in NUMBERS:
                value = float(stored[name])
                rounded = value if digits is None else round(value, digits)
                values[name] = None if np.isnan(value) else rounded
            yield EffectRow.model_construct(
                perturbation="+".join(perturbation.genes),
                kind=perturbation.kind,
                cell_line=perturbation.cell_line,
                gene=asked.genes[asked.gene[at]],
                call=CALLS[stored["call"]],
                **{name: words[stored[name]] for name in _WORDS},
                **values,
            )


def effect_line(effect: Effect, path: str) -> tuple[Any, ...]:
    """Return an effect as it is kept: exact numbers, then the reason and the path in words."""
    return (
        CALLS.index(effect.call),
        effect.subtle,
        effect.seen_in_training,
        effect.abstained,
        *numbers(effect, digits=None).values(),
        plain(effect.reason),
        path,
    )


def fingerprint(asked: Asked, versions: Versions) -> str:
    """Identify a job: the same pairs, predicted with the same models and knowledge."""
    digest = hashlib.sha256(versions.model_dump_json().encode())
    for perturbation in asked.perturbations:
        digest.update(perturbation.model_dump_json().encode())
    digest.update("\n".join(asked.genes).encode())
    digest.update(asked.which.tobytes() + asked.gene.tobytes() + asked.sha256.encode())
    return digest.hexdigest()


class PartialFile:
    """What is predicted so far, beside the output: the job's fingerprint, then a line per row.

    Lines follow the job's order, a perturbation at a time. What a crash cut off, or what is not
    the line that belongs there, is dropped with its perturbation when the file is opened again.
    """

    def __init__(self, path: Path, file: BinaryIO, done: int) -> None:
        self._path, self._file = path, file
        self.rows = done

    @classmethod
    def open(cls, out: Path, job: str, asked: Asked, effects: Effects) -> Self:
        """Return the partial file of `out`, and put what it holds into `effects`.

        Raises:
            DataError: It cannot be written.
        """
        path = beside(out, ".partial")
        try:
            if path.is_symlink():
                path.unlink()  # somebody else's file lies behind it
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
            file = os.fdopen(descriptor, "r+b")
            end, done = _restored(file, f"{job}\n".encode(), asked, effects)
            file.seek(end)
            file.truncate()
            if not end:
                file.write(f"{job}\n".encode())
            return cls(path, file, done)
        except OSError as error:
            raise unwritable(out, error) from error

    def add(self, lines: Iterable[tuple[int, Sequence[Any]]]) -> None:
        """Keep the lines of one perturbation, with the row each belongs to.

        Raises:
            DataError: They cannot be written.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        count = 0
        for at, line in lines:
            writer.writerow([at, *map(_exact, line)])
            count += 1
        try:
            self._file.write(text.getvalue().encode())
            self._file.flush()
        except OSError as error:
            raise unwritable(self._path, error) from error
        self.rows += count

    def close(self) -> None:
        """Close the file; what could not be written has been told already."""
        with suppress(OSError):
            self._file.close()

    def remove(self) -> None:
        """Delete the file; the output is complete."""
        self._path.unlink(missing_ok=True)


def _exact(value: Any) -> Any:  # noqa: ANN401  # a cell of any type
    """Return a cell that is read back as it was: flags as 0 and 1, numbers with every digit."""
    if isinstance(value, bool | np.bool_):
        return int(value)
    return repr(float(value)) if isinstance(value, float) else value


def _restored(file: BinaryIO, head: bytes, asked: Asked, effects: Effects) -> tuple[int, int]:
    """Put the whole perturbations that lie in `file` into `effects`.

    Returns:
        Where they end in the file, and how many rows they are.
    """
    if file.readline() != head:
        return 0, 0
    end, done = len(head), 0
    for group in asked.groups:
        wanted = asked.order[group].tolist()
        raw = [file.readline() for _ in wanted]
        lines = [_parsed(one, at) for one, at in zip(raw, wanted, strict=True)]
        if any(line is None for line in lines):
            break
        for at, line in zip(wanted, lines, strict=True):
            effects.put(at, line or ())
        end += sum(map(len, raw))
        done += len(wanted)
    return end, done


def _parsed(raw: bytes, at: int) -> tuple[Any, ...] | None:
    """Return the line that belongs to the row `at`, or None if it is another or cut off."""
    if not raw.endswith(b"\n"):
        return None
    try:
        ((number, call, *rest),) = csv.reader([raw.decode()])
        flags, numbers, words = rest[:3], rest[3:9], rest[9:]
        if int(number) != at or len(words) != len(_WORDS) or not 0 <= int(call) < len(CALLS):
            return None
        return (
            int(call),
            *(flag == "1" for flag in flags),
            *(float(one) if one else None for one in numbers),
            *words,
        )
    except (ValueError, IndexError, csv.Error):
        return None


def beside(out: Path, ending: str) -> Path:
    """Return the path of a hidden file that belongs to `out`."""
    return out.with_name(f".{shortened(out.name, LONGEST_NAME - 1 - len(ending))}{ending}")


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the job that writes `out`; nobody else may write it meanwhile.

    Raises:
        DataError: Another process holds it.
    """
    from filelock import FileLock, Timeout

    path = beside(out, ".lock")
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise DataError(
            f"Another knockwise is writing {out} right now; wait for it, or name another --out."
        ) from None
    except OSError as error:
        raise unwritable(out, error) from error
    try:
        yield
    finally:
        # Held while it is removed: whoever opened it before finds it gone, and opens a new one.
        path.unlink(missing_ok=True)
        lock.release()


def csv_rows(asked: Asked, effects: Effects) -> Iterator[str]:
    """Iterate over the lines of the CSV file, its header first."""
    rows = zip(effects.rows(), asked.carried_cells(), strict=True)
    yield from csv_lines(
        (*COLUMNS, *(name for name, _ in asked.carried)),
        ((*(getattr(row, name) for name in COLUMNS), *cells) for row, cells in rows),
    )


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Iterate over the lines of a CSV file in which no cell runs in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for cells in chain([header], rows):
        text.seek(0)
        text.truncate()
        writer.writerow([harmless_cell(c) if isinstance(c, str) else c for c in cells])
        yield text.getvalue()


def write_effects(asked: Asked, effects: Effects, out: Path) -> None:
    """Write `out` whole or not at all: CSV, gzipped CSV, or parquet with exact numbers.

    Raises:
        DataError: It cannot be written.
    """
    try:
        with replacing(out) as draft:
            if out.suffix == ".parquet":
                _write_parquet(asked, effects, draft)
            elif out.suffix == ".gz":
                # mtime 0: the bytes depend on the content alone.
                with (
                    draft.open("wb") as raw,
                    gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
                ):
                    packed.writelines(line.encode() for line in csv_rows(asked, effects))
            else:
                with draft.open("w", encoding="utf-8", newline="") as file:
                    file.writelines(csv_rows(asked, effects))
    except OSError as error:
        raise unwritable(out, error) from error


def _write_parquet(asked: Asked, effects: Effects, path: Path) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    kinds = {**dict.fromkeys(NUMBERS, pa.float64()), **dict.fromkeys(_FLAGS, pa.bool_())}
    names = (*COLUMNS, *(name for name, _ in asked.carried))
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
    with ParquetWriter(path, schema) as writer:
        batch: list[tuple[object, ...]] = []
        for row, carried in zip(effects.rows(None), asked.carried_cells(), strict=True):
            batch.append((*(getattr(row, name) for name in COLUMNS), *carried))
            if len(batch) == _BATCH:
                writer.write_batch(_record_batch(batch, schema))
                batch = []
        if batch:
            writer.write_batch(_record_batch(batch, schema))


def _record_batch(rows: Sequence[Sequence[object]], schema: Any) -> Any:  # noqa: ANN401  # pyarrow has no types
    import pyarrow as pa

    columns = list(zip(*rows, strict=True))
    return pa.record_batch(
        [pa.array(c, field.type) for c, field in zip(columns, schema, strict=True)], schema=schema
    )


def unwritable(path: Path, error: OSError) -> DataError:
    """Return the error for a file that cannot be written."""
    return DataError(
        f"{path} cannot be written ({error.strerror or error}); make room or name another --out, "
        "and run the same command again to go on."
    )
