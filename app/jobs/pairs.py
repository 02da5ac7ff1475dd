"""Files of (perturbation, readout) pairs: read strictly, each row predicted or told why not."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.jobs.asked import NOT_ASKED, Asked, IntArray, UnknownRow
from app.show.terminal import plain
from knowledge.errors import KnockwiseError, QuestionError
from knowledge.schema import Perturbation, PerturbationKind
from knowledge.sources.registry import sha256_of
from knowledge.user_tables.file import (
    TableFile,
    open_table,
    regular_file,
    require_columns,
)
from knowledge.user_tables.labels import ColumnReading, Label, LabelReader, mostly_mouse

if TYPE_CHECKING:
    from knowledge.base import Knowledge
    from knowledge.symbols import SymbolTable

SHOWN_PROBLEMS = 3
ROLES: Mapping[str, tuple[str, ...]] = {
    "pert": ("perturbation", "perturbed_gene", "target_gene"),
    "gene": ("readout", "readout_gene"),
    "cell_line": ("cell line",),
}
KINDS: Mapping[str, PerturbationKind] = {
    "knockout": "knockout", "ko": "knockout", "crisprko": "knockout",
    "knockdown": "knockdown", "kd": "knockdown", "crispri": "knockdown",
    "activation": "activation", "crispra": "activation",
}  # fmt: skip


def split_words(words: str) -> list[str]:
    """Return the words that commas part.

    Raises:
        QuestionError: One of them is empty.
    """
    found = words.split(",")
    if not all(word.strip() for word in found):
        raise QuestionError(f"{plain(words)!r} names no gene in one place; write A,B.")
    return [word.strip() for word in found]


def split_perturbations(words: Sequence[str]) -> list[str]:
    """Return what is perturbed at once: each word names a gene, or genes joined by `+` or a comma.

    Raises:
        QuestionError: One of them is empty.
    """
    return [word for joined in words for word in split_words(joined.replace("+", ","))]


def ground_gene(symbols: "SymbolTable", word: str) -> str:
    """Return the approved symbol of one gene named on the command line.

    Raises:
        QuestionError: It means no gene, or several; names the candidates.
    """
    genes = ground_genes(symbols, word, perturbed=False)
    if len(genes) > 1:
        raise QuestionError(f"{plain(word)!r} names several genes; name one.")
    return genes[0]


def ground_genes(symbols: "SymbolTable", word: str, *, perturbed: bool = True) -> tuple[str, ...]:
    """Return the approved symbols that one word names; labels and missing values are no genes.

    Args:
        symbols: The genes of today.
        word: What somebody typed.
        perturbed: Whether it is perturbed; as a readout, CTRL is a gene.

    Raises:
        QuestionError: It means no gene, or one of several; names the candidates.
    """
    found = LabelReader(symbols, typed=True, perturbed=perturbed).read(word)
    if found.reading != "genes":
        raise QuestionError(f"{plain(found.problem).rstrip('.?')}{_end(found.problem)}")
    return found.genes


def _end(sentence: str) -> str:
    return "?" if sentence.endswith("?") else "."


class _Words:
    """Words numbered in the order in which they are met, so that a column is an array."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}
        self.rows = array("i")

    def add(self, word: str) -> None:
        self.rows.append(self.number.setdefault(word, len(self.number)))

    @property
    def words(self) -> list[str]:
        return list(self.number)

    def array(self) -> IntArray:
        return np.frombuffer(self.rows, np.int32) if self.rows else np.zeros(0, np.int32)


