"""A result as it was read: genes that changed or did not, frozen, whatever they came in."""

from typing import Literal

from knowledge.schema import Direction, Frozen

CHANGED = 0.05
Kind = Literal["measured", "perturbed"]


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
