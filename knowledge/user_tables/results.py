"""Recognises the result tables of the usual programs by their columns; says what they are for."""

from collections.abc import Sequence

from knowledge.schema import Frozen

PAIRS = (
    "a prediction needs pairs, a table with the columns pert, gene and cell_line; for one gene ask "
    "`knockwise predict --pert GENE`."
)


class ResultTable(Frozen):
    """A kind of table that some program writes.

    Attributes:
        program: What writes it.
        description: What it is, for a sentence.
        genes: The column that names the genes.
        columns: Those that tell it from every other table, in lower case.
        hits: Whether its genes are what was perturbed, rather than what was measured.
    """

    program: str
    description: str
    genes: str
    columns: frozenset[str]
    hits: bool

    @property
    def remedy(self) -> str:
        """Return what to do with it, for the end of a sentence."""
        role, column = ("pert", "perturbed") if self.hits else ("gene", "measured")
        where = f"column {self.genes!r}" if self.genes else "row names"
        return f"its {where} names {column} genes, which can be the column {role}; {PAIRS}"


def _table(
    program: str, description: str, genes: str, columns: str, *, hits: bool = False
) -> ResultTable:
    return ResultTable(
        program=program,
        description=description,
        genes=genes,
        columns=frozenset(columns.split()),
        hits=hits,
    )


RESULT_TABLES = (
    _table("MAGeCK", "a gene summary of MAGeCK", "id", "id neg|score pos|score", hits=True),
    _table("MAGeCK", "a guide summary of MAGeCK", "Gene", "sgrna gene control_mean lfc", hits=True),
    _table("MAGeCK", "a count table of MAGeCK", "Gene", "sgrna gene", hits=True),
    _table("DESeq2", "a result of DESeq2", "", "basemean log2foldchange padj"),
    _table("edgeR", "a result of edgeR", "", "logfc logcpm pvalue"),
    _table("limma", "a result of limma", "", "logfc aveexpr adj.p.val"),
    _table("scanpy", "a result of scanpy's rank_genes_groups", "names", "names scores pvals_adj"),
    _table("Seurat", "a result of Seurat's FindMarkers", "", "p_val avg_log2fc pct.1 pct.2"),
)


def recognised(columns: Sequence[str]) -> ResultTable | None:
    """Return the kind of result table that has these columns; the most telling one of several."""
    names = {name.strip().casefold() for name in columns}
    return next(
        (one for one in RESULT_TABLES if one.columns <= names or _is_beta(names, one)), None
    )


def _is_beta(names: set[str], one: ResultTable) -> bool:
    """Return whether the columns are those of MAGeCK's maximum likelihood, one set a condition."""
    return (
        one.columns == RESULT_TABLES[0].columns
        and {"gene", "sgrna"} <= names
        and any(name.endswith("|beta") for name in names)
    )
