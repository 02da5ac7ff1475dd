"""What an evaluation of gene properties found, frozen, so that it can be kept and shown."""

from typing import Literal

from evals.harness.resampling import Estimate
from knowledge.schema import Frozen
from models.genen.graphs import GraphKind
from models.genen.labels import Kind, TaskName

Role = Literal["baseline", "network", "ours"]
Studied = Literal["words", "publications"]
ROUNDING = 0.0005
"""A difference that a table shows as zero is none."""
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


class Facts(Frozen):
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


class Score(Frozen):
    """One predictor on one task under one condition, every gene tested once per repeat.

    Attributes:
        task: What is predicted.
        condition: Graph, texts and splits.
        predictor: What tables call it.
        role: Whether it is a plain baseline, a graph network or ours.
        repeats: How often all genes were dealt into folds.
        value: AUROC, the mean over classes and folds; the Pearson correlation of a regression.
        f1: Mean F1 of the classes; a regression has none.
        among_hidden: The value among the genes whose texts are hidden, where some are.
    """

    task: TaskName
    condition: Condition
    predictor: str
    role: Role
    repeats: int
    value: Estimate
    f1: Estimate | None = None
    among_hidden: Estimate | None = None


class Gain(Frozen):
    """How far one predictor is ahead of another on the same splits and the same resamples.

    Attributes:
        task: What is predicted.
        condition: Of the one.
        predictor: The one.
        than: The other.
        than_condition: Of the other.
        gain: Its value less the other's, positive where the one is better.
    """

    task: TaskName
    condition: Condition
    predictor: str
    than: str
    than_condition: Condition
    gain: Estimate

    @property
    def verdict(self) -> str:
        """Return whether it is better or worse, by the interval of the gain."""
        if self.gain.low > ROUNDING:
            return "better"
        return "worse" if self.gain.high < -ROUNDING else "level"


class StudyScore(Frozen):
    """How well the less and the well studied half of a task's genes are predicted.

    Attributes:
        task: What is predicted.
        condition: Graph, texts and splits.
        predictor: What tables call it.
        by: Words of RefSeq's summary, or publications.
        less: Value among genes at or below the median of the task.
        well: Value among those above it.
        gap: Well less less.
    """

    task: TaskName
    condition: Condition
    predictor: str
    by: Studied
    less: Estimate
    well: Estimate
    gap: Estimate


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


class Metrics(Frozen):
    """Everything that was found."""

    kind: Literal["genen"] = "genen"
    tasks: tuple[Facts, ...]
    scores: tuple[Score, ...]
    gains: tuple[Gain, ...] = ()
    studied: tuple[StudyScore, ...] = ()
    neighbourhoods: tuple[Neighbourhood, ...] = ()
    quoted: tuple[Quoted, ...] = ()

    def find(self, task: TaskName, condition: Condition, predictor: str) -> Score | None:
        """Return one score, if it was taken."""
        for score in self.scores:
            if (score.task, score.condition, score.predictor) == (task, condition, predictor):
                return score
        return None
