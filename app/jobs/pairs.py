"""Files of (perturbation, readout) pairs: read strictly, each row predicted or told why not."""

import re
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
from knowledge.user_tables.columns import ColumnReading, mostly_mouse
from knowledge.user_tables.file import (
    TableFile,
    column_key,
    open_table,
    regular_file,
    require_columns,
)
from knowledge.user_tables.labels import Label, LabelReader
from knowledge.user_tables.words import ACTIVATION, MISSING

if TYPE_CHECKING:
    from knowledge.base import Knowledge
    from knowledge.symbols import SymbolTable

SHOWN_PROBLEMS = 3
# `TP53+/-` has lost one copy and names one gene.
_PLUS = re.compile(r"\+(?!/)")
ROLES: Mapping[str, tuple[str, ...]] = {
    "pert": (
        "perturbation", "perturbed", "perturbed_gene", "pert_gene", "gene_pert", "target_gene",
        "grna_target", "sgrna_target", "knockout", "knocked_out", "knockdown", "knocked_down", "ko",
    ),
    "gene": (
        "readout", "readout_gene", "response_gene", "response_id", "measured_gene", "gene_readout",
        "affected_gene",
    ),
    "cell_line": ("cell_line_name", "cell type", "line"),
}  # fmt: skip
KINDS: Mapping[str, PerturbationKind] = {
    **dict.fromkeys(
        ("knockout", "ko", "crisprko", "crispr", "cas9", "crisprcas9", "knockedout", "deletion"),
        "knockout",
    ),
    **dict.fromkeys(
        ("knockdown", "kd", "crispri", "knockeddown", "sirna", "shrna", "rnai", "dcas9krab"),
        "knockdown",
    ),
    **dict.fromkeys(
        ("activation", "crispra", "oe", "overexpression", "orf", "cdna", "activated"), "activation"
    ),
}
"""By key of a column's name: without case, blanks, hyphens and underscores."""


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
    return [word for joined in words for word in split_words(_PLUS.sub(",", joined))]


def perturbing(symbols: "SymbolTable", words: Sequence[str], kind: str) -> list[str]:
    """Return the words that name what is perturbed: a control beside a gene is none.

    Args:
        symbols: The genes of today.
        words: What is perturbed at once.
        kind: What is done.

    Raises:
        QuestionError: A label says that more of a gene is made, and that is not what is done.
    """
    reader = LabelReader(symbols, typed=True)
    for word in words:
        if kind != "activation" and word not in symbols and ACTIVATION.search(word):
            raise QuestionError(
                f"{plain(word)!r} says that more of the gene is made, and what is asked about is "
                f"a {kind}; name the gene alone, or ask about an activation."
            )
    genes = [word for word in words if not reader.is_control(word)]
    return genes or list(words)


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
    if "cell_line" in wanted and table.column("cell_line") is not None:
        wanted["cell_line"] = ()  # a column of cell types beside it says something else
    hint = "name the cell line of all rows with --cell-line, or put it into a column"
    roles = require_columns(table, wanted, _values(table, knowledge), {"cell_line": hint})
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
    words_of = {name: one.words for name, one in columns.items()}
    which, gene = np.full(len(lines), NOT_ASKED, np.int32), np.zeros(len(lines), np.int32)
    # `TP53_OE` is no knockdown.
    activated = {
        number
        for number, word in enumerate(columns["pert"].words)
        if perts.labels[word].told and ACTIVATION.search(word)
    }
    perturbations: dict[tuple[object, ...], int] = {}
    readouts: dict[str, int] = {}
    problems: dict[int, str] = {}
    for at in range(len(lines)):
        pert, readout, line, how = (
            meaning[name][int(numbers[name][at]) if name in numbers else 0]
            for name in ("pert", "gene", "cell_line", "kind")
        )
        wrong = malformed.get(at) or _first_problem(pert, readout, line, how)
        if not wrong and how != "activation" and int(numbers["pert"][at]) in activated:
            wrong = (
                f"{words_of['pert'][int(numbers['pert'][at])]!r} says that more of the gene is "
                "made; put activation into a column kind, or give --kind activation"
            )
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
    if word.strip().casefold() in MISSING:
        return _Problem(f"{word!r} in cell_line is a missing value")
    try:
        return knowledge.cell_lines.ground(word).name
    except KnockwiseError as error:
        return _Problem(error)


def _kind(word: str, usual: PerturbationKind) -> str | _Problem:
    if not word.strip():
        return usual
    found = KINDS.get(column_key(word))
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
