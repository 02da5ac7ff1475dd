"""Genes that are written as words: signed lists, and the columns of a table that name genes."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from knowledge.errors import QuestionError
from knowledge.schema import Direction
from knowledge.symbols import SymbolTable
from knowledge.user_tables.columns import ColumnReading, mostly_mouse
from knowledge.user_tables.labels import LabelReader
from tools.lists.listed import ListedGene, ResultList

# Below this share of words that are genes, a file is no list of genes.
LEAST_GENES = 0.3
SHOWN = 3

# Stems of international non-proprietary names (WHO): a word that ends so is a drug.
_DRUG = re.compile(
    r"[a-z]{2,}(nib|mab|statin|platin|mycin|cillin|azole|olol|pril|sartan|taxel|rubicin|ciclib|"
    r"parib|zomib|degib|lisib|inostat|dronate|oxacin|cycline|setron|triptan|gliptin|gliflozin|"
    r"glitazone|asone|olone|azepam|tidine|prazole|trexate|poside|tecan|limus)",
    re.IGNORECASE,
)
GENE = (
    "gene", "genes", "symbol", "gene symbol", "gene name", "names", "feature", "id", "gene id",
    "hgnc symbol", "ensembl", "ensembl id", "target", "external gene name",
)  # fmt: skip
_UP = {
    "up", "+", "1", "↑", "▲", "increased", "upregulated", "higher", "induced", "u", "pos", "high",
}  # fmt: skip
_DOWN = {
    "down", "-", "-1", "−", "↓", "▼", "decreased", "downregulated", "lower", "repressed", "d",
    "neg", "low",
}  # fmt: skip
_BETWEEN = re.compile(r"[\s,;]+")
_SIGNED = re.compile(r"(?P<before>[+\-−↑↓]?)(?P<gene>[^\s+↑↓]*?[\w])(?P<after>[+\-−↑↓]?)")


def number_of(word: str) -> float | None:
    """Return the finite number that a cell holds, a comma for a point or not; None without one."""
    try:
        value = float(word.replace(",", ".") if word.count(",") == 1 else word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def direction_of(word: str, effect: float | None) -> Direction | None:
    """Return which way an effect or a word says, None for neither."""
    if effect:
        return "up" if effect > 0 else "down"
    bare = word.strip().casefold()
    return "up" if bare in _UP else "down" if bare in _DOWN else None


def once(genes: Sequence[ListedGene]) -> tuple[ListedGene, ...]:
    """Return each gene once: the row with the smallest adjusted p-value."""
    best: dict[str, ListedGene] = {}
    for one in genes:
        held = best.get(one.gene)
        if held is None or (one.padj is not None and one.padj < (held.padj or math.inf)):
            best[one.gene] = one
    return tuple(best.values())


def words_of(lines: Sequence[str]) -> Iterator[tuple[str, Direction | None]]:
    """Yield the words of a list with their signs: `DDIT3+`, `-LDLR`, `DDIT3 up`, `LDLR -1.8`."""
    for line in lines:
        waiting: str | None = None
        for word in filter(None, _BETWEEN.split(line.strip())):
            alone = direction_of(word, number_of(word))
            if waiting is not None and alone is not None:
                yield waiting, alone
                waiting = None
                continue
            if waiting is not None:
                yield waiting, None
                waiting = None
            if (number_of(word) is not None) or word.casefold() in _UP | _DOWN:
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


def listed_genes(
    source: str,
    description: str,
    words: Iterator[tuple[str, Direction | None]],
    symbols: SymbolTable,
    orthologues: Callable[[], Mapping[str, str]],
) -> ResultList:
    """Return signed words as a result.

    Raises:
        QuestionError: There is none, or they are no human genes.
    """
    pairs = [pair for pair in words if pair[0].casefold() not in {*GENE, "direction", "sign"}]
    if not pairs:
        raise QuestionError(f"{source} is empty; give a table or a list with at least one gene.")
    read = read_words([word for word, _ in pairs], symbols, orthologues, source)
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
    return ResultList(source=source, description=description, genes=once(genes), notes=tuple(notes))


def read_words(
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
