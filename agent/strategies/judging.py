"""How a strategy judges a case: what it returns, and the conversation that all of them hold."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

from jinja2 import Environment
from pydantic import BaseModel

from agent.llm.chat import ChatModel, Message, Usage
from agent.llm.errors import ContextOverflowError, LLMError, UnreachableError
from agent.llm.structured import structured
from agent.metering import Account, MeteredChat
from agent.question.telling import starts
from agent.strategies.case import Case, Heading
from agent.strategies.ladder import MEANING
from agent.templates import prompt_environment, templates
from agent.wording import listed
from knowledge.schema import Evidence, Frozen, Perturbation, Probability

Task = Literal["de", "dir"]
OPTIONS: Mapping[Task, tuple[str, str]] = {"de": ("yes", "no"), "dir": ("up", "down")}
ABOUT = "about"
"""What the genes are, in a sentence each; no heading, since any template may say it."""
FOLDER = Path(__file__).parent
# Gene symbols and identifiers break into short tokens; English has four characters to a token.
CHARACTERS_PER_TOKEN = 2.5
REASONING_TOKENS = 512
# What follows the opening of a conversation: reasoning, once more after an error, and questions.
RESERVED_TOKENS = 2 * REASONING_TOKENS + 512
# A prompt that the server finds too long all the same is tried again, shorter and shorter.
SHARES = (1.0, 0.5, 0.25)
_DONE = {
    "knockout": "knocked out",
    "knockdown": "knocked down",
    "activation": "activated",
    "drug": "given",
}


class Judgement(Frozen):
    """What a language model makes of a case; `None` where it gave nothing usable.

    Attributes:
        p_de: P(the readout changes).
        p_up: P(it goes up, if it changes).
        usage: What asking cost, failed attempts included.
        trimmed: Ids of the facts that were left out because the context is too short for them.
        failed: Why a probability is missing, one sentence; empty where none is.
        unreachable: Whether that is the server's fault alone, so that asking again may help.
    """

    p_de: Probability | None
    p_up: Probability | None
    usage: Usage = Usage()
    trimmed: tuple[str, ...] = ()
    failed: str = ""
    unreachable: bool = False


class Strategy(Protocol):
    """A way of asking a language model about a case."""

    @property
    def name(self) -> str:
        """What `--strategy` calls it."""
        ...

    @property
    def prompts_hash(self) -> str:
        """A hash of everything that it may ask."""
        ...

    async def judge(
        self, chat: ChatModel, case: Case, *, tasks: Sequence[Task] = ("de", "dir")
    ) -> Judgement:
        """Return the model's probabilities; its failures are told in the judgement."""
        ...


