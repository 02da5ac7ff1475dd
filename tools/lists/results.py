"""Reads what people have: the result of a differential test or of a screen, or a bare list."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from knowledge.errors import QuestionError
from knowledge.symbols import SymbolTable
from knowledge.user_tables.file import open_table, regular_file
from tools.lists.listed import ListedGene, Reading, ResultList
from tools.lists.listed_tables import columns_of, grouped, tabled
from tools.lists.listed_words import listed_genes, words_of


def read_result(
    words: str,
    symbols: SymbolTable,
    reading: Reading | None = None,
    orthologues: Callable[[], Mapping[str, str]] = dict,
    pert: str = "",
) -> ResultList:
    """Return a result: a table, a file with a gene a line, or signed symbols as they are.

    Args:
        words: A path, or symbols such as `DDIT3+,LDLR-`.
        symbols: The genes of today.
        reading: Thresholds.
        orthologues: Human genes of mouse genes, for a table of mouse cells.
        pert: What was perturbed, to choose among the groups of a table.

    Raises:
        QuestionError: It is empty, of drugs, of no genes, or cannot be read.
    """
    how = reading or Reading()
    path = Path(words)
    if not _is_file(path):
        if re.search(r"[/\\]|\.(csv|tsv|txt|gz|parquet|xlsx?)$", words) or not words.strip():
            raise QuestionError(f"{words or 'An empty name'} is no file; name a table or a list.")
        return listed_genes("the command line", "a list of genes", words_of([words]), symbols,
                       orthologues)  # fmt: skip
    path = regular_file(path)
    if path.is_dir():
        raise QuestionError(f"{path} is a folder; name a table in it.")
    if not path.stat().st_size:
        raise QuestionError(f"{path} is empty; give a table or a list with at least one gene.")
    table = open_table(path)
    columns = columns_of(table, symbols)
    if columns is None:
        lines = [" ".join(table.columns), *(" ".join(row.cells) for row in table.rows())]
        return listed_genes(path.name, "a list of genes", words_of(lines), symbols, orthologues)
    return tabled(path, table, columns, symbols, how, orthologues, pert)


def listed(
    words: Sequence[str],
    symbols: SymbolTable,
    unchanged: Sequence[str] = (),
    orthologues: Callable[[], Mapping[str, str]] = dict,
) -> ResultList:
    """Return a list that is given as words; no word of it is taken for a file.

    Args:
        words: Genes that changed, with their signs: `DDIT3+`, `LDLR-`, `LDLR down`, `LDLR -1.8`.
        symbols: The genes of today.
        unchanged: Genes that were tested and did not change, for the comparison with them.
        orthologues: Human genes of mouse genes.

    Raises:
        QuestionError: It is empty, of drugs, or of no genes.
    """
    found = listed_genes("the list", "a list of genes", words_of(words), symbols, orthologues)
    changed = {one.gene for one in found.genes}
    known = dict.fromkeys(symbols.approved(word) for word in unchanged)
    quiet = [
        ListedGene(gene=gene, state="unchanged") for gene in known if gene and gene not in changed
    ]
    return found.model_copy(update={"genes": (*found.genes, *quiet)})


def _is_file(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # a list of genes is too long for a path


def read_groups(
    path: Path,
    symbols: SymbolTable,
    reading: Reading | None = None,
    column: str | None = None,
    orthologues: Callable[[], Mapping[str, str]] = dict,
) -> dict[str, ResultList]:
    """Return each group of a table as a result, such as each perturbation of a screen.

    Args:
        path: The table.
        symbols: The genes of today.
        reading: Thresholds.
        column: The one whose words are the groups; found by its name by default.
        orthologues: Human genes of mouse genes.

    Raises:
        QuestionError: It is no table of groups, or cannot be read.
    """
    table = open_table(regular_file(path))
    columns = columns_of(table, symbols)
    at = table.column(column) if column is not None else (columns or {}).get("group")
    if columns is None or at is None:
        wanted = f"{column!r}" if column else "of groups, such as `group`"
        raise QuestionError(f"{path} has no column {wanted}; name the one that says what was done.")
    columns = {**columns, "group": at}
    if columns["gene"] == at:
        raise QuestionError(f"{path} has one column of genes; name that of readouts `gene`.")
    return grouped(path, table, columns, symbols, reading or Reading(), orthologues)
