"""Tests which genes differ between groups of samples, by PyDESeq2, with shrunken fold changes.

The negative binomial model, its shared dispersions and its Wald test are those of DESeq2 (Love,
Huber and Anders 2014), the shrinkage that of apeglm (Zhu, Ibrahim and Love 2019).
"""

import io
import warnings
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

import numpy as np
import pandas as pd

from knowledge.errors import QuestionError
from tools.counts.design import Design

ALPHA = 0.05
# Genes with fewer counts over all samples tell nothing and cost time.
LEAST_COUNTS = 10
# A gene that the test leaves this far from significance counts as unchanged.
UNCHANGED = 0.2
COLUMNS = {
    "gene": "Approved symbol; the id where no gene is known by it.",
    "id": "The feature as the counts name it.",
    "base_mean": "Mean of normalised counts over the samples.",
    "log2_fold_change": "Maximum-likelihood log2 fold change; positive is higher in the group of "
    "interest.",
    "lfc_se": "Its standard error.",
    "stat": "Wald statistic.",
    "pvalue": "P-value; empty where a count is an outlier (Cook's distance).",
    "padj": "P-value adjusted by Benjamini and Hochberg; empty where the mean is too low to test.",
    "shrunken": "Log2 fold change shrunken by apeglm, for ranking and pictures.",
    "mean_test": "Mean of normalised counts in the group of interest.",
    "mean_reference": "Mean of normalised counts in the group that it is compared with.",
    "call": "`up` or `down` at the threshold, `unchanged` above 0.2, `between`, or `not tested`.",
}


@dataclass(frozen=True)
class Differential:
    """What a test found.

    Attributes:
        table: `COLUMNS`, a row for each feature that was tested, the smallest p-value first.
        size_factors: By sample.
        normalised: `(features, samples)` counts over size factors.
        alpha: The adjusted p-value up to which a gene changed.
        method: What was done, for the methods paragraph.
        notes: What a person should know, each a sentence.
    """

    table: pd.DataFrame
    size_factors: pd.Series
    normalised: pd.DataFrame
    alpha: float
    method: str
    notes: tuple[str, ...] = ()


def differential(
    counts: pd.DataFrame,
    design: Design,
    names: Sequence[str] = (),
    *,
    alpha: float = ALPHA,
    least_effect: float = 0.0,
    least_counts: int = LEAST_COUNTS,
    jobs: int = 2,
    shrink: bool = True,
) -> Differential:
    """Return the genes that differ.

    Args:
        counts: `(features, samples)`, whole numbers, the samples those of the design in order.
        design: What is compared.
        names: Approved symbol of each feature, "" where none is known.
        alpha: The adjusted p-value up to which a gene changed.
        least_effect: The size of log2 fold change from which it did.
        least_counts: Features with fewer counts in all are left out.
        jobs: Processes.
        shrink: Whether to shrink fold changes, which takes about half of the time.

    Raises:
        QuestionError: Nothing is left to test.
    """
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.default_inference import DefaultInference
    from pydeseq2.ds import DeseqStats

    symbols = pd.Series(list(names) or list(counts.index), counts.index)
    enough = counts.sum(axis=1) >= least_counts
    used = counts[enough].astype(int)
    if len(used) < 2 or not (used > 0).all(axis=1).any():
        raise QuestionError(
            f"Only {len(used):,} of {len(counts):,} genes have {least_counts} counts or more, or "
            "none is seen in every sample; these counts are too few to be normalised."
        )
    inference = DefaultInference(n_cpus=jobs)
    contrast = (design.matrix.columns == design.coefficient).astype(float)
    with warnings.catch_warnings(), quietly():
        warnings.simplefilter("ignore")
        data = DeseqDataSet(
            counts=used.T,
            metadata=design.samples,
            design=design.matrix,
            refit_cooks=True,
            inference=inference,
            quiet=True,
        )
        data.deseq2()
        stats = DeseqStats(data, contrast=contrast, alpha=alpha, inference=inference, quiet=True)
        stats.summary()
        found = stats.results_df.copy()
        if shrink:
            stats.lfc_shrink(coeff=design.coefficient)
            found["shrunken"] = stats.results_df["log2FoldChange"]
    factors = pd.Series(np.asarray(data.obs["size_factors"]), used.columns)
    normalised = used / factors
    table = pd.DataFrame(
        {
            "gene": [symbols[one] or one for one in used.index],
            "id": used.index,
            "base_mean": found["baseMean"],
            "log2_fold_change": found["log2FoldChange"],
            "lfc_se": found["lfcSE"],
            "stat": found["stat"],
            "pvalue": found["pvalue"],
            "padj": found["padj"],
            "shrunken": found.get("shrunken", found["log2FoldChange"]),
            **means(normalised, design),
        }
    )
    return Differential(
        table=called(table, alpha, least_effect),
        size_factors=factors,
        normalised=normalised,
        alpha=alpha,
        method="pydeseq2",
        notes=tuple(_notes(table, len(counts), len(used), least_counts)),
    )


def means(normalised: pd.DataFrame, design: Design) -> dict[str, pd.Series]:
    """Return the mean of normalised counts of both groups."""
    if not design.test:
        return {"mean_test": normalised.mean(axis=1), "mean_reference": normalised.mean(axis=1)}
    return {
        "mean_test": normalised[design.members(design.test)].mean(axis=1),
        "mean_reference": normalised[design.members(design.reference)].mean(axis=1),
    }


def called(table: pd.DataFrame, alpha: float, least_effect: float) -> pd.DataFrame:
    """Return a table with its calls, ordered by p-value."""
    padj, change = table["padj"], table["log2_fold_change"]
    large = change.abs() >= least_effect
    call = np.select(
        [
            padj.isna(),
            (padj <= alpha) & large & (change > 0),
            (padj <= alpha) & large & (change < 0),
            padj > max(UNCHANGED, alpha),
        ],
        ["not tested", "up", "down", "unchanged"],
        "between",
    )
    table = table.assign(call=call)
    order = table.assign(_size=-table["stat"].abs()).sort_values(["pvalue", "_size", "id"]).index
    return table.loc[order]


def by_gene(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per gene, by symbol: of several features the one with the highest mean."""
    best = table.sort_values("base_mean", ascending=False, kind="stable")
    best = best[~best["gene"].duplicated()].set_index("gene", drop=False)
    return best.loc[[one for one in dict.fromkeys(table["gene"]) if one in best.index]]


def _notes(table: pd.DataFrame, given: int, used: int, least: int) -> Iterable[str]:
    if used < given:
        yield (
            f"{given - used:,} of {given:,} features have fewer than {least} counts in all and "
            "were not tested."
        )
    if outliers := int(table["pvalue"].isna().sum()):
        yield (
            f"{outliers:,} features have no p-value, because one sample alone stands out (Cook's "
            "distance)."
        )


@contextmanager
def quietly() -> Generator[None]:
    """Keep what a library prints off stdout and stderr."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield
