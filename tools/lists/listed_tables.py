"""Tables of differential tests and of screens: where their parts stand, and what a row says."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from knowledge.errors import QuestionError
from knowledge.symbols import SymbolTable
from knowledge.user_tables.columns import ColumnReading
from knowledge.user_tables.file import TableFile, TableRow
from knowledge.user_tables.labels import LabelReader
from knowledge.user_tables.results import recognised
from tools.lists.listed import ListedGene, Reading, ResultList
from tools.lists.listed_words import GENE, direction_of, number_of, once, read_words

# A gene that the test leaves this far from significance counts as unchanged.
UNCHANGED = 0.2
_EFFECT = (
    "log2FoldChange", "logFC", "log2FC", "avg_log2FC", "avg_logFC", "logfoldchanges", "lfc",
    "log fold change", "coef", "effect", "direction", "sign", "change", "regulation",
)  # fmt: skip
_ADJUSTED = (
    "padj", "FDR", "adj.P.Val", "p_val_adj", "pvals_adj", "qvalue", "q value", "q",
    "adjusted p value", "p adj", "BH", "adj p",
)  # fmt: skip
_LEVEL = ("baseMean", "logCPM", "AveExpr", "mean expression")
_GROUP = ("group", "cluster", "comparison", "contrast")


def columns_of(table: TableFile, symbols: SymbolTable) -> dict[str, int] | None:
    """Return where the parts of a result stand; None for a list without a header.

    Raises:
        QuestionError: No column is of genes.
    """
    names = [name.casefold() for name in table.columns]
    first = next((name for name in table.columns if name), "")
    headless = symbols.approved(first.lstrip("+-")) is not None and first.casefold() not in GENE
    if headless or len(table.columns) == 0:
        return None
    found = {}
    for part, wanted in (
        ("effect", _EFFECT), ("padj", _ADJUSTED), ("level", _LEVEL), ("group", _GROUP),
    ):  # fmt: skip
        if (at := _first(table, wanted)) is not None:
            found[part] = at
    if {"neg|lfc", "pos|lfc"} <= set(names):
        found |= {"effect": names.index("pos|lfc")}
        found |= {"neg": _at(names, "neg|fdr"), "pos": _at(names, "pos|fdr")}
    gene = _first(table, GENE)
    if gene is None and (not table.columns[0] or "effect" in found or "padj" in found):
        gene = 0
    if gene is None and len(table.columns) == 1:
        return None
    if gene is None:
        raise QuestionError(
            f"{table.path} has no column of genes; name one of its columns `gene` (they are "
            f"{', '.join(map(repr, table.columns[:8]))})."
        )
    return {"gene": gene, **found}


def _first(table: TableFile, names: Sequence[str]) -> int | None:
    return next((at for name in names if (at := table.column(name)) is not None), None)


def _at(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else -1


def tabled(
    path: Path,
    table: TableFile,
    columns: Mapping[str, int],
    symbols: SymbolTable,
    how: Reading,
    orthologues: Callable[[], Mapping[str, str]],
    pert: str,
) -> ResultList:
    """Return a table as a result; of several groups, the one that is meant.

    Raises:
        QuestionError: It cannot be read, or no group is meant.
    """
    rows, notes = _rows(table, path), list(table.notes)
    rows = _of_group(path, rows, columns, how, pert, symbols, notes)
    return _result(path, table, columns, rows, notes, symbols, how, orthologues)


def grouped(
    path: Path,
    table: TableFile,
    columns: Mapping[str, int],
    symbols: SymbolTable,
    how: Reading,
    orthologues: Callable[[], Mapping[str, str]],
) -> dict[str, ResultList]:
    """Return every group of a table as a result of its own.

    Args:
        path: The file.
        table: It, opened.
        columns: Where its parts stand; `group` is one of them.
        symbols: The genes of today.
        how: Thresholds.
        orthologues: Human genes of mouse genes.

    Raises:
        QuestionError: A group cannot be read.
    """
    found: dict[str, list[TableRow]] = {}
    for row in _rows(table, path):
        found.setdefault(row.cells[columns["group"]], []).append(row)
    return {
        group: _result(path, table, columns, rows, list(table.notes), symbols, how, orthologues)
        for group, rows in found.items()
    }


def _rows(table: TableFile, path: Path) -> list[TableRow]:
    rows = list(table.rows())
    if not rows:
        raise QuestionError(f"{path} has no row but its header; give a table with genes.")
    return rows


def _result(
    path: Path,
    table: TableFile,
    columns: Mapping[str, int],
    rows: Sequence[TableRow],
    notes: list[str],
    symbols: SymbolTable,
    how: Reading,
    orthologues: Callable[[], Mapping[str, str]],
) -> ResultList:
    """Return rows of a table as a result."""
    known = recognised(table.columns)
    hits = known is not None and known.hits
    if hits and "neg" not in columns:
        raise QuestionError(
            f"{path} is {known.description if known else 'of guides'}; give the gene summary that "
            "`mageck test` writes beside it."
        )
    words = [row.cells[columns["gene"]] for row in rows]
    read = read_words(words, symbols, orthologues, path.name)
    notes += read.notes
    if "padj" not in columns and "neg" not in columns:
        notes.append(f"{path.name} has no adjusted p-values: every gene of it counts as changed.")
    if "effect" not in columns:
        notes.append(f"{path.name} says no direction, so none is compared.")
    genes = [_gene(row, columns, read, how) for row in rows if row.cells[columns["gene"]]]
    described = known.description if known else "a table of genes"
    return ResultList(
        source=path.name,
        description=described,
        kind="perturbed" if hits else "measured",
        genes=once(genes),
        notes=tuple(notes),
    )


def _of_group(
    path: Path,
    rows: list[TableRow],
    columns: Mapping[str, int],
    how: Reading,
    pert: str,
    symbols: SymbolTable,
    notes: list[str],
) -> list[TableRow]:
    """Return the rows of one group; the one that names the perturbation where none is given."""
    if "group" not in columns:
        return rows
    at = columns["group"]
    groups = list(dict.fromkeys(row.cells[at] for row in rows))
    if len(groups) < 2:
        return rows
    reader = LabelReader(symbols, suggest=False)
    wanted = how.group or next(
        (group for group in groups if pert and reader.read(group).genes == (pert,)), None
    )
    if wanted not in groups:
        shown = ", ".join(groups[:8])
        raise QuestionError(f"{path} holds several groups ({shown}); choose one with --group.")
    notes.append(f"Of {len(groups)} groups, {wanted} is read.")
    return [row for row in rows if row.cells[at] == wanted]


def _gene(
    row: TableRow, columns: Mapping[str, int], read: ColumnReading, how: Reading
) -> ListedGene:
    word = row.cells[columns["gene"]]
    label = read.labels[word]
    said = row.cells[columns["effect"]] if "effect" in columns else ""
    effect = number_of(said)
    direction = direction_of(said, effect)
    padj = number_of(row.cells[columns["padj"]]) if "padj" in columns else None
    tested = "padj" in columns
    if "neg" in columns:
        sides = {"down": columns["neg"], "up": columns["pos"]}
        found = {way: number_of(row.cells[at]) for way, at in sides.items() if at >= 0}
        chosen = {way: p for way, p in found.items() if p is not None}
        tested = True
        if chosen:
            way = min(chosen, key=lambda one: chosen[one])
            padj, direction = chosen[way], "up" if way == "up" else "down"
    large = effect is None or abs(effect) >= how.least_effect
    state: Literal["changed", "unchanged", "between"] = "changed"
    if tested:
        significant = padj is not None and padj <= how.alpha and large
        quiet = padj is not None and padj > max(UNCHANGED, how.alpha)
        state = "changed" if significant else "unchanged" if quiet else "between"
    elif not large:
        state = "between"
    return ListedGene(
        gene=label.genes[0] if label.genes else word,
        known=bool(label.genes),
        direction=direction,
        effect=effect,
        padj=padj,
        level=number_of(row.cells[columns["level"]]) if "level" in columns else None,
        state=state,
    )
