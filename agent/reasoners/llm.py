"""The reasoner with a language model: it reads, looks up, chooses, judges and tells.

It adds to the evidence and takes nothing from it: the steps that the evidence policy wants are
checked too, a probability counts as far as it has proved itself on training perturbations, and
where the model fails the evidence policy stands in and the answer says so.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from agent.llm.chat import ChatModel, Message
from agent.llm.errors import LLMError
from agent.llm.structured import structured
from agent.metering import Account, MeteredChat, Settled
from agent.question.items import Unreadable, Vocabulary
from agent.question.reading import parse_question
from agent.question.words import DRUG_WORDS
from agent.reasoners.base import Frontier, Fused
from agent.reasoners.evidence import EvidenceReasoner, proposal
from agent.reasoners.forms import (
    SCHEMAS,
    SHOWN_CHANGES,
    SHOWN_SENTENCES,
    TOLD,
    NextSteps,
    OwnStep,
    Telling,
)
from agent.reasoners.offers import candidate_line, offered
from agent.reasoners.reading import read_by_model
from agent.state import Proposal
from agent.strategies import load_strategy
from agent.strategies.case import Case, first_sentence
from agent.strategies.judging import Judgement, Strategy
from agent.templates import prompt_environment, templates
from agent.wording import change_words, perturbation_words, sentences
from knowledge.base import Knowledge
from knowledge.errors import QuestionError
from knowledge.graph import changed
from knowledge.schema import (
    Change,
    Effect,
    Evidence,
    Hypothesis,
    Quantity,
    Question,
)
from models.fusion.language import LanguageStacker
from tools.base import Toolbox

PROMPTS = Path(__file__).parent / "prompts"
TOOL_TURNS = 3
CALLS_PER_TURN = 4
# The strategy that asks about drugs, where the chosen one asks about genes alone.
FOR_DRUGS = "vcworld"
# More facts than this would bury what the answer rests on; the trace has them all.
LOOKED_UP = 12
RESULT_CHARACTERS = 1500
TOLD_CHARACTERS = 4000


class LLMReasoner:
    """A language model, asked for one run.

    Args:
        chat: The model.
        strategy: How it is asked about a readout.
        knowledge: What its words are grounded in.
        toolbox: What it may call; none of it has a side effect.
        stacker: What its probabilities have proved to be worth; `None` for nothing yet.
        call_budget: How many replies a run may cost.
    """

    def __init__(
        self,
        chat: ChatModel,
        strategy: Strategy,
        knowledge: Knowledge,
        toolbox: Toolbox,
        stacker: LanguageStacker | None = None,
        call_budget: int | None = None,
    ) -> None:
        self._account = Account(budget=call_budget)
        self._chat = MeteredChat(chat, self._account)
        self._strategy, self._knowledge, self._toolbox = strategy, knowledge, toolbox
        self._stacker = stacker
        self._policy = EvidenceReasoner()
        self._looked_up = False
        self._readings: dict[tuple[str, str | None], Question] = {}
        self._templates = prompt_environment(PROMPTS)

    @property
    def name(self) -> str:
        """The name that the answer reports."""
        return f"llm {self._chat.model}, strategy {self._strategy.name}"

    @property
    def prompts_hash(self) -> str:
        """A hash of everything that the model may be asked."""
        digest = hashlib.sha256(self._strategy.prompts_hash.encode())
        for file in sorted(PROMPTS.glob("*.j2")):
            with templates(file):
                digest.update(file.name.encode() + file.read_bytes())
        for schema in SCHEMAS:
            digest.update(json.dumps(schema.model_json_schema()).encode())
        return digest.hexdigest()[:16]

    def settle(self) -> Settled:
        """Return what the model has been asked since the last time."""
        return self._account.settle()

    async def read(self, text: str, knowledge: Vocabulary, cell_line: str | None) -> Question:
        """Return the question; the model is asked only where the rules cannot read it.

        Raises:
            QuestionError: It cannot be understood, or must not be answered.
        """
        key = (text, cell_line)
        if key in self._readings:
            return self._readings[key]
        try:
            question = parse_question(text, knowledge, cell_line=cell_line)
        except Unreadable as unread:
            # "A HSPA5 inhibitor" is no loss of HSPA5, whatever a model reads into it.
            if DRUG_WORDS.search(text):
                raise
            question = await self._read(text, knowledge, cell_line, unread)
        self._readings[key] = question
        return question

    async def _read(
        self, text: str, knowledge: Vocabulary, cell_line: str | None, unread: QuestionError
    ) -> Question:
        try:
            return await read_by_model(self._chat, text, knowledge, cell_line)
        except LLMError as error:
            self._note("could not read the question", error)
            raise unread from None
        except QuestionError:
            raise unread from None

    async def judge(
        self, readouts: Sequence[str], case_of: Callable[[str], Case]
    ) -> dict[str, Judgement]:
        """Return what the model makes of each readout, asked side by side."""
        cases = [case_of(gene) for gene in readouts]
        strategy = self._strategy
        if any(case.perturbation.drugged for case in cases) and not _asks_about_drugs(strategy):
            strategy = load_strategy(FOR_DRUGS)
            self._note(f"was asked by the strategy {FOR_DRUGS}", "it alone asks about drugs")
        judged = await asyncio.gather(*(strategy.judge(self._chat, case) for case in cases))
        for gene, judgement in zip(readouts, judged, strict=True):
            if judgement.failed:
                what = "no" if judgement.p_de is None else "only one"
                self._note(f"gave {what} probability for {gene}", judgement.failed)
            if judgement.trimmed:
                self._note(
                    f"was not shown {len(judgement.trimmed)} facts about {gene}",
                    "its context is too short; the trace names them",
                )
        if self._stacker is None and any(one.p_de is not None for one in judged):
            self._note(
                f"has not been weighed with strategy {self._strategy.name} on training "
                "perturbations, so its probabilities have weight zero",
                f"`knockwise eval language --strategy {self._strategy.name} --fit` weighs it",
            )
        return dict(zip(readouts, judged, strict=True))

    def fuse(self, question: Question, effect: Effect, judgement: Judgement) -> Fused:
        """Return the effect's probabilities, moved as far as the model has proved to be right."""
        p_de, p_up, weight = effect.p_de or 0.0, effect.p_up, 0.0
        # What its word is worth was weighed on knockdowns; about drugs it has proved nothing.
        stacker = None if question.perturbation.drugged else self._stacker
        if stacker is not None:
            p_de = _moved(stacker.p_de, p_de, judgement.p_de)
            p_up = _moved(stacker.p_up, p_up, judgement.p_up)
            weight = max(stacker.de.weight, stacker.up.weight)
        genes = question.perturbation.genes
        return Fused(
            p_de=p_de,
            p_up=p_up,
            evidence=Evidence(
                id=f"llm:{'+'.join(genes)}>{effect.gene}:{question.perturbation.cell_line}",
                kind="model",
                statement=(
                    f"The language model, by itself: P({effect.gene} changes) = "
                    f"{_number(judgement.p_de)}, P(up if it changes) = {_number(judgement.p_up)}; "
                    f"it weighs {weight:.2f} beside the evidence"
                ),
                source=self.name,
                weight=min(1.0, weight),
                genes=(*genes, effect.gene),
            ),
        )

    async def choose(self, frontier: Frontier) -> Sequence[Proposal]:
        """Return the model's choice, then what the evidence policy wants besides.

        Once that wants nothing and every readout is explained, the model is not asked.
        """
        wanted = list(await self._policy.choose(frontier))
        offers = offered(frontier, wanted, self._knowledge.graph)
        explained = {one.node for one in frontier.changes if one.quantity == "expression"}
        if not offers or (not wanted and explained.issuperset(frontier.targets)):
            return wanted
        world = self._world(frontier)
        found = "" if self._looked_up else await self._look_up(world)
        self._looked_up = True
        prompt = self._rendered(
            "choose.j2",
            candidates=[candidate_line(candidate) for candidate in offers],
            width=frontier.width,
        )
        told = "\n\n".join(filter(None, [world, found, prompt]))
        try:
            said, _ = await structured(self._chat, self._asked(told), NextSteps, max_tokens=1024)
        except LLMError as error:
            self._note("did not choose the next steps, the evidence policy did", error)
            return wanted
        picked = {pick.number: pick for pick in said.steps if 1 <= pick.number <= len(offers)}
        chosen = [
            proposal(offers[number - 1], pick.because)
            for number, pick in list(picked.items())[: frontier.width]
        ]
        own = [step for one in said.own if (step := self._own(one, frontier)) is not None]
        known = {(step.source, step.target) for step in chosen}
        own = [step for step in own if (step.source, step.target) not in known]
        known |= {(step.source, step.target) for step in own}
        return [
            *chosen,
            *own,
            *(step for step in wanted if (step.source, step.target) not in known),
        ]

    async def tell(
        self,
        question: Question,
        effects: Sequence[Effect],
        hypotheses: Sequence[Hypothesis],
        unknown: Sequence[str],
    ) -> str:
        """Return true sentences in the order that the model chose.

        It writes none of them: what it tells cannot contradict the effects.
        """
        must, may = sentences(question, effects, hypotheses)
        offered = [*must, *may][:SHOWN_SENTENCES]
        prompt = self._rendered("tell.j2", question=question, sentences=offered, most=TOLD)
        try:
            said, _ = await structured(self._chat, self._asked(prompt), Telling, max_tokens=128)
        except LLMError as error:
            self._note("did not tell the answer, the evidence policy did", error)
            return await self._policy.tell(question, effects, hypotheses, unknown)
        numbers = [n for n in dict.fromkeys(said.sentences) if 1 <= n <= len(offered)]
        if not numbers:
            return await self._policy.tell(question, effects, hypotheses, unknown)
        chosen = [offered[n - 1] for n in numbers]
        return " ".join([*chosen, *(sentence for sentence in must if sentence not in chosen)])

    async def _look_up(self, world: str) -> str:
        """Let the model call tools, and return what it found as text for the next request."""
        messages = self._asked(f"{world}\n\n{self._rendered('look_up.j2')}")
        found: list[str] = []
        try:
            for turn in range(TOOL_TURNS):
                reply = await self._chat.complete(
                    messages, tools=self._toolbox.schemas, max_tokens=512, seed=turn
                )
                calls = reply.tool_calls[:CALLS_PER_TURN]
                if not calls:
                    break
                messages.append(Message(role="assistant", content=reply.content, tool_calls=calls))
                for call in calls:
                    result = self._toolbox.call(call.name, call.arguments, call.id)
                    self._account.lookups += 1
                    self._account.refused += result.is_error
                    room = LOOKED_UP - len(self._account.evidence)
                    self._account.evidence += result.evidence[:room]
                    content = result.content[:RESULT_CHARACTERS]
                    messages.append(Message(role="tool", content=content, tool_call_id=call.id))
                    if not result.is_error:
                        found.append(content)
        except LLMError as error:
            self._note("did not look things up", error)
        told = "\n".join(found)[:TOLD_CHARACTERS]
        return f"What you have looked up, quoted:\n{told}" if told else ""

    def _world(self, frontier: Frontier) -> str:
        question, summaries = frontier.question, self._knowledge.summaries
        genes = dict.fromkeys([*question.perturbation.genes, *frontier.targets])
        return self._rendered(
            "world.j2",
            question=question,
            perturbation=perturbation_words(question.perturbation),
            targets=frontier.targets,
            about={gene: first_sentence(summaries[gene]) for gene in genes if gene in summaries},
            changes=[change_words(change) for change in list(frontier.changes)[:SHOWN_CHANGES]],
        )

    def _own(self, step: OwnStep, frontier: Frontier) -> Proposal | None:
        """Return the model's own step, if it is about a node and a change that there are."""
        changes = list(frontier.changes)
        node = self._node(step.target)
        if node is None or not 1 <= step.cause <= len(changes):
            return None
        source = changes[step.cause - 1]
        quantity: Quantity = "expression" if step.acts_on == "mRNA" else "activity"
        sign = 1 if step.effect == "activates" else -1
        return Proposal(
            source=source,
            relation=step.effect,
            target=Change(
                node=node,
                kind=self._knowledge.graph.kind(node),
                direction=changed(source.direction, sign),
                quantity=quantity,
            ),
            confidence=0.0,
            proposed_by="llm",
            rationale=step.because,
        )

    def _node(self, word: str) -> str | None:
        if word in self._knowledge.graph:
            return word
        gene = self._knowledge.symbols.ground(word).gene
        return gene.symbol if gene is not None else None

    def _asked(self, text: str) -> list[Message]:
        return [
            Message(role="system", content=self._rendered("system.j2")),
            Message(role="user", content=text),
        ]

    def _rendered(self, template: str, **values: object) -> str:
        with templates(PROMPTS / template):
            return self._templates.get_template(template).render(**values).strip()

    def _note(self, what: str, why: object) -> None:
        told = f"The language model {what} ({str(why).rstrip('.')})."
        self._account.notes.append(told)


def _asks_about_drugs(strategy: Strategy) -> bool:
    return strategy.name == FOR_DRUGS or bool(getattr(strategy, "drug_shown", None))


def _moved(
    stack: Callable[[np.ndarray, np.ndarray], np.ndarray], p: float, said: float | None
) -> float:
    """Return one fused probability; what was not said leaves the evidence alone."""
    if said is None:
        return p
    return float(stack(np.array([p]), np.array([said]))[0])


def _number(p: float | None) -> str:
    return "not given" if p is None else f"{p:.2f}"
