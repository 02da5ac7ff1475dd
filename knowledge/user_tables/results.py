"""Recognises the result tables of the usual programs by their columns; says what they are for."""

import re
from collections.abc import Sequence

from knowledge.schema import Frozen

PAIRS = "a prediction needs pairs, a table with the columns pert, gene and cell_line"

_KEPT = re.compile(r"[\s._\-|]+")
# Columns of genes in tables whose genes may be row names as well.
_GENES = frozenset({
    "gene", "genes", "symbol", "genesymbol", "hgncsymbol", "genename", "geneid", "feature",
    "externalgenename", "row",
})  # fmt: skip


class ResultTable(Frozen):
    """A kind of table that some program writes.

    Attributes:
        program: What writes it.
        description: What it is, for a sentence.
        genes: The column that names the genes.
        columns: Those that tell it from every other table, in lower case, without blanks, dots,
            bars, hyphens and underscores; `*|beta` and `*_names` end so.
        hits: Whether its genes are what was perturbed, rather than what was measured.
    """

    program: str
    description: str
    genes: str
    columns: frozenset[str]
    hits: bool

    def remedy(self, columns: Sequence[str]) -> str:
        """Return what to do with a table of these columns, for the end of a sentence."""
        role, what = ("pert", "perturbed") if self.hits else ("gene", "measured")
        usual = {_key(name): name for name in reversed(columns) if _key(name) in _GENES}
        named = {_key(name): name for name in columns}.get(_key(self.genes)) if self.genes else None
        column = named or next(iter(usual.values()), None)
        where = f"column {column!r} holds" if column else "row names are"
        use = "`knockwise explain FILE --pert GENE` says why they changed"
        if self.hits:
            use = "`knockwise explain FILE` says what links the hits"
        return f"its {where} {what} genes, which can be column {role} of pairs; {use}, and {PAIRS}."


def _key(name: str) -> str:
    """Return a column's name in lower case without blanks, dots, hyphens and underscores."""
    return _KEPT.sub("", name.strip().strip("\"'")).casefold()


def _table(
    program: str, description: str, genes: str, columns: str, *, hits: bool = False
) -> ResultTable:
    return ResultTable(
        program=program,
        description=description,
        genes=genes,
        columns=frozenset(one if one[0] == "*" else _key(one) for one in columns.split()),
        hits=hits,
    )


RESULT_TABLES = (
    _table("MAGeCK", "a gene summary of MAGeCK", "id", "id neg|score pos|score", hits=True),
    _table("MAGeCK", "a guide summary of MAGeCK", "Gene", "sgrna gene control_mean lfc", hits=True),
    _table("MAGeCK", "a gene summary of MAGeCK MLE", "Gene", "gene sgrna *|beta", hits=True),
    _table("MAGeCK", "a count table of MAGeCK", "Gene", "sgrna gene", hits=True),
    _table("DrugZ", "a result of DrugZ", "GENE", "gene sumz normz", hits=True),
    _table("BAGEL", "a result of BAGEL", "GENE", "gene bf", hits=True),
    _table("STARS", "a result of STARS", "Gene Symbol", "genesymbol starsscore", hits=True),
    _table("DESeq2", "a result of DESeq2", "", "basemean log2foldchange"),
    _table("edgeR", "a result of edgeR", "", "logfc logcpm"),
    _table("limma", "a result of limma", "", "logfc aveexpr"),
    _table("limma", "a result of limma", "", "logfc adjpval"),
    _table("scanpy", "a result of scanpy's rank_genes_groups", "names", "names scores"),
    _table("scanpy", "a result of scanpy's rank_genes_groups", "names", "names pvalsadj"),
    _table("scanpy", "a result of scanpy's rank_genes_groups", "", "*_names *_scores"),
    _table("scanpy", "a result of scanpy's rank_genes_groups", "", "*_n *_p"),
    _table("Seurat", "a result of Seurat's FindMarkers", "", "pval avglog2fc"),
    _table("Seurat", "a result of Seurat's FindMarkers", "", "pval avglogfc"),
    _table("Seurat", "a result of Seurat's FindMarkers", "", "pct1 pct2"),
    _table("Seurat", "a result of presto's wilcoxauc", "feature", "feature auc logfc"),
    _table("MAST", "a result of MAST", "primerid", "primerid coef pr(>chisq)"),
    _table("glmGamPoi", "a result of glmGamPoi", "name", "name adjpval lfc"),
    _table("diffxpy", "a result of diffxpy", "gene", "gene qval log2fc"),
    _table("sleuth", "a result of sleuth", "target_id", "targetid qval"),
    _table("Cuffdiff", "a result of Cuffdiff", "gene", "testid sample1 sample2"),
    _table("NOISeq", "a result of NOISeq", "", "m d prob ranking"),
)


def recognised(columns: Sequence[str]) -> ResultTable | None:
    """Return the kind of result table that has these columns; the most telling one of several."""
    names = {key for name in columns if (key := _key(name))}
    plain = [name.strip().strip("\"'").casefold() for name in columns]
    endings = {f"*{sign}{name.rpartition(sign)[2]}" for name in plain for sign in "|_"}
    return next((one for one in RESULT_TABLES if one.columns <= names | endings), None)
