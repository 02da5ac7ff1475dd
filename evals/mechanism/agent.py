"""The agent as the evaluation asks it: without a text index, and blind to the measured pair."""

from dataclasses import dataclass, replace

from agent.context import AgentContext
from agent.hypotheses import hypotheses
from agent.session import Session
from agent.settings import Settings
from agent.shadow import evidence_alone
from agent.state import AgentState
from evals.altered_graphs import GraphWithout, Pair
from knowledge.base import Knowledge, load_knowledge
from knowledge.schema import Effect, Hypothesis, Perturbation, Question
from models.fusion import Fusion
from models.response import Outcome, ResponseModel
from tools.effects import EffectPredictor


class BlindResponse(ResponseModel):
    """The shipped response model, which does not tell what was measured of the pair asked about.

    Its probabilities of training rows are held out by themselves; only the measurement that an
    answer would quote, and check its steps against, is kept from the agent here.
    """

    def measured(self, gene: str, readout: str, cell_line: str) -> Outcome | None:
        """Return nothing, as for a perturbation that no screen has measured in the line."""
        return None


@dataclass(frozen=True)
class Asked:
    """What the agent makes of one perturbation and its readouts.

    Attributes:
        state: Where its cascade ended.
        effects: Of the readouts.
        hypotheses: One per explained readout.
    """

    state: AgentState
    effects: tuple[Effect, ...]
    hypotheses: tuple[Hypothesis, ...]

    def hypothesis(self, readout: str) -> Hypothesis | None:
        """Return the hypothesis about a readout, if there is one."""
        return next((one for one in self.hypotheses if one.readout == readout), None)

    def effect(self, readout: str) -> Effect:
        """Return the effect on a readout."""
        return next(one for one in self.effects if one.gene == readout)


def open_session(settings: Settings, *, blind: bool, knowledge: Knowledge | None = None) -> Session:
    """Return a session on the shipped weights.

    Args:
        settings: Where the knowledge is.
        blind: Whether the measured pair is kept from it.
        knowledge: What is known already, to be shared.

    Raises:
        KnockwiseError: Data or weights are damaged.
    """
    response = (BlindResponse if blind else ResponseModel).load()
    if knowledge is None:
        knowledge = load_knowledge(settings.data, extra_genes=response.genes())
    return Session(settings, knowledge, predictor(settings, knowledge, response))


def predictor(settings: Settings, knowledge: Knowledge, response: ResponseModel) -> EffectPredictor:
    """Return what predicts effects with this knowledge."""
    return EffectPredictor(
        knowledge,
        response,
        Fusion.load(knowledge.scope),
        max_steps=settings.cascade.max_rounds,
        min_confidence=settings.cascade.min_confidence,
    )


def without(session: Session, pairs: frozenset[Pair]) -> AgentContext:
    """Return a context in which nothing is known between some pairs of nodes.

    An edge is its own evidence, so what is not in the graph is not cited either.
    """
    knowledge = session.knowledge
    if pairs:
        knowledge = replace(knowledge, graph=GraphWithout(knowledge.graph, pairs))
    found = predictor(session.settings, knowledge, session.predictor.response)
    return replace(session.context, knowledge=knowledge, predictor=found)


async def ask(context: AgentContext, pert: str, cell_line: str, readouts: list[str]) -> Asked:
    """Return what the agent's loop, without a language model, makes of a knockdown."""
    perturbation = Perturbation(genes=(pert,), kind="knockdown", cell_line=cell_line)
    question = Question(perturbation=perturbation, readouts=tuple(readouts), text="")
    state = await evidence_alone(AgentState(text="", question=question, targets=readouts), context)
    effects = context.predictor.effects(perturbation, readouts)
    return Asked(state, tuple(effects), tuple(hypotheses(state, effects)))
