"""Files of (perturbation, readout) pairs in, files of effects out: checked, resumable, atomic."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from app.terminal import plain
from knowledge.errors import DataError, KnockwiseError, QuestionError
from knowledge.schema import Call, Effect, Frozen, Perturbation, PerturbationKind, Versions
from tools.effect_rows import numbers

if TYPE_CHECKING:
    from knowledge.base import Knowledge
    from knowledge.symbols import SymbolTable

SHOWN_PROBLEMS = 3
FLUSH_EVERY = 200


class Pair(Frozen):
    """One prediction asked for."""

    perturbation: Perturbation
    gene: str


class Row(Frozen):
    """One line of the output; the fields are its columns."""

    perturbation: str
    kind: PerturbationKind
    cell_line: str
    gene: str
    call: Call
    subtle: bool
    p_de: float | None
    p_de_low: float | None
    p_de_high: float | None
    p_up: float | None
    p_up_low: float | None
    p_up_high: float | None
    seen_in_training: bool
    abstained: bool
    reason: str


COLUMNS = tuple(Row.model_fields)


def ground_gene(symbols: "SymbolTable", word: str) -> str:
    """Return the approved symbol that `word` means.

    Raises:
        QuestionError: It means no gene, or several; names the candidates.
    """
    found = symbols.ground(word)
    if found.gene is not None:
        return found.gene.symbol
    candidates = " or ".join(found.candidates[:3])
    if found.status == "ambiguous":
        raise QuestionError(f"{plain(word)!r} may mean {candidates}; use the approved symbol.")
    nearest = f"; did you mean {candidates}?" if candidates else "."
    raise QuestionError(f"{plain(word)!r} is no human gene that Knockwise knows{nearest}")


def read_pairs(path: Path, knowledge: "Knowledge", kind: str, cell_line: str | None) -> list[Pair]:
    """Return the pairs of a CSV file with columns pert, gene and cell_line.

    Raises:
        QuestionError: The file is no such table, or some rows cannot be used; names their lines.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionError(f"{path} cannot be read as CSV ({error}); check the file.") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="", restkey="")
    names = [(name or "").strip() for name in reader.fieldnames or ()]
    wanted = ("pert", "gene") if cell_line else ("pert", "gene", "cell_line")
    if missing := [name for name in wanted if name not in names]:
        raise QuestionError(
            f"{path} has no column {' and no column '.join(missing)}; the first line must name "
            "pert, gene and cell_line."
        )
    reader.fieldnames = names
    pairs, problems = [], []
    known: dict[tuple[str, str, str], Pair | str] = {}
    for row in reader:
        words = (row["pert"], row["gene"], row.get("cell_line") or cell_line or "")
        if words not in known:
            known[words] = _pair(knowledge, *words, kind)
        found = known[words]
        if isinstance(found, str):
            problems.append(f"line {reader.line_num}: {found.rstrip('.?')}")
        else:
            pairs.append(found)
    if problems:
        shown = "; ".join(problems[:SHOWN_PROBLEMS])
        more = len(problems) - SHOWN_PROBLEMS
        raise QuestionError(
            f"{path}: {len(problems)} of {len(problems) + len(pairs)} rows cannot be used ({shown}"
            f"{f'; and {more} more' if more > 0 else ''}); correct or remove them."
        )
    if not pairs:
        raise QuestionError(f"{path} holds no pairs; put one in each line.")
    return pairs


def _pair(knowledge: "Knowledge", pert: str, gene: str, line: str, kind: str) -> Pair | str:
    """Return the pair, or what is wrong with it."""
    try:
        if not (pert.strip() and gene.strip() and line.strip()):
            return "pert, gene and cell_line must not be empty"
        genes = [ground_gene(knowledge.symbols, word) for word in pert.split("+")]
        perturbation = Perturbation.model_validate(
            {
                "genes": tuple(dict.fromkeys(genes)),
                "kind": kind,
                "cell_line": knowledge.cell_lines.ground(line).name,
            }
        )
        return Pair(perturbation=perturbation, gene=ground_gene(knowledge.symbols, gene))
    except KnockwiseError as error:
        return str(error)


def row_of(pair: Pair, effect: Effect) -> Row:
    """Return the line for an effect, probabilities rounded to what they are worth."""
    return Row(
        perturbation="+".join(pair.perturbation.genes),
        kind=pair.perturbation.kind,
        cell_line=pair.perturbation.cell_line,
        gene=effect.gene,
        call=effect.call,
        subtle=effect.subtle,
        **numbers(effect),
        seen_in_training=effect.seen_in_training,
        abstained=effect.abstained,
        reason=plain(effect.reason),
    )


def cells(row: Row) -> tuple[object, ...]:
    """Return the values of a row in the order of the columns."""
    return tuple(getattr(row, name) for name in COLUMNS)


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue()


def fingerprint(pairs: Sequence[Pair], versions: Versions) -> str:
    """Identify a job: the same pairs, predicted with the same models and knowledge."""
    digest = hashlib.sha256(versions.model_dump_json().encode())
    for pair in pairs:
        digest.update(pair.model_dump_json().encode())
    return digest.hexdigest()


class PartialFile:
    """Rows predicted so far, beside the output: the job's fingerprint, then index and row as CSV.

    A line that was cut off by a crash is dropped when the file is opened again.
    """

    def __init__(self, path: Path, rows: int) -> None:
        self._path = path
        self.rows = rows
        self._file = path.open("a", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")

    @classmethod
    def open(cls, out: Path, job: str) -> Self:
        """Return the partial file of `out`, emptied if it belongs to another job."""
        path = out.with_name(f".{out.name}.partial")
        try:
            lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
            whole = [line for line in lines if line.endswith(b"\n")]
            if not whole or whole[0].strip() != job.encode():
                whole = [f"{job}\n".encode()]
            path.write_bytes(b"".join(whole))
            return cls(path, len(whole) - 1)
        except OSError as error:
            raise _unwritable(out, error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def add(self, index: int, row: Row) -> None:
        """Keep the row of the pair at `index`."""
        try:
            self._writer.writerow([index, *cells(row)])
            self.rows += 1
            if self.rows % FLUSH_EVERY == 0:
                self._file.flush()
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def in_order(self) -> Iterator[list[str]]:
        """Iterate over the rows in the order of the pairs."""
        with self._path.open(encoding="utf-8", newline="") as file:
            next(file)
            rows = sorted(csv.reader(file), key=lambda row: int(row[0]))
        return (row[1:] for row in rows)

    def remove(self) -> None:
        """Delete the file; the output is complete."""
        self._path.unlink()


def save(rows: Iterable[list[str]], out: Path) -> None:
    """Write `out` whole or not at all.

    Raises:
        DataError: It cannot be written.
    """
    partial = out.with_name(f".{out.name}.part")
    text = csv_text(rows)
    try:
        if out.suffix == ".parquet":
            import pandas as pd

            frame = pd.read_csv(io.StringIO(text), keep_default_na=False)
            frame.to_parquet(partial, index=False)
        else:
            partial.write_text(text, encoding="utf-8")
        partial.replace(out)
    except OSError as error:
        raise _unwritable(out, error) from error


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError(
        f"{path} cannot be written ({error.strerror}); make room or name another --out, and run "
        "the same command again to go on."
    )
