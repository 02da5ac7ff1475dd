"""Reads what people have: the result of a differential test or of a screen, or a bare list."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from knowledge.errors import QuestionError
from knowledge.schema import Direction, Frozen
from knowledge.symbols import SymbolTable
from knowledge.user_tables.columns import ColumnReading, mostly_mouse
from knowledge.user_tables.file import TableFile, TableRow, open_table, regular_file
from knowledge.user_tables.labels import LabelReader
from knowledge.user_tables.results import recognised

CHANGED = 0.05
# A gene that the test leaves this far from significance counts as unchanged.
UNCHANGED = 0.2
# Below this share of words that are genes, a file is no list of genes.
LEAST_GENES = 0.3
SHOWN = 3
Kind = Literal["measured", "perturbed"]

# Stems of international non-proprietary names (WHO): a word that ends so is a drug.
_DRUG = re.compile(
    r"[a-z]{2,}(nib|mab|statin|platin|mycin|cillin|azole|olol|pril|sartan|taxel|rubicin|ciclib|"
    r"parib|zomib|degib|lisib|inostat|dronate|oxacin|cycline|setron|triptan|gliptin|gliflozin|"
    r"glitazone|asone|olone|azepam|tidine|prazole|trexate|poside|tecan|limus)",
    re.IGNORECASE,
)
_GENE = (
    "gene", "genes", "symbol", "gene symbol", "gene name", "names", "feature", "id", "gene id",
    "hgnc symbol", "ensembl", "ensembl id", "target", "external gene name",
)  # fmt: skip
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
_UP = {
    "up", "+", "1", "↑", "▲", "increased", "upregulated", "higher", "induced", "u", "pos", "high",
}  # fmt: skip
_DOWN = {
    "down", "-", "-1", "−", "↓", "▼", "decreased", "downregulated", "lower", "repressed", "d",
    "neg", "low",
}  # fmt: skip
_BETWEEN = re.compile(r"[\s,;]+")
_SIGNED = re.compile(r"(?P<before>[+\-−↑↓]?)(?P<gene>[^\s+↑↓]*?[\w])(?P<after>[+\-−↑↓]?)")


class ListedGene(Frozen):
    """A gene of a result.

    Attributes:
        gene: Approved symbol, or the word itself where it is no gene that is known.
        known: Whether it is a gene.
        direction: Which way it went, where the result says so.
        effect: Its log fold change, in the result's own base; None where there is none.
        padj: Its adjusted p-value, likewise.
        level: Its mean expression, in the result's own unit.
        state: Whether it changed, did not, or lies between the two.
    """

    gene: str
    known: bool = True
    direction: Direction | None = None
    effect: float | None = None
    padj: float | None = None
    level: float | None = None
    state: Literal["changed", "unchanged", "between"] = "changed"


class ResultList(Frozen):
    """A result as it was read.

    Attributes:
        source: The file, or `the command line`.
        description: What it is, such as `a result of DESeq2`.
        kind: Whether its genes were measured, or perturbed as in a screen's summary.
        genes: Each gene once, in the order of the result.
        notes: How it was read, where that is not plain, each a sentence.
    """

    source: str
    description: str
    kind: Kind = "measured"
    genes: tuple[ListedGene, ...]
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[ListedGene, ...]:
        """Return the genes that changed, or the hits."""
        return tuple(one for one in self.genes if one.state == "changed")

    @property
    def unchanged(self) -> tuple[ListedGene, ...]:
        """Return the genes that were tested and did not change."""
        return tuple(one for one in self.genes if one.state == "unchanged" and one.known)

    @property
    def signs(self) -> dict[str, int]:
        """Return +1 up, -1 down, of every known gene that changed with a direction."""
        way = {"up": 1, "down": -1}
        return {one.gene: way[one.direction] for one in self.changed if one.known and one.direction}


class Reading(Frozen):
    """How a result is read.

    Attributes:
        alpha: The adjusted p-value up to which a gene changed.
        least_effect: The size of log fold change from which it did.
        group: Which group of a table of several.
    """

    alpha: float = CHANGED
    least_effect: float = 0.0
    group: str | None = None


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
        return _listed("the command line", "a list of genes", _words_of([words]), symbols,
                       orthologues)  # fmt: skip
    path = regular_file(path)
    if path.is_dir():
        raise QuestionError(f"{path} is a folder; name a table in it.")
    if not path.stat().st_size:
        raise QuestionError(f"{path} is empty; give a table or a list with at least one gene.")
    table = open_table(path)
    columns = _columns(table, symbols)
    if columns is None:
        lines = [" ".join(table.columns), *(" ".join(row.cells) for row in table.rows())]
        return _listed(path.name, "a list of genes", _words_of(lines), symbols, orthologues)
    return _tabled(path, table, columns, symbols, how, orthologues, pert)


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
    found = _listed("the list", "a list of genes", _words_of(words), symbols, orthologues)
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


def _columns(table: TableFile, symbols: SymbolTable) -> dict[str, int] | None:
    """Return where the parts of a result stand; None for a list without a header."""
    names = [name.casefold() for name in table.columns]
    first = next((name for name in table.columns if name), "")
    headless = symbols.approved(first.lstrip("+-")) is not None and first.casefold() not in _GENE
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
    gene = _first(table, _GENE)
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


def _tabled(
    path: Path,
    table: TableFile,
    columns: Mapping[str, int],
    symbols: SymbolTable,
    how: Reading,
    orthologues: Callable[[], Mapping[str, str]],
    pert: str,
) -> ResultList:
    known = recognised(table.columns)
    hits = known is not None and known.hits
    if hits and "neg" not in columns:
        raise QuestionError(
            f"{path} is {known.description if known else 'of guides'}; give the gene summary that "
            "`mageck test` writes beside it."
        )
    rows = list(table.rows())
    if not rows:
        raise QuestionError(f"{path} has no row but its header; give a table with genes.")
    notes = list(table.notes)
    rows = _of_group(path, rows, columns, how, pert, symbols, notes)
    words = [row.cells[columns["gene"]] for row in rows]
    read = _read_words(words, symbols, orthologues, path.name)
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
        genes=_once(genes),
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
    effect = _number(said)
    direction = _direction(said, effect)
    padj = _number(row.cells[columns["padj"]]) if "padj" in columns else None
    tested = "padj" in columns
    if "neg" in columns:
        sides = {"down": columns["neg"], "up": columns["pos"]}
        found = {way: _number(row.cells[at]) for way, at in sides.items() if at >= 0}
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
        level=_number(row.cells[columns["level"]]) if "level" in columns else None,
        state=state,
    )


def _number(word: str) -> float | None:
    try:
        value = float(word.replace(",", ".") if word.count(",") == 1 else word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _direction(word: str, effect: float | None) -> Direction | None:
    if effect:
        return "up" if effect > 0 else "down"
    bare = word.strip().casefold()
    return "up" if bare in _UP else "down" if bare in _DOWN else None


def _once(genes: Sequence[ListedGene]) -> tuple[ListedGene, ...]:
    """Return each gene once: the row with the smallest adjusted p-value."""
    best: dict[str, ListedGene] = {}
    for one in genes:
        held = best.get(one.gene)
        if held is None or (one.padj is not None and one.padj < (held.padj or math.inf)):
            best[one.gene] = one
    return tuple(best.values())


def _words_of(lines: Sequence[str]) -> Iterator[tuple[str, Direction | None]]:
    """Yield the words of a list with their signs: `DDIT3+`, `-LDLR`, `DDIT3 up`, `LDLR -1.8`."""
    for line in lines:
        waiting: str | None = None
        for word in filter(None, _BETWEEN.split(line.strip())):
            alone = _direction(word, _number(word))
            if waiting is not None and alone is not None:
                yield waiting, alone
                waiting = None
                continue
            if waiting is not None:
                yield waiting, None
                waiting = None
            if (_number(word) is not None) or word.casefold() in _UP | _DOWN:
                continue  # a number that is no direction, such as a rank
            match = _SIGNED.fullmatch(word)
            sign = (match["before"] or match["after"]) if match else ""
            bare = match["gene"] if match and sign else word
            if sign:
                yield bare, "up" if sign in "+↑" else "down"
            else:
                waiting = bare
        if waiting is not None:
            yield waiting, None


def _listed(
    source: str,
    description: str,
    words: Iterator[tuple[str, Direction | None]],
    symbols: SymbolTable,
    orthologues: Callable[[], Mapping[str, str]],
) -> ResultList:
    pairs = [pair for pair in words if pair[0].casefold() not in {*_GENE, "direction", "sign"}]
    if not pairs:
        raise QuestionError(f"{source} is empty; give a table or a list with at least one gene.")
    read = _read_words([word for word, _ in pairs], symbols, orthologues, source)
    genes = [
        ListedGene(
            gene=read.labels[word].genes[0] if read.labels[word].genes else word,
            known=bool(read.labels[word].genes),
            direction=direction,
        )
        for word, direction in pairs
    ]
    notes = list(read.notes)
    if not any(one.direction for one in genes):
        notes.append("The list says no directions, so none is compared; write DDIT3+ or LDLR-.")
    return ResultList(
        source=source, description=description, genes=_once(genes), notes=tuple(notes)
    )


def _read_words(
    words: Sequence[str],
    symbols: SymbolTable,
    orthologues: Callable[[], Mapping[str, str]],
    source: str,
) -> ColumnReading:
    """Return what the words mean.

    Raises:
        QuestionError: They are drugs, or mostly no human genes.
    """
    mouse = mostly_mouse(words)
    human_of = orthologues() if mouse else {}
    read = ColumnReading(
        [word for word in words if word],
        lambda entrez: LabelReader(
            symbols, entrez=entrez, orthologues=human_of, perturbed=False, suggest=len(words) < 50
        ),
        "gene",
        whole=True,
    )
    distinct = [word for word in read.counts if word]
    if not distinct:
        raise QuestionError(f"{source} names no gene; give a table or a list with at least one.")
    known = len(read.of("genes"))
    if known >= LEAST_GENES * len(distinct):
        return read
    drugs = [word for word in distinct if _DRUG.fullmatch(word.strip())]
    if len(drugs) >= LEAST_GENES * len(distinct):
        raise QuestionError(
            f"{source} lists drugs ({', '.join(drugs[:SHOWN])}), not genes; Knockwise explains "
            "genes: give the genes that changed, or the drugs' targets."
        )
    if mouse:
        raise QuestionError(
            f"{source} lists mouse genes ({', '.join(distinct[:SHOWN])}); run `knockwise data "
            "pull` for their human orthologues, or give human genes."
        )
    raise QuestionError(f"{source} is no list of human genes: {read.share()}.")
