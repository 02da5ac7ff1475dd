"""Tells counts from what looks like them: logarithms, TPM, FPKM, centred values; says so."""

import numpy as np

from knowledge.errors import QuestionError
from tools.counts.matrix import CountTable

# No table of logarithms of expression goes higher (2^32 reads).
_HIGHEST_LOG = 32.0
_FEW_READS = 1e6


def raw_counts(table: CountTable) -> tuple[CountTable, list[str]]:
    """Return the table with whole numbers, and how they were made, each a sentence.

    Raises:
        QuestionError: They are no counts; says what they look like.
    """
    values = table.counts.to_numpy(float)
    name = table.source
    if not np.isfinite(values).all():
        raise QuestionError(f"{name} holds values that are no numbers; correct or remove them.")
    if (values < 0).any():
        raise QuestionError(
            f"{name} holds negative values (the least is {values.min():.3g}): these are logarithms "
            "or were centred. A test of counts needs the raw counts, as the quantifier wrote them."
        )
    if values.max(initial=0) == 0:
        raise QuestionError(f"{name} holds nothing but zeros; give the counts of the samples.")
    fractional = values != np.round(values)
    share = float(fractional[values > 0].mean())
    sums = values.sum(axis=0)
    if share == 0:
        if values.max() <= _HIGHEST_LOG and len(values) > 1000:
            raise QuestionError(
                f"{name} holds whole numbers of at most {values.max():.0f}: they look like rounded "
                "logarithms. Give the raw counts, as the quantifier wrote them."
            )
        return table, []
    if values.max() <= _HIGHEST_LOG:
        raise QuestionError(
            f"{name} looks log-transformed: no value is above {values.max():.1f} and "
            f"{100 * share:.0f} % are no whole numbers. DESeq2 models the noise of counts, so its "
            "p-values would be wrong; give the raw counts, as the quantifier wrote them."
        )
    for unit, total in (("CPM or TPM", 1e6), ("counts per 10,000", 1e4)):
        if np.allclose(sums, total, rtol=0.02):
            raise QuestionError(
                f"{name} looks like {unit}: every sample adds up to {total:,.0f}. Scaled values "
                "have lost how many reads stand behind them; give the raw counts, as the "
                "quantifier wrote them."
            )
    if float(sums.max()) < _FEW_READS and share > 0.5:
        raise QuestionError(
            f"{name} holds fractions that add up to {sums.max():,.0f} a sample: they look like "
            "FPKM or otherwise scaled values; give the raw counts, as the quantifier wrote them."
        )
    rounded = table.counts.round()
    note = (
        f"{100 * share:.0f} % of the values of {name} are no whole numbers: they are read as "
        "estimated counts (salmon, kallisto, RSEM) and rounded; normalised counts would have to be "
        "replaced by raw ones."
    )
    return CountTable(
        rounded, name, table.description, table.symbols, table.samples, table.notes
    ), [note]
