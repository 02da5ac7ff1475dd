"""Files of (drug, readout) pairs: each row predicted from related drugs, or told why not."""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.jobs.asked import carried_columns
from app.jobs.effect_file import csv_lines, unwritable
from app.show.terminal import plain
from knowledge.errors import QuestionError
from knowledge.files import replacing
from knowledge.schema import Effect
from knowledge.user_tables.file import open_table, regular_file, require_columns
from tools.drugs import drug_effects
from tools.effect_rows import COLUMNS, DIGITS, EffectRow, numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from knowledge.symbols import SymbolTable
    from models.drugs.model import DrugModel

ROLES: Mapping[str, tuple[str, ...]] = {
    "drug": ("compound", "drug_name", "compound_name", "treatment", "sm_name"),
    "gene": ("readout", "readout_gene", "response_gene", "measured_gene"),
    "cell_line": ("cell_line_name", "cell_type", "cell type", "line", "context", "cells"),
}
"""Our columns, and further names that they go by."""
PERTURBED = ("pert", "perturbation", "target_gene", "knockout", "knockdown")
SHOWN = 3


def names_drugs(path: Path) -> bool:
    """Return whether a table of pairs names drugs in place of perturbed genes.

    Raises:
        QuestionError: The file is no table.
    """
    table = open_table(regular_file(path))
    drugs = ROLES["drug"][:3]
    return table.column("drug", *drugs) is not None and table.column(*PERTURBED) is None


@dataclass(frozen=True)
class DrugRows:
    """Rows in the order of a user's file.

    Attributes:
        rows: Predicted, or abstaining with the reason.
        carried: Names in the output of the columns of the user's own file.
        cells: What stands in them, row by row.
    """

    rows: Sequence[EffectRow]
    carried: tuple[str, ...]
    cells: Sequence[tuple[str, ...]]

    def records(self) -> Iterator[dict[str, Any]]:
        """Iterate over the rows as `--json` prints them."""
        for row, cells in zip(self.rows, self.cells, strict=True):
            yield {**row.model_dump(), **dict(zip(self.carried, cells, strict=True))}

    def lines(self) -> Iterator[str]:
        """Iterate over the lines of a CSV file, its header first."""
        rows = zip(self.rows, self.cells, strict=True)
        yield from csv_lines(
            (*COLUMNS, *self.carried),
            ((*(getattr(row, name) for name in COLUMNS), *cells) for row, cells in rows),
        )

    def write(self, out: Path) -> None:
        """Write a file whole or not at all: CSV, gzipped CSV or parquet.

        Raises:
            DataError: It cannot be written.
        """
        try:
            with replacing(out) as draft:
                if out.suffix == ".parquet":
                    import pandas as pd

                    table = pd.DataFrame([row.model_dump() for row in self.rows])
                    for at, name in enumerate(self.carried):
                        table[name] = [cells[at] for cells in self.cells]
                    table.to_parquet(draft, index=False)
                elif out.suffix == ".gz":
                    # mtime 0: the bytes depend on the content alone.
                    with draft.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as to:
                        to.writelines(line.encode() for line in self.lines())
                else:
                    with draft.open("w", encoding="utf-8", newline="") as file:
                        file.writelines(self.lines())
        except OSError as error:
            raise unwritable(out, error) from error


def predicted_drugs(
    path: Path,
    model: "DrugModel",
    symbols: "SymbolTable",
    cell_line: str | None = None,
    *,
    skip_unknown: bool = False,
    tell: "Callable[[str], None]" = lambda note: None,
) -> DrugRows:
    """Return the predictions for a table with columns drug, gene and cell_line.

    A drug that no table has gets what drugs usually do to the gene, and its reason says so; a
    readout that was not read in the cells abstains.

    Args:
        path: The file.
        model: The drug model.
        symbols: Brings the readouts up to date.
        cell_line: The kind of cells of rows that name none.
        skip_unknown: Keep rows without a drug, a gene or known cells, instead of refusing the file.
        tell: Told how the file was read where that is not plain.

    Raises:
        QuestionError: The file is no such table, or some rows cannot be used; names their lines.
    """
    table = open_table(regular_file(path))
    wanted = {name: names for name, names in ROLES.items() if name != "cell_line" or not cell_line}
    hint = "name the cells of all rows with --cell-line, or put them into a column"
    roles = require_columns(table, wanted, (), {"cell_line": hint})
    if "cell_line" not in roles and (at := table.column("cell_line")) is not None:
        roles["cell_line"] = at
    for note in table.notes:
        tell(note)
    reader = _Reader(model, symbols, cell_line or "")
    asked: list[tuple[str, str, str]] = []
    cells: list[tuple[str, ...]] = []
    problems: dict[int, str] = {}
    lines: list[int] = []
    carried = carried_columns(table, roles)
    for number, row in enumerate(table.rows()):
        words = {name: row.cells[at].strip() for name, at in roles.items()}
        lines.append(row.line)
        cells.append(tuple(row.cells[at] for _, at in carried))
        place = reader.cells(words.get("cell_line", "") or reader.usual)
        asked.append((words["drug"], words["gene"], place or words.get("cell_line", "")))
        if wrong := row.problem or reader.trouble(words["drug"], words["gene"], asked[-1][2]):
            problems[number] = wrong
    if not asked:
        raise QuestionError(f"{path} holds no pairs; put one in each line.")
    if problems and (not skip_unknown or len(problems) == len(asked)):
        raise QuestionError(_refusal(path, problems, lines))
    if problems:
        tell(f"{len(problems):,} of {len(asked):,} rows cannot be predicted; the column reason "
             "says why.")  # fmt: skip
    rows = reader.rows(asked, problems)
    if unknown := sorted({drug for drug, _, _ in asked if drug and model.find(drug) is None}):
        shown = ", ".join(unknown[:SHOWN]) + (" ..." if len(unknown) > SHOWN else "")
        tell(
            f"{len(unknown):,} names are no drugs of any table ({plain(shown)}); their rows have "
            "what drugs usually do to the gene."
        )
    return DrugRows(rows, tuple(name for name, _ in carried), cells)


class _Reader:
    """Reads the words of a table and predicts the rows of a drug and its cells together."""

    def __init__(self, model: "DrugModel", symbols: "SymbolTable", usual: str) -> None:
        self._model, self._symbols, self.usual = model, symbols, usual
        self._read: dict[str, frozenset[str]] = {}

    def cells(self, word: str) -> str:
        """Return the kind of cells that a word means; empty for none."""
        return self._model.context(word) if word in self._model else ""

    def trouble(self, drug: str, gene: str, cells: str) -> str:
        """Return why a row cannot be used; empty if it can."""
        if not drug or not gene or not cells:
            return "drug, gene and cell_line must not be empty"
        if cells not in self._model:
            known = ", ".join(self._model.contexts)
            return f"no screen of drugs was made in {cells!r}; there are {known}"
        return ""

    def readout(self, word: str, cells: str) -> str:
        """Return the readout that a word means; a word that means none stays as it is."""
        read = self._read.get(cells)
        if read is None:
            read = self._read[cells] = frozenset(self._model.readouts(cells))
        if word in read:
            return word
        for name in (self._model.older.get(word), self._symbols.approved(word)):
            if name in read:
                return str(name)
        gene = self._symbols.ground(word, suggest=False).gene
        return gene.symbol if gene is not None else word

    def rows(
        self, asked: Sequence[tuple[str, str, str]], problems: Mapping[int, str]
    ) -> list[EffectRow]:
        """Return a row for each line of the table."""
        together: dict[tuple[str, str], list[int]] = {}
        for number, (drug, _, cells) in enumerate(asked):
            if number not in problems:
                together.setdefault((drug, cells), []).append(number)
        out: dict[int, EffectRow] = {
            number: _row(asked[number][0], asked[number][2], _nothing(asked[number][1], reason))
            for number, reason in problems.items()
        }
        for (drug, cells), numbers_ in together.items():
            genes = [self.readout(asked[number][1], cells) for number in numbers_]
            found = self._model.predict(drug, genes, cells)
            for number, effect in zip(numbers_, drug_effects(found), strict=True):
                out[number] = _row(found.drug, found.context, effect)
        return [out[number] for number in range(len(asked))]


def _row(drug: str, cells: str, effect: Effect) -> EffectRow:
    return EffectRow.model_construct(
        perturbation=drug,
        kind="drug",
        cell_line=cells,
        gene=effect.gene,
        call=effect.call,
        **numbers(effect, DIGITS),
        seen_in_training=effect.seen_in_training,
        reason=plain(effect.reason),
        path="",
        subtle=False,
        abstained=effect.abstained,
    )


def _nothing(gene: str, reason: str) -> Effect:
    return Effect(
        gene=gene, p_de=None, p_up=0.5, interval=None, p_up_interval=None, call="unknown",
        abstained=True, reason=reason,
    )  # fmt: skip


def _refusal(path: Path, problems: Mapping[int, str], lines: Sequence[int]) -> str:
    """Return the sentence that refuses a file, with the first lines that cannot be used."""
    first = list(problems.items())[:SHOWN]
    shown = "; ".join(f"line {lines[number]}: {reason}" for number, reason in first)
    more = len(problems) - len(first)
    return plain(
        f"{path}: {len(problems):,} of {len(lines):,} rows cannot be used ({shown}"
        f"{f'; and {more:,} more' if more > 0 else ''}); correct or remove them, or keep them as "
        "unknown with --skip-unknown."
    )
