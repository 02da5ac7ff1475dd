"""What an explanation says, gene by gene and in sum: frozen, so that any front door can show it."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from knowledge.schema import CascadeStep, Direction, Frozen, Perturbation, Probability

MOST_ROWS = 1000
Verdict = Literal["explained", "conflicting", "unexplained", "perturbed"]
Reason = Literal[
    "",
    "no edge into it",
    "cut off in this line",
    "too far",
    "gene unknown",
    "expected general response",
]
Expectation = Literal["expected", "opposite", "not expected", "not predicted"]


class PathTold(Frozen):
    """A signed path from the perturbation to a gene.

    Attributes:
        steps: First step first; without evidence ids.
        direction: Which way it says that the gene goes.
        score: Evidence score, the product over its steps; no probability of change.
        databases: Where its edges are from; `built-in pathways` for the starter pack.
        references: Papers behind its edges.
        programmes: Built-in pathways that it stays in.
        hub: The hub that it runs through, such as TP53; "" for none.
    """

    steps: tuple[CascadeStep, ...]
    direction: Direction
    score: float
    databases: tuple[str, ...]
    references: tuple[str, ...] = ()
    programmes: tuple[str, ...] = ()
    hub: str = ""

    @property
    def words(self) -> str:
        """Return it as `HSPA5 ↓ → ATF6 ↑ → DDIT3 ↑`."""
        arrows = {"up": "↑", "down": "↓"}
        changes = [self.steps[0].source, *(step.target for step in self.steps)]
        return " → ".join(f"{one.node} {arrows[one.direction]}" for one in changes)


class ExplainedGene(Frozen):
    """A changed gene and what explains it.

    Attributes:
        gene: Approved symbol, or the word of the list where it is no gene that is known.
        measured: Which way it went; None where the list does not say.
        effect: Log fold change, in the list's own base.
        padj: Adjusted p-value.
        verdict: `explained`: a path says this way (or any, where the list says none);
            `conflicting`: the best path says the other; `perturbed`: the perturbed gene itself.
        reason: Why it is unexplained.
        note: The reason in a sentence.
        path: The best path, whichever way it says.
        call: What is predicted without looking at the list.
        p_de: P(changes); None where no screen of the line read the gene.
        p_up: P(up if it changes).
        usual: How often it changes in the line, whatever is perturbed.
        expectation: The prediction beside the result.
        circular: Why the explanation or the prediction may know this very result; "" if it cannot.
    """

    gene: str
    measured: Direction | None
    effect: float | None = None
    padj: float | None = None
    verdict: Verdict
    reason: Reason = ""
    note: str = ""
    path: PathTold | None = None
    call: str = ""
    p_de: Probability | None = None
    p_up: Probability | None = None
    usual: Probability | None = None
    expectation: Expectation = "not predicted"
    circular: str = ""


class Share(Frozen):
    """A count of a whole."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        """The count as a part of the whole; None of nothing."""
        return self.count / self.of if self.of else None


class Controls(Frozen):
    """What the explained share is worth.

    Attributes:
        reached: Changed genes that some path reaches.
        reached_unchanged: Unchanged genes of the same table that some path reaches.
        reached_p: P-value of the two, Fisher's exact test, one-sided.
        explained: Changed genes that a path explains, of those with a direction.
        explained_unchanged: Unchanged genes whose fold change, however small, goes with the path.
        agreeing: Changed genes whose path says the measured way, of those that a path reaches.
        agreeing_shuffled: The same share with the signs of the paths' edges shuffled, on average.
        agreeing_p: Share of shuffled networks that agree as well.
        shuffles: How many were drawn.
        without_hubs: Explained genes whose path runs through no hub.
        hubs: Explained genes through each hub.
    """

    reached: Share
    reached_unchanged: Share
    reached_p: float | None = None
    explained: Share
    explained_unchanged: Share
    agreeing: Share
    agreeing_shuffled: float | None = None
    agreeing_p: float | None = None
    shuffles: int = 0
    without_hubs: Share
    hubs: Mapping[str, int] = Field(default_factory=dict)


class Expected(Frozen):
    """A gene that was expected to change most, and what became of it."""

    gene: str
    call: str
    p_de: Probability | None
    p_up: Probability
    seen: Literal["changed as expected", "changed the other way", "unchanged", "not in the result"]


class Foresight(Frozen):
    """The prediction that was made before looking, beside the result.

    Attributes:
        auroc: Probability that a changed gene had a higher P(changes) than an unchanged one.
        compared: Changed and unchanged genes behind it.
        direction: Changed genes whose predicted direction is the measured one, of those predicted.
        expected: What was most expected.
        surprises: Changed genes that were not expected.
        trained: Genes of the list whose training row is this very experiment.
    """

    auroc: float | None = None
    compared: tuple[int, int] = (0, 0)
    direction: Share
    expected: tuple[Expected, ...] = ()
    surprises: int = 0
    trained: int = 0


class ListExplanation(Frozen):
    """A result, explained.

    Attributes:
        source: The file.
        description: What it is.
        perturbation: What was done; of a screen's hits, its one gene is what the screen read.
        hits: Whether the genes are a screen's hits, perturbed to move that gene.
        changed: Genes that changed, rows left out included.
        tested: Genes of the table that are known.
        rows: At most 1,000, the explained first.
        counts: Changed genes by verdict, and the unexplained ones by reason.
        controls: What the explained share is worth.
        foresight: What was expected.
        notes: How the list was read, and what to be careful of.
        versions: Of knowledge and models.
    """

    source: str
    description: str
    perturbation: Perturbation
    hits: bool = False
    changed: int
    tested: int
    rows: tuple[ExplainedGene, ...]
    counts: Mapping[str, int]
    controls: Controls
    foresight: Foresight
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = Field(default_factory=dict)
