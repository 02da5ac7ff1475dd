"""What an evaluation of gene embeddings tells besides its scores."""

from typing import Literal, get_args

from knowledge.schema import Frozen
from models.genen.labels import Kind

Group = Literal[
    "Genomic properties",
    "Regulatory functions",
    "Localization",
    "Biological processes",
    "Protein properties",
]
GROUPS: tuple[Group, ...] = get_args(Group)
Origin = Literal["benchmark", "near", "additional"]
"""Labels of the benchmark's own source, of its definition from another release, or another task."""
HEADLINE: dict[Kind, str] = {
    "binary": "roc_auc",
    "multiclass": "roc_auc",
    "multilabel": "roc_auc",
    "regression": "pearson",
}
RANKED = "roc_auc_ranked"
"""AUC of the probabilities of several labels; the benchmark's own is that of hard decisions."""


class Coverage(Frozen):
    """An embedding, and how many genes it is of.

    Attributes:
        name: What tables call it.
        note: What it is made of.
        genes: Genes with a vector.
        dimensions: Length of a vector.
        unknown: Rows of a file whose gene is none of today.
        repeated: Rows of a file that were averaged with another of their gene.
        lacking: Genes with labels that it has no vector of.
    """

    name: str
    note: str
    genes: int
    dimensions: int
    unknown: int = 0
    repeated: int = 0
    lacking: int = 0


class TaskFacts(Frozen):
    """What a task is.

    Attributes:
        task: The benchmark's name; a derived task's is `task;class`.
        group: Which group of properties.
        kind: What the labels are.
        origin: Whether published scores are of the same labels.
        source: Where the labels come from.
        labelled: Genes with a label.
        genes: Of them, those that all compared embeddings have.
        published_genes: Size of the task as published, 0 where that is not said.
    """

    task: str
    group: Group
    kind: Kind
    origin: Origin
    source: str
    labelled: int
    genes: int
    published_genes: int

    @property
    def headline(self) -> str:
        """Return the metric that tables show: AUC, or Pearson of values."""
        return HEADLINE[self.kind]

    @property
    def derived(self) -> bool:
        """Return whether the task is one class of another task."""
        return ";" in self.task


class Absent(Frozen):
    """A task of the benchmark that cannot be scored here, and why.

    Attributes:
        task: The benchmark's name.
        group: Which group of properties, empty where the benchmark does not say.
        why: What is missing.
        derived: How many of its classes the benchmark makes tasks of their own.
    """

    task: str
    group: str
    why: str
    derived: int = 0


class Facts(Frozen):
    """What the page tells."""

    embeddings: tuple[Coverage, ...]
    tasks: tuple[TaskFacts, ...]
    absent: tuple[Absent, ...]
    skipped: tuple[Absent, ...] = ()
