"""Asks an endpoint in every role that a language model has here, beside what answers without it.

Replies are kept: a run that was stopped goes on, and one whose replies are at hand is made anew
without a server.
"""

import asyncio
import gzip
import re
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import Field

from agent import narrative
from agent import question as reader
from agent.llm.chat import ChatModel
from agent.llm.open import open_chat
from agent.metering import Account, MeteredChat
from agent.session import Session
from agent.settings import Settings
from evals import recovery
from evals import roles as benchmark
from evals.altered_graphs import Relations
from evals.harness.run import REPLIES, Inputs, Run, part
from evals.harness.scores import Results, Score
from evals.harness.session import benchmark_session
from evals.recovery import clues, hidden_pairs, hunt
from evals.roles import score
from evals.roles.branches import answered_branch, curated_cases, databases_alone, textbook_cases
from evals.roles.facts import (
    BranchAnswer,
    BranchCase,
    Facts,
    ReadCase,
    Role,
    Spent,
    StepAnswer,
    StepCase,
    StoryAnswer,
    Test,
)
from evals.roles.page import BENCHMARK
from evals.roles.reading import read_case, read_cases
from evals.roles.steps import answered_steps, step_cases
from evals.roles.stories import QUESTIONS, told_story
from evals.rows import measured_pairs
from knowledge.base import Knowledge, load_knowledge
from knowledge.errors import RunError
from knowledge.progress import Progress
from knowledge.schema import Answer, Frozen
from knowledge.sources.genes import sources_root
from models.inputs.screens import SCREEN_FILES

KEPT = Path(__file__).parents[1] / "replies"
ROLES: tuple[Role, ...] = ("reading", "branches", "steps", "stories")
TEXTBOOK = "textbook/questions.tsv"
T = TypeVar("T")
A = TypeVar("A")


class RolesEval(Frozen):
    """What is asked; another value is another run.

    Attributes:
        model: The model's id.
        called: What tables call it; its id by default.
        roles: In which roles.
        branches: Cases per built-in pathway.
        steps: Genes whose hidden relations are sought.
        stories: Answers whose story is told.
        seed: Of everything that is drawn.
    """

    model: str
    called: str = ""
    roles: tuple[Role, ...] = ROLES
    branches: int = Field(1, ge=1)
    steps: int = Field(30, ge=1)
    stories: int = Field(len(QUESTIONS), ge=1, le=len(QUESTIONS))
    seed: int = 0

    @property
    def name(self) -> str:
        """Return what tables call the model."""
        return self.called or self.model


def kind_of(model: str) -> str:
    """Return what a model's figures are kept as."""
    return re.sub(r"[^\w.-]+", "-", f"roles-{model}")


def replies_of(model: str) -> Path:
    """Return the file of the repository that keeps a model's replies."""
    return KEPT / f"{kind_of(model)}.sqlite.gz"


