"""One process's knowledge, models and reasoner, opened once and asked many times."""

import hashlib
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from agent.context import AgentContext
from agent.llm.chat import ChatModel
from agent.llm.errors import LLMError
from agent.question.answerable import refuse_unanswered
from agent.question.follow_up import follows_on_another
from agent.question.reading import parse_question
from agent.question.telling import as_words
from agent.reasoners.base import Reasoner
from agent.reasoners.evidence import EvidenceReasoner
from agent.rows import best_path, predicted_rows, run_rows, told_paths
from agent.run import (
    Listener,
    RunRequest,
    check_versions,
    create,
    is_there,
    load_answer,
    load_request,
    new_run_dir,
    run,
    write_result,
)
from agent.settings import Settings
from agent.strategies import Strategy, load_strategy
from agent.wording import path_words
from knowledge.base import Knowledge, collector_paused, load_knowledge
from knowledge.own_screens import OwnScreen
from knowledge.plugins import plugin, plugin_names
from knowledge.schema import Answer, Effect, Perturbation, Versions
from knowledge.texts.build import full_index_dir, text_index_for
from knowledge.texts.encoder import load_encoder
from knowledge.texts.files import read_manifest
from knowledge.texts.search import TextIndex
from models.fusion import Fusion
from models.response import ResponseModel
from tools.effect_rows import DIGITS, EffectRow, RunRow
from tools.effects import EffectPredictor
from tools.literature import DeferredSearch, TextSearch
from tools.modelled import ShippedDrugs
from tools.own_screens import PRIVATE, is_private, own_rows, screens_used
from tools.toolbox import build_toolbox

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """Everything an answer is made with; `Session.open(settings)` loads it.

    Attributes:
        settings: Where things are and how to answer.
        knowledge: What is known.
        predictor: Response model and cascade.
        reasoner: Who reasons where no language model does.
        chat: A language model to reason with, instead of the endpoint in the settings.
    """

    settings: Settings
    knowledge: Knowledge
    predictor: EffectPredictor
    reasoner: Reasoner = field(default_factory=EvidenceReasoner)
    chat: ChatModel | None = None

    @classmethod
    def open(cls, settings: Settings) -> "Session":
        """Load knowledge and models; the text index opens when it is first needed.

        Raises:
            KnockwiseError: If data or weights are damaged, or a screen to leave out is not there.
        """
        # Loading makes some 10^5 objects that stay; looking for garbage among them costs seconds.
        with collector_paused():
            screens = _screens(settings)
            response = ResponseModel.load(screens=own_rows(settings.data, screens))
            knowledge = load_knowledge(settings.data, extra_genes=response.genes())
        _log.info("response model %s, %s knowledge", response.version, knowledge.scope)
        predictor = EffectPredictor(
            knowledge,
            response,
            Fusion.load(knowledge.scope),
            max_steps=settings.cascade.max_rounds,
            min_confidence=settings.cascade.min_confidence,
            drug_model=ShippedDrugs(knowledge),
        )
        return cls(settings, knowledge, predictor)

    @cached_property
    def context(self) -> AgentContext:
        """Return what the graph's nodes work with."""
        return AgentContext(
            knowledge=self.knowledge,
            predictor=self.predictor,
            toolbox=build_toolbox(
                self.knowledge, self.predictor, self.tool_index, data=self.settings.data
            ),
            reasoner=self.reasoner,
            cascade=self.settings.cascade,
            versions=self.versions,
            text_index=self.text_index,
            data=self.settings.data,
        )

    @cached_property
    def tool_index(self) -> TextSearch:
        """Return the text index for the tools; that of the starter pack is built when searched."""
        settings, symbols = self.settings, self.knowledge.symbols
        return DeferredSearch(lambda: text_index_for(settings.data, settings.encoder, symbols))

    @cached_property
    def text_index(self) -> TextSearch | None:
        """Return the index that every answer reads: there is more to read in the full data only."""
        settings, symbols = self.settings, self.knowledge.symbols
        folder = full_index_dir(settings.data)
        if self.knowledge.scope == "starter" or read_manifest(folder) is None:
            return None
        return DeferredSearch(
            lambda: TextIndex.open(folder, load_encoder(settings.encoder), symbols)
        )

    @cached_property
    def versions(self) -> Versions:
        """Return what this session's answers are made with."""
        data = {**self.knowledge.versions, **_screen_versions(self.predictor.response.screens)}
        digest = hashlib.sha256(repr(sorted(data.items())).encode()).hexdigest()[:16]
        return Versions(
            knockwise=version("knockwise"),
            knowledge=f"{self.knowledge.scope}:{digest}",
            data=data,
            models={
                "response": self.predictor.response.version,
                "fusion": self.predictor.fusion.version,
            },
        )

    async def ask(
        self,
        text: str,
        cell_line: str | None = None,
        run_dir: Path | None = None,
        on_event: Listener | None = None,
    ) -> Answer:
        """Answer a question in words, keeping the run in `run_dir` (default: a new folder).

        Raises:
            QuestionError: The question cannot be understood.
            LLMError: A language model was asked for and does not answer.
            RunError: The run cannot be kept.
        """
        async with self._reasoning() as reasoner:
            folder, request = await self._begun(reasoner, text, cell_line, run_dir)
            return await self._finish(folder, request, reasoner, on_event)

    async def begin(
        self, text: str, cell_line: str | None = None, run_dir: Path | None = None
    ) -> Path:
        """Return the folder of a new run that is read and not answered; `resume` answers it.

        Raises:
            QuestionError: The question cannot be understood.
            LLMError: A language model was asked for and does not answer.
            RunError: The run cannot be kept.
        """
        async with self._reasoning() as reasoner:
            return (await self._begun(reasoner, text, cell_line, run_dir))[0]

    async def _begun(
        self, reasoner: Reasoner, text: str, cell_line: str | None, run_dir: Path | None
    ) -> tuple[Path, RunRequest]:
        # A question that cannot be read leaves no run behind.
        refuse_unanswered(await reasoner.read(text, self.knowledge, cell_line))
        now = datetime.now(UTC)
        folder = run_dir or new_run_dir(self.settings.runs, text, now)
        request = RunRequest(
            question=text,
            cell_line=cell_line,
            settings=self.settings.record(),
            started=now,
            versions=self.versions,
        )
        create(folder, request)
        return folder, request

    def follow_up(self, text: str, run_dir: Path) -> str:
        """Return a question that follows on the one of a finished run, in words of its own.

        Raises:
            QuestionError: It cannot be understood, or changes nothing.
            RunError: The run is not finished.
        """
        before = load_answer(run_dir).question
        question = parse_question(text, self.knowledge, before=before)
        return as_words(question) if follows_on_another(question) else text

    async def resume(self, run_dir: Path, on_event: Listener | None = None) -> Answer:
        """Go on with an interrupted run; a finished one is only read."""
        request = load_request(run_dir)
        if is_there(run_dir / "result.json"):
            return load_answer(run_dir)
        check_versions(run_dir, request, self.versions)
        async with self._reasoning() as reasoner:
            return await self._finish(run_dir, request, reasoner, on_event)

    @asynccontextmanager
    async def _reasoning(self) -> AsyncIterator[Reasoner]:
        """Open who reasons: the language model that the settings mean, or the session's own.

        With `auto`, an endpoint that does not answer is replaced by the session's own reasoner, and
        the answer says so.

        Raises:
            LLMError: A language model was asked for and does not answer.
        """
        llm, wanted = self.settings.llm, self.settings.reasoner
        strategy = load_strategy(llm.strategy)
        if self.chat is not None:
            yield self._language_reasoner(self.chat, strategy)
            return
        if wanted == "evidence" or (wanted == "auto" and not llm.base_url):
            yield self.reasoner
            return
        if wanted in plugin_names("reasoners"):
            yield plugin("reasoners", wanted)(self.settings)
            return
        # Imported late: the client takes half a second that an answer without it need not spend.
        from agent.llm.open import open_chat
        from agent.llm.probe import look

        try:
            await look(llm)
        except LLMError as error:
            if wanted == "llm":
                raise
            note = f"No language model was used: {error}"
            yield EvidenceReasoner(note)
            return
        async with open_chat(self.settings) as chat:
            yield self._language_reasoner(chat, strategy)

    def _language_reasoner(self, chat: ChatModel, strategy: Strategy) -> Reasoner:
        # Imported late: the stacker's fit needs scikit-learn, which takes a second.
        from agent.reasoners.llm import LLMReasoner
        from models.fusion.language import LanguageStacker

        return LLMReasoner(
            chat,
            strategy,
            self.knowledge,
            self.context.toolbox,
            LanguageStacker.load(
                self.settings.data, chat.model, strategy.name, strategy.prompts_hash
            ),
            self.settings.llm.call_budget,
        )

    async def _finish(
        self, run_dir: Path, request: RunRequest, reasoner: Reasoner, on_event: Listener | None
    ) -> Answer:
        context = replace(
            self.context,
            run=run_dir.name,
            reasoner=reasoner,
            versions=self.versions.model_copy(update={"prompts": reasoner.prompts_hash}),
        )
        answer = await run(run_dir, context, request, on_event)
        write_result(run_dir, answer, list(self._rows(answer)))
        return answer

    def _rows(self, answer: Answer) -> Iterator[RunRow]:
        """Iterate over the rows of `effects.csv`; none where several perturbations are meant."""
        if answer.question.context:
            return
        if answer.question.intent in ("forward", "why"):
            yield from run_rows(self.predictor, answer.question.perturbation, told_paths(answer))

    def effects(
        self, perturbation: Perturbation, readouts: Sequence[str] | None = None
    ) -> list[Effect]:
        """Return the effect on each readout, by default on every gene that can be predicted."""
        return self.predictor.effects(perturbation, readouts)

    def predict(self, pairs: Iterable[tuple[Perturbation, str]]) -> Iterator[Effect]:
        """Iterate over the effects of (perturbation, readout) pairs, in order.

        Pairs of the same perturbation share one pass if they follow each other.
        """
        for perturbation, group in groupby(pairs, key=itemgetter(0)):
            yield from self.effects(perturbation, [readout for _, readout in group])

    def path(self, perturbation: Perturbation, readout: str) -> str:
        """Return the best signed path to a readout in words, empty if there is none."""
        return path_words(best_path(self.predictor.reach(perturbation), readout))

    def rows(
        self,
        perturbation: Perturbation,
        readouts: Sequence[str] | None = None,
        digits: int | None = DIGITS,
    ) -> Iterator[EffectRow]:
        """Iterate over the effects on readouts as rows, in the order of `effects`."""
        effects = self.effects(perturbation, readouts)
        return predicted_rows(self.predictor, perturbation, effects, digits)


def _screens(settings: Settings) -> tuple[OwnScreen, ...]:
    """Return the screens of one's own that count; private ones reach no endpoint."""
    if settings.screens == "none":
        return ()
    private = settings.screens == "all" and not settings.llm.base_url
    return screens_used(settings.data, settings.without_screens, private=private)


def _screen_versions(screens: Sequence[str]) -> dict[str, str]:
    """Return what was read of screens of one's own, private ones without a name."""
    pairs = [(source, digest) for source, _, digest in (one.rpartition(" ") for one in screens)]
    named = {source: digest for source, digest in pairs if not is_private(source)}
    digests = [digest for source, digest in pairs if is_private(source)]
    hidden = hashlib.sha256(repr(digests).encode()).hexdigest()[:16]
    return named | ({f"{PRIVATE}s": hidden} if digests else {})
