"""What was asked and answered in each role, case by case, and what the page tells of it."""

from typing import Literal

from agent.llm.chat import Usage
from knowledge.schema import EdgeEffect, Frozen

Role = Literal["reading", "branches", "steps", "stories"]
Verdict = Literal["right", "wrong", "refused"]
Found = Literal["right", "wrong", "known", "no gene"]


class ReadCase(Frozen):
    """A question and how it is read.

    Attributes:
        part: Which set it is of.
        text: The question.
        meanings: Readings that are right, as patterns of `agent.question.telling.short`.
        rules: What became of it by the rules; a refusal of what cannot be answered is right.
        by_rules: What they read, or why they refuse.
        refused: Whether they refuse.
        firm: Whether `ask` asks no model, because the rules read it or refuse for good.
        model: What the model makes of it; None where it was not asked.
        by_model: What it reads.
        both: What `ask` makes of it with the model.
    """

    part: str
    text: str
    meanings: tuple[str, ...]
    rules: Verdict
    by_rules: str
    refused: bool
    firm: bool
    model: Verdict | None = None
    by_model: str = ""
    both: Verdict = "refused"


class Option(Frozen):
    """A step that the databases offer: what it leads to, and how the perturbed gene acts on it."""

    gene: str
    effect: EdgeEffect


class BranchCase(Frozen):
    """A perturbed gene, a readout, and the first steps between which to choose.

    Attributes:
        part: Where the right step is from.
        gene: What is perturbed.
        gained: Whether it is activated, not lost.
        readout: What the effect is to reach.
        options: The steps, in an order without meaning.
        right: Place of the right one.
        evidence: Confidence of the best path of the databases through each.
    """

    part: str
    gene: str
    gained: bool
    readout: str
    options: tuple[Option, ...]
    right: int
    evidence: tuple[float, ...]


class BranchAnswer(Frozen):
    """The model's probability of each option."""

    p: tuple[float, ...]


class StepCase(Frozen):
    """A gene some of whose relations are hidden.

    Attributes:
        gene: Whose targets are sought.
        shown: Of those that are left, the ones that the model is told.
        linked: All that are left.
        hidden: Those that are hidden, and their sign.
        evidence: The best guesses of the clues that are left, as many as the model may make.
        popular: As many of the genes that most is known to act on.
        chance: How likely a guess among the genes that are not linked is right.
    """

    gene: str
    shown: tuple[str, ...]
    linked: tuple[str, ...]
    hidden: dict[str, int]
    evidence: tuple[str, ...]
    popular: tuple[str, ...]
    chance: float


class StepAnswer(Frozen):
    """What the model proposes for a gene: the symbol or word, what became of it, and the sign."""

    steps: tuple[tuple[str, Found, int], ...] = ()
    failed: str = ""


class StoryAnswer(Frozen):
    """How a story came out.

    Attributes:
        question: What was asked.
        templates: Sentences of our own, all of which the checker accepts.
        cited: Facts that they tell.
        written: Sentences that the model wrote.
        accepted: That followed from the answer at once.
        rewritten: That did when written anew.
        dropped: Those that did not, with the reasons.
        copied: Of those accepted, word for word a fact or the example of the prompt.
        told: Facts that the model's sentences tell.
        sections: Sections with a sentence of the model's.
        note: Why nothing is the model's, where that is so.
    """

    question: str
    templates: int
    cited: int
    written: int = 0
    accepted: int = 0
    rewritten: int = 0
    dropped: tuple[str, ...] = ()
    copied: int = 0
    told: int = 0
    sections: int = 0
    note: str = ""


class Test(Frozen):
    """Two ways on the same cases.

    Attributes:
        about: The role.
        part: Which cases.
        who: Whose answers.
        than: Beside whose.
        cases: How many.
        better: Where `who` is right and `than` is not.
        worse: The other way round.
        p: Two-sided exact McNemar test; 1 where the two never differ.
    """

    about: Role
    part: str
    who: str
    than: str
    cases: int
    better: int
    worse: int
    p: float


class Spent(Frozen):
    """What a role cost in all."""

    about: Role
    usage: Usage = Usage()


class Facts(Frozen):
    """What the page tells besides scores.

    Attributes:
        model: The model's id.
        scope: Of the knowledge that branches and steps are asked about.
        tests: Paired comparisons.
        spent: The cost.
        dropped: Why sentences were dropped, with counts, the commonest first.
    """

    model: str
    scope: str
    tests: tuple[Test, ...]
    spent: tuple[Spent, ...]
    dropped: dict[str, int]