def evaluate(
    data: Path,
    out: Path,
    run: RolesEval,
    settings: Settings,
    progress: Progress,
    *,
    chat: ChatModel | None = None,
    offline: bool = False,
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: The mirror; without its `textbook/` that part is left out.
        out: The run folder, which keeps the replies.
        run: What is asked; `model` must be the one that the endpoint serves.
        settings: Where the knowledge is, and the endpoint.
        progress: Told what is being done.
        chat: Answers instead of the endpoint.
        offline: Ask nobody: take the replies of the folder, else those of the repository.

    Raises:
        DataError: A label file is missing.
        RunError: `out` holds another run, or no reply of the model is kept.
        LLMError: No model answers.
    """
    replies = out / REPLIES
    if offline and not replies.is_file():
        _unpacked(run.name, replies)
    llm = settings.llm.model_copy(update={"cache": True, "cache_file": replies, "model": run.model})
    settings = settings.model_copy(update={"reasoner": "evidence", "llm": llm})
    files = {}
    if "steps" in run.roles:
        root = sources_root(data)
        files = {name: root / name for name in SCREEN_FILES}
    if (data / TEXTBOOK).is_file():
        files[TEXTBOOK] = data / TEXTBOOK
    if (compiled := settings.data / "compiled" / "manifest.json").is_file():
        files["compiled knowledge"] = compiled
    inputs = Inputs(files, (benchmark, recovery, reader, narrative))

    def work(folder: Run) -> Results:
        def opened() -> AbstractAsyncContextManager[ChatModel]:
            return nullcontext(chat) if chat else open_chat(settings, offline=offline)

        return _Asking(data, folder, run, settings, opened).results()

    return BENCHMARK.evaluate(out, run, inputs, work, progress)


def _unpacked(name: str, replies: Path) -> None:
    """Write the replies that the repository keeps to where a run looks for them."""
    kept = replies_of(name)
    if not kept.is_file():
        there = ", ".join(sorted(one.name for one in KEPT.glob("roles-*"))) or "none"
        raise RunError(f"No reply of {name or 'this model'} is kept ({there}); name its --called.")
    replies.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(kept) as packed, replies.open("wb") as file:
        shutil.copyfileobj(packed, file)


@dataclass
class _Asking:
    """The work of one run: cases first, which need no model, then its answers, each kept once."""

    data: Path
    run: Run
    settings: RolesEval
    world: Settings
    opened: Callable[[], AbstractAsyncContextManager[ChatModel]]
    scores: list[Score] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    spent: list[Spent] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)

    @cached_property
    def built_in(self) -> Session:
        """Return a session on the built-in pathways, which everybody has."""
        nothing = self.run.out / "units" / "no-data"
        return benchmark_session(
            self.world.model_copy(update={"data": nothing, "runs": self.run.out / "units" / "runs"})
        )

    @cached_property
    def knowledge(self) -> Knowledge:
        """Return all that is known."""
        return load_knowledge(self.world.data)

    def rng(self, number: int) -> np.random.Generator:
        """Return the source of a role's draws."""
        return np.random.default_rng([self.settings.seed, number])

    def results(self) -> Results:
        """Return what came of all roles."""
        work = {
            "reading": self.reading,
            "branches": self.branches,
            "steps": self.steps,
            "stories": self.stories,
        }
        scope = "built-in pathways"
        for role in self.settings.roles:
            work[role]()
        if "knowledge" in self.__dict__:
            scope = self.knowledge.scope
        facts = Facts(
            model=self.settings.name,
            scope=scope,
            tests=tuple(self.tests),
            spent=tuple(self.spent),
            dropped=self.dropped,
        )
        return Results.of(kind_of(self.settings.name), self.scores, facts)

    def reading(self) -> None:
        """Ask what questions mean."""
        file = self.data / TEXTBOOK
        textbook = file if file.is_file() else None
        known = self.built_in.knowledge
        cases = self.run.figures(
            "reading-cases", tuple[ReadCase, ...], lambda: tuple(read_cases(textbook, known))
        )
        read = self.asked(
            "reading", tuple[ReadCase, ...], cases, lambda case, chat: read_case(case, chat, known)
        )
        self.found(score.reading(read, self.settings.name))

    def branches(self) -> None:
        """Ask which first step leads on."""

        def made() -> tuple[BranchCase, ...]:
            graph, rng = self.knowledge.graph, self.rng(1)
            if not graph.has_databases:
                return ()
            alone = databases_alone(graph)
            file = self.data / TEXTBOOK
            theirs: Iterable[BranchCase] = ()
            if file.is_file():
                theirs = textbook_cases(file, self.knowledge, alone, rng)
            return (*theirs, *curated_cases(graph, alone, self.settings.branches, rng))

        cases = self.run.figures("branches-cases", tuple[BranchCase, ...], made)
        answers = self.asked("branches", tuple[BranchAnswer, ...], cases, answered_branch)
        self.found(score.branches(cases, answers, self.settings.name))

    def steps(self) -> None:
        """Ask which relations are missing."""

        def made() -> tuple[StepCase, ...]:
            relations = Relations(self.knowledge.graph)
            measured = measured_pairs(self.data)
            known = clues(self.knowledge, relations, measured[measured.split == "train"])
            hidden = hidden_pairs(relations, self.rng(2))
            found = hunt(relations, known, hidden, self.rng(3))
            return tuple(step_cases(found, relations, self.settings.steps, self.rng(4)))

        cases = self.run.figures("steps-cases", tuple[StepCase, ...], made)
        symbols = self.knowledge.symbols
        answers = self.asked(
            "steps",
            tuple[StepAnswer, ...],
            cases,
            lambda case, chat: answered_steps(case, chat, symbols),
        )
        if cases:
            self.found(score.steps(cases, answers, self.settings.name))

    def stories(self) -> None:
        """Ask for stories of answers."""
        told = QUESTIONS[: self.settings.stories]

        def made() -> tuple[Answer, ...]:
            return tuple(asyncio.run(self.built_in.ask(text)) for text in told)

        answers = self.run.figures("stories-cases", tuple[Answer, ...], made)
        known = self.built_in.knowledge
        lines = [line.name for line in known.cell_lines]
        stories = self.asked(
            "stories",
            tuple[StoryAnswer, ...],
            answers,
            lambda answer, chat: told_story(
                chat, answer, lines, lambda word: known.symbols.ground(word).gene is not None
            ),
        )
        self.found((score.stories(stories, self.settings.name), []))
        reasons = (
            one.rpartition(" (")[2].rstrip(")") for story in stories for one in story.dropped
        )
        self.dropped = dict(Counter(_kind(reason) for reason in reasons).most_common())

    def found(self, one: score.Found) -> None:
        """Keep what was found in a role."""
        self.scores += one[0]
        self.tests += one[1]

    def asked(
        self,
        role: Role,
        kind: type[tuple[A, ...]],
        cases: Sequence[T],
        ask: Callable[[T, ChatModel], Awaitable[A]],
    ) -> tuple[A, ...]:
        """Return the model's answers to cases, asked side by side, and count what they cost."""
        told = part(self.run.progress, ROLES.index(role) / len(ROLES), 1 / len(ROLES), role)
        told(f"{len(cases)} cases", 0.0)

        async def all_asked() -> tuple[A, ...]:
            async with self.opened() as chat:
                account = Account()
                metered = MeteredChat(chat, account)
                found = await asyncio.gather(*(ask(case, metered) for case in cases))
                if account.gone is not None:
                    raise account.gone
                usage = Spent(about=role, usage=account.usage)
                self.run.figures(f"{role}-cost", Spent, lambda: usage)
                return tuple(found)

        answers: tuple[A, ...] = self.run.figures(role, kind, lambda: asyncio.run(all_asked()))
        if cases:
            self.spent.append(self.run.figures(f"{role}-cost", Spent, lambda: Spent(about=role)))
        return answers


def _kind(reason: str) -> str:
    """Return a reason without the names and numbers in it."""
    kinds = {
        "is not the cell line": "another cell line",
        "the number": "a number that its facts do not have",
        "there is no fact": "a fact that there is not",
        "cites no fact": "no fact cited",
        "longer than": "too long",
        "goes": "a direction that its facts do not have",
        "go ": "a direction that its facts do not have",
        "the opposite": "the opposite of what its facts say",
        "is in none": "a gene that its facts do not have",
    }
    return next((kind for part, kind in kinds.items() if part in reason), "another reason")
