"""What an evaluation of gene properties tells besides its scores, and under what conditions."""

from typing import Literal

from knowledge.schema import Frozen
from models.genen.graphs import GraphKind
from models.genen.labels import Kind, TaskName

Role = Literal["baseline", "network", "ours"]
Studied = Literal["words", "publications"]
GRAPH_NAMES: dict[GraphKind, str] = {"ppi": "PPI", "go": "GO", "go+ppi": "GO+PPI"}


class Condition(Frozen):
    """Under what circumstances a predictor is tried.

    Attributes:
        graph: What edges it is given; none for predictors that look at no edge.
        compartment: Whether GO's cellular components are in the graph.
        rewired: Whether the edges are shuffled, every degree as it was.
        hidden: Share of the genes' texts that is hidden.
        together: Whether genes of one and the same text stay on one side of every split.
    """

    graph: GraphKind | None = None
    compartment: bool = False
    rewired: bool = False
    hidden: float = 0.0
    together: bool = False

    @property
    def edges(self) -> str:
        """Return what tables call the graph."""
        if self.graph is None:
            return "no graph"
        name = GRAPH_NAMES[self.graph]
        return (
            f"{name} with CC" if self.compartment else f"{name} rewired" if self.rewired else name
        )

    @property
    def name(self) -> str:
        """Return what tables and folders call it."""
        hidden = f", {self.hidden:.0%} of texts hidden" if self.hidden else ""
        return f"{self.edges}{hidden}{', same texts together' if self.together else ''}"


HEADLINE = Condition(graph="go+ppi")
"""The graph with everything but what answers localisation and solubility by itself."""
WITH_COMPARTMENT = Condition(graph="go+ppi", compartment=True)
PLAIN = Condition()


class TaskFacts(Frozen):
    """What a task is.

    Attributes:
        task: What commands call it.
        title: The property in words.
        kind: What its labels are.
        genes: How many are labelled and protein-coding.
        classes: How many of them each class has.
        compartment_answers: Whether GO's cellular components tell the answer.
    """

    task: TaskName
    title: str
    kind: Kind
    genes: int
    classes: dict[str, int]
    compartment_answers: bool


class Neighbourhood(Frozen):
    """How alike neighbours are in the space of a map, before and after message passing.

    Attributes:
        task: Whose genes are drawn.
        genes: How many.
        space: What the vectors are.
        same_label: Share of the ten nearest genes that have a gene's own label.
        label_by_chance: The same of genes drawn at random.
        pathway: The set of genes most over-represented in one class.
        enriched_in: That class.
        odds: How many times more often than in the other classes.
        same_pathway: Share of the ten nearest of a member that are members.
        pathway_by_chance: The same of genes drawn at random.
    """

    task: TaskName
    genes: int
    space: str
    same_label: float
    label_by_chance: float
    pathway: str
    enriched_in: str
    odds: float
    same_pathway: float
    pathway_by_chance: float


class Quoted(Frozen):
    """What others published on a task of the same name, on other splits and often other genes."""

    task: TaskName
    model: str
    source: str
    value: float


class Facts(Frozen):
    """What the page tells; `conditions` are those that something was tried under."""

    tasks: tuple[TaskFacts, ...]
    conditions: tuple[Condition, ...]
    neighbourhoods: tuple[Neighbourhood, ...] = ()
    quoted: tuple[Quoted, ...] = ()