def read_pairs(
    path: Path,
    knowledge: "Knowledge",
    kind: PerturbationKind,
    cell_line: str | None = None,
    *,
    skip_unknown: bool = False,
    guide_pattern: str | None = None,
    controls: Sequence[str] = (),
    orthologues: Callable[[], Mapping[str, str]] = dict,
    tell: Callable[[str], None] = lambda note: None,
) -> Asked:
    """Return the pairs of a table with columns pert, gene and cell_line.

    Args:
        path: The file.
        knowledge: What words are grounded in.
        kind: What is done to the genes, where no column `kind` says so.
        cell_line: The line of rows that name none.
        skip_unknown: Keep rows that cannot be predicted, with the reason, instead of refusing.
        guide_pattern: What of a guide's label is the gene.
        controls: Labels of controls besides the usual words.
        orthologues: Returns the human symbols of mouse symbols, asked for where they are needed.
        tell: Told how the file was read where that is not plain.

    Raises:
        QuestionError: The file is no such table, or some rows cannot be used; names their lines.
    """
    table = open_table(regular_file(path))
    wanted = {name: names for name, names in ROLES.items() if name != "cell_line" or not cell_line}
    roles = require_columns(table, wanted, _values(table, knowledge))
    for name in ("cell_line", "kind"):
        if name not in roles and (at := table.column(name)) is not None:
            roles[name] = at
    digest = sha256_of(table.path)
    columns = {name: _Words() for name in roles}
    lines, malformed = array("q"), {}
    for row in table.rows():
        if row.problem:
            malformed[len(lines)] = row.problem
        lines.append(row.line)
        for name, at in roles.items():
            columns[name].add(row.cells[at])
    if not lines:
        raise QuestionError(f"{path} holds no pairs; put one in each line.")
    for note in table.notes:
        tell(note)

    def reading(name: str) -> ColumnReading:
        words = columns[name]
        mouse = orthologues() if mostly_mouse(words.words) else {}
        counts = dict(zip(words.words, np.bincount(words.array()).tolist(), strict=True))
        return ColumnReading(
            counts,
            lambda entrez: LabelReader(
                knowledge.symbols,
                controls=controls,
                guide_pattern=guide_pattern if name == "pert" else None,
                entrez=entrez,
                orthologues=mouse,
                perturbed=name == "pert",
            ),
            name,
        )

    perts, genes = reading("pert"), reading("gene")
    for note in (*perts.notes, *genes.notes):
        tell(plain(note))
    meaning: dict[str, list[Any]] = {
        "pert": _meaning(columns["pert"], lambda word: _genes_of(perts.labels[word])),
        "gene": _meaning(columns["gene"], lambda word: _genes_of(genes.labels[word], one=True)),
        "cell_line": _meaning(
            columns.get("cell_line"), lambda word: _line(knowledge, word or cell_line or "")
        ),
        "kind": _meaning(columns.get("kind"), lambda word: _kind(word, kind)),
    }
    numbers = {name: words.array() for name, words in columns.items()}
    which, gene = np.full(len(lines), NOT_ASKED, np.int32), np.zeros(len(lines), np.int32)
    perturbations: dict[tuple[object, ...], int] = {}
    readouts: dict[str, int] = {}
    problems: dict[int, str] = {}
    for at in range(len(lines)):
        pert, readout, line, how = (
            meaning[name][int(numbers[name][at]) if name in numbers else 0]
            for name in ("pert", "gene", "cell_line", "kind")
        )
        wrong = malformed.get(at) or _first_problem(pert, readout, line, how)
        if wrong:
            problems[at] = wrong
            continue
        which[at] = perturbations.setdefault((pert, line, how), len(perturbations))
        gene[at] = readouts.setdefault(readout[0], len(readouts))
    if problems and (not skip_unknown or len(problems) == len(lines)):
        raise QuestionError(_refusal(path, problems, lines, perts, genes))
    if problems:
        tell(
            f"{len(problems):,} of {len(lines):,} rows cannot be predicted; the column reason "
            "says why."
        )

    words_of = {name: one.words for name, one in columns.items()}

    def given(name: str, row: int) -> str:
        return words_of[name][int(numbers[name][row])] if name in numbers else ""

    return Asked(
        perturbations=tuple(
            Perturbation.model_validate({"genes": genes, "cell_line": line, "kind": how})
            for genes, line, how in perturbations
        ),
        genes=tuple(readouts),
        which=which,
        gene=gene,
        kind=kind,
        unknown={
            row: UnknownRow(
                perturbation=given("pert", row),
                cell_line=given("cell_line", row) or cell_line or "",
                gene=given("gene", row),
                reason=reason,
            )
            for row, reason in problems.items()
        },
        table=table,
        sha256=digest,
        roles=roles,
    )


class _Problem(str):
    """What is wrong with a word, told apart from what a word means."""

    __slots__ = ()


def _meaning(words: _Words | None, of: Callable[[str], Any]) -> list[Any]:
    """Return what each distinct word of a column means, or the problem with it."""
    return [of(word) for word in words.words] if words is not None else [of("")]


def _genes_of(label: Label, *, one: bool = False) -> tuple[str, ...] | _Problem:
    if not label.word.strip():
        return _Problem("pert, gene and cell_line must not be empty")
    if label.reading != "genes":
        return _Problem(label.problem)
    if one and len(label.genes) > 1:
        return _Problem(f"{label.word!r} names several genes; a readout is one")
    return label.genes


def _line(knowledge: "Knowledge", word: str) -> str | _Problem:
    if not word.strip():
        return _Problem("pert, gene and cell_line must not be empty")
    try:
        return knowledge.cell_lines.ground(word).name
    except KnockwiseError as error:
        return _Problem(error)


def _kind(word: str, usual: PerturbationKind) -> str | _Problem:
    if not word.strip():
        return usual
    found = KINDS.get(word.strip().casefold())
    return found or _Problem(f"{word!r} is no kind; write knockout, knockdown or activation")


def _first_problem(*meanings: object) -> str:
    return next((str(one) for one in meanings if isinstance(one, _Problem)), "")


def _refusal(
    path: Path,
    problems: Mapping[int, str],
    lines: Sequence[int],
    perts: ColumnReading,
    genes: ColumnReading,
) -> str:
    """Return the sentence that refuses a file, with the first lines and the counts."""
    first = list(problems.items())[:SHOWN_PROBLEMS]
    shown = "; ".join(f"line {lines[row]}: {reason.rstrip('.')}" for row, reason in first)
    more = len(problems) - len(first)
    counts = [
        f"in column {name}, {one.share()}"
        for name, one in (("pert", perts), ("gene", genes))
        if one.of("unknown")
    ]
    return plain(
        f"{path}: {len(problems):,} of {len(lines):,} rows cannot be used ({shown}"
        f"{f'; and {more:,} more' if more > 0 else ''}{'; ' if counts else ''}{'; '.join(counts)})"
        "; correct or remove them, or keep them as unknown with --skip-unknown."
    )


def _values(table: TableFile, knowledge: "Knowledge") -> list[str]:
    """Return the column names that are rather values: genes and cell lines."""
    return [
        name
        for name in table.columns
        if name and (name in knowledge.symbols or name in knowledge.cell_lines)
    ]
