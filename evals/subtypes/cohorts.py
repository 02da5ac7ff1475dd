"""The cohorts whose answer is known: what is read, and which groups are sought."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from knowledge.schema import Frozen
from tools.subtypes.matrix import Expression, FloatArray, read_expression
from tools.subtypes.methods import Data
from tools.subtypes.samples import aligned, names_in, read_table
from tools.subtypes.settings import Rule, SubtypeSettings

RARE = Rule()
# What is sought there is known to be about a seventh of tumours, before any is looked at.
LESS_RARE = Rule(most=0.2)


class Sought(Frozen):
    """A group that is known.

    Attributes:
        column: Of the samples' table.
        value: That its samples have there.
    """

    column: str
    value: str


class Cohort(Frozen):
    """Samples of one disease.

    Attributes:
        name: What tables call it.
        expression: Its file in the mirror.
        table: The table of its samples.
        methods: That are tried on it.
        truth: The column that partitions are compared with; empty where there is none.
        sought: Groups that are known.
        rule: What is rare.
        as_is: Whether values are coordinates.
        survival: Columns of time and event; empty where there are none.
    """

    name: str
    expression: str
    table: str
    methods: tuple[str, ...]
    truth: str = ""
    sought: tuple[Sought, ...] = ()
    rule: Rule = RARE
    as_is: bool = False
    survival: str = ""

    def settings(self, permutations: int, splits: int, seed: int) -> SubtypeSettings:
        """Return how it is searched."""
        return SubtypeSettings(
            methods=self.methods, as_is=self.as_is, permutations=permutations, splits=splits,
            rule=self.rule, seed=seed,
        )  # fmt: skip


QUICK = ("ica", "pca", "leiden")
EVERY = (*QUICK, "paper", "nmf", "consensus", "autoencoder")
COSTLY = ("paper", "nmf", "consensus", "autoencoder")
COHORTS: Mapping[str, Cohort] = {
    one.name: one
    for one in (
        Cohort(
            name="leukaemia",
            expression="tumours/cancer_all_leukaemia/all_expr_rma_log2.parquet",
            table="tumours/cancer_all_leukaemia/all_pheno.csv",
            methods=EVERY,
            truth="mol.biol",
            sought=(
                Sought(column="mol.biol", value="E2A/PBX1"),
                Sought(column="mol.biol", value="ALL1/AF4"),
            ),
        ),
        Cohort(
            name="colorectal",
            expression="tumours/cancer_crc_cms/tcga_crc_rsem_counts.csv.gz",
            table="tumours/cancer_crc_cms/tcga_crc_pheno.csv",
            methods=QUICK,
            truth="CMS.Syn",
            sought=(
                Sought(column="MSI", value="MSIH"),
                Sought(column="CMS.Syn", value="CMS1"),
            ),
            rule=LESS_RARE,
        ),
        Cohort(
            name="renal",
            expression="tumours/cancer_kirc_pins/GE.csv.gz",
            table="tumours/cancer_kirc_pins/survival.csv.gz",
            methods=QUICK,
            as_is=True,
            survival="Survival,Death",
        ),
    )
}


@dataclass(frozen=True, eq=False)
class Read:
    """A cohort as it is searched.

    Attributes:
        cohort: Which.
        expression: Of its samples.
        data: What the methods get.
        table: A row per sample.
    """

    cohort: Cohort
    expression: Expression
    data: Data
    table: pd.DataFrame

    def members(self, sought: Sought) -> frozenset[int]:
        """Return the samples of a known group."""
        return frozenset(
            np.flatnonzero((self.table[sought.column] == sought.value).to_numpy()).tolist()
        )

    def known(self, sought: Sought) -> frozenset[int]:
        """Return the samples of which it is known whether they are in a group."""
        return frozenset(np.flatnonzero((self.table[sought.column] != "").to_numpy()).tolist())


def read(cohort: Cohort, root: Path, genes: int) -> Read:
    """Return a cohort of the mirror."""
    table = read_table(root / cohort.table)
    expression = read_expression(root / cohort.expression, known=names_in(table))
    rows, _ = aligned(table, expression.samples, cohort.table)
    used: FloatArray = expression.values if cohort.as_is else expression.chosen(genes).values
    return Read(cohort, expression, Data.of(used), rows)