@dataclass(frozen=True)
class PromptStrategy:
    """A folder of templates, and which facts and which reasoning they ask for.

    The conversation begins with `system.j2`, which is the same for all questions, then
    `perturbation.j2`, the same for all readouts of a perturbation in a line, then `readout.j2`:
    prompts of a batch share their beginnings, which a server computes once.

    Attributes:
        name: The folder.
        shown: How many facts of which heading are shown; others are not.
        reasoning: What the model writes down before it answers: once for both tasks, or, with a
            template `reason_de.j2` and `reason_dir.j2`, for each; a task without answers at once.
        reasons: Whether it is asked to; else all tasks are answered at once.
        least: The least weight with which a fact of a heading is shown; 0 where it is not named.
        drug_shown: What is shown besides, or in another number, where a drug is given; templates
            `drug_*.j2` then stand in for the others.
        swapped: Whether the question names its answers the other way round.
        hidden: Headings that are not shown after all, and `ABOUT`.
    """

    name: str
    shown: Mapping[Heading, int]
    reasoning: Mapping[Task, type[BaseModel]]
    least: Mapping[Heading, float] = field(default_factory=dict)
    drug_shown: Mapping[Heading, int] = field(default_factory=dict)
    reasons: bool = True
    swapped: bool = False
    hidden: frozenset[str] = frozenset()
    _environment: Environment = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        environment = prompt_environment(self._folder, FOLDER)
        environment.filters["after"] = lambda text, words: text.partition(words)[2] or text
        order = slice(None, None, -1) if self.swapped else slice(None)
        answers = {task: " or ".join(options[order]) for task, options in OPTIONS.items()}
        environment.globals.update(levels=MEANING, done=_DONE, answers=answers)
        object.__setattr__(self, "_environment", environment)

    @cached_property
    def prompts_hash(self) -> str:
        """A hash of the templates and of the schemas that they are asked with.

        Templates for drugs are none of it: what a model's word about knockdowns has proved to be
        worth does not change with them, and about drugs it has proved nothing.
        """
        digest = hashlib.sha256()
        for file in sorted([*self._folder.glob("*.j2"), *FOLDER.glob("*.j2")]):
            if file.name.startswith("drug_"):
                continue
            with templates(file):
                digest.update(file.name.encode() + file.read_bytes())
        for task, schema in sorted(self.reasoning.items() if self.reasons else ()):
            digest.update(f"{task}{json.dumps(schema.model_json_schema())}".encode())
        digest.update(repr(sorted(self.shown.items())).encode())
        if self.least:
            digest.update(repr(sorted(self.least.items())).encode())
        if self.swapped or self.hidden:
            digest.update(f"{self.swapped} {sorted(self.hidden)}".encode())
        return digest.hexdigest()[:16]

    @property
    def _folder(self) -> Path:
        return FOLDER / self.name.split(",")[0]

    async def judge(
        self, chat: ChatModel, case: Case, *, tasks: Sequence[Task] = ("de", "dir")
    ) -> Judgement:
        """Return the model's probabilities; its failures are told in the judgement."""
        meter = MeteredChat(chat, Account())
        found: dict[Task, float] = {}
        trimmed: tuple[str, ...] = ()
        problem: LLMError | None = None
        for share in SHARES:
            try:
                opening, trimmed = await self.opening(meter, case, share)
                await self._answer(meter, case, opening, tasks, found)
                problem = None
            except LLMError as error:
                problem = error
            if not isinstance(problem, ContextOverflowError):
                break
        return Judgement(
            p_de=found.get("de"),
            p_up=found.get("dir"),
            usage=meter.account.usage,
            trimmed=trimmed,
            failed=str(problem or ""),
            unreachable=isinstance(problem, UnreachableError),
        )

    async def _answer(
        self,
        chat: ChatModel,
        case: Case,
        opening: list[Message],
        tasks: Sequence[Task],
        found: dict[Task, float],
    ) -> None:
        """Put the probability of each task's first option into `found`, as they come."""
        threads: dict[str, list[Message]] = {}
        for task in tasks:
            asked = self._rendered(f"{task}.j2", case)
            if self.reasons and task in self.reasoning:
                template = self._reason_template(task)
                if template not in threads:
                    threads[template] = await self._reasoned(chat, opening, template, case, task)
                messages = [*threads[template], Message(role="user", content=asked)]
            else:
                told = f"{opening[-1].content}\n\n{asked}"
                messages = [*opening[:-1], Message(role="user", content=told)]
            chosen, _ = await chat.choose(messages, OPTIONS[task])
            found[task] = min(1.0, chosen[OPTIONS[task][0]])

    async def opening(
        self, chat: ChatModel, case: Case, share: float = 1.0
    ) -> tuple[list[Message], tuple[str, ...]]:
        """Return the beginning of the conversation, and the facts that did not fit into it.

        `share` is how much of the context may be used, as far as characters tell.

        Raises:
            LLMError: Not even the question fits.
        """
        return await self.fitted(
            chat,
            self.visible(case),
            lambda seen: self.said(seen, "perturbation.j2", "readout.j2"),
            share,
        )

    async def fitted(
        self,
        chat: ChatModel,
        case: Case,
        say: Callable[[Case], list[Message]],
        share: float = 1.0,
    ) -> tuple[list[Message], tuple[str, ...]]:
        """Return what `say` makes of the case, less the lightest facts if the context is short.

        Raises:
            LLMError: It does not fit without any fact.
        """
        context = await chat.context_length()
        free = context - min(RESERVED_TOKENS, context // 2)
        room = int(free * CHARACTERS_PER_TOKEN * share)
        trimmed: list[str] = []
        # Among facts of the same weight, what is told last goes first.
        queue = sorted(_facts(case), key=lambda fact: -fact.weight)
        while True:
            messages = say(case)
            excess = sum(len(message.content) for message in messages) - room
            if excess <= 0:
                return messages, tuple(trimmed)
            if not queue:
                raise LLMError(
                    f"The context of {chat.model} is too short for the question alone; serve it "
                    "with a longer one."
                )
            gone = []
            while queue and excess > 0:
                fact = queue.pop()
                excess -= len(fact.statement)
                gone.append(fact.id)
            trimmed += gone
            case = case.without(gone)

    def said(
        self, case: Case, *templates: str, schema: type[BaseModel] | None = None
    ) -> list[Message]:
        """Return the system message, and the templates as one message of the user."""
        told = [self._rendered(template, case, schema) for template in templates]
        return [
            Message(role="system", content=self._rendered("system.j2", case)),
            Message(role="user", content="\n\n".join(filter(None, told))),
        ]

    def visible(self, case: Case) -> Case:
        """Return the case with the facts that this strategy shows."""
        facts = {
            heading: tuple(
                fact
                for fact in case.facts.get(heading, ())
                if heading not in self.hidden and fact.weight >= self.least.get(heading, 0.0)
            )[:n]
            for heading, n in (
                {**self.shown, **self.drug_shown} if case.perturbation.drugged else self.shown
            ).items()
        }
        about = {} if ABOUT in self.hidden else case.about
        return Case(case.perturbation, case.readout, facts, about)

    async def _reasoned(
        self, chat: ChatModel, opening: list[Message], template: str, case: Case, task: Task
    ) -> list[Message]:
        """Return the conversation with the model's reasoning in it."""
        # One message rather than two: some chat templates insist on turns that alternate.
        schema = self.reasoning[task]
        told = f"{opening[-1].content}\n\n{self._rendered(template, case, schema)}"
        asked = [*opening[:-1], Message(role="user", content=told)]
        said, _ = await structured(chat, asked, schema, max_tokens=REASONING_TOKENS)
        return [*asked, Message(role="assistant", content=said.model_dump_json())]

    def _reason_template(self, task: Task) -> str:
        shared = (self._folder / "reason.j2").exists()
        return "reason.j2" if shared else f"reason_{task}.j2"

    def _rendered(self, template: str, case: Case, schema: type[BaseModel] | None = None) -> str:
        fields = listed([f'"{name}"' for name in schema.model_fields]) if schema else ""
        one = case.perturbation
        if one.drugged and (self._folder / f"drug_{template}").exists():
            template = f"drug_{template}"
        with templates(self._folder / template):
            found = self._environment.get_template(template)
            return found.render(
                case=case,
                facts=case.facts,
                about=case.about,
                genes=_done_to(one),
                kind="drug" if one.drugged else one.kind,
                line=case.perturbation.cell_line,
                readout=case.readout,
                fields=fields,
            ).strip()


def _done_to(one: Perturbation) -> str:
    """Return what is perturbed, in words: the genes, or the drug with where it begins."""
    if not one.drugged:
        return " and ".join(one.genes)
    return f"the drug {listed(one.drugs)} ({listed(starts(one))})"


def _facts(case: Case) -> list[Evidence]:
    return list({fact.id: fact for facts in case.facts.values() for fact in facts}.values())
