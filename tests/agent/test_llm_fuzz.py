"""Whatever a language model says, a run ends in an answer that rests on the evidence."""

from dataclasses import replace

import pytest

from agent.graph import build_graph
from agent.session import Session
from agent.settings import Settings
from agent.state import AgentState
from agent.strategies import STRATEGIES, load_strategy
from knowledge.schema import Answer
from tests.agent.random_model import RandomModel
from tests.llm.scripted import ScriptedChat

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
SEEDS = 200
# A cascade, one that the cell line cuts off, one against a measured row, and a double knockout.
QUESTIONS = (
    "MDM2 knockout in RPE1: CDKN1A?",
    "MDM2 knockout in K562: CDKN1A?",
    "KEAP1 knockdown in HepG2: NQO1 and TXNRD1?",
    "Double knockout of KEAP1 and VHL in RPE1: NQO1 and CA9?",
)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    home = tmp_path_factory.mktemp("session")
    return Session.open(Settings(data=home / "data", runs=home / "runs"))


async def answered(session, question, reasoner) -> Answer:
    """Return the answer of the graph itself; a run's folder adds nothing here but time."""
    context = replace(session.context, reasoner=reasoner)
    output = await build_graph().ainvoke(
        AgentState(text=question), {"recursion_limit": 60}, context=context, version="v2"
    )
    return Answer.model_validate(output.value.answer.model_dump())


def numbers(answer):
    return [effect.model_dump(exclude={"evidence_ids"}) for effect in answer.effects]


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_random_model_makes_no_answer_worse(session, strategy):
    alone = {text: await answered(session, text, session.reasoner) for text in QUESTIONS}
    made_up = refused = 0
    part = SEEDS // len(STRATEGIES)
    first = part * STRATEGIES.index(strategy)
    for seed in range(first, first + part):
        question = QUESTIONS[seed % len(QUESTIONS)]
        chat = ScriptedChat(RandomModel(seed))
        reasoner = session._language_reasoner(chat, load_strategy(strategy))
        answer = await answered(session, question, reasoner)
        assert numbers(answer) == numbers(alone[question]), seed
        known = {fact.id for fact in answer.evidence}
        for step in answer.steps:
            assert set(step.evidence_ids) <= known
            assert step.status != "verified" or step.evidence_ids, (seed, step)
        for one in answer.hypotheses:
            assert all(step.status == "verified" for step in one.steps), seed
        found = {one.readout: one.confidence for one in answer.hypotheses}
        for one in alone[question].hypotheses:
            assert found[one.readout] >= one.confidence, seed
        assert len(chat.requests) <= session.settings.llm.call_budget
        own = [step for step in answer.steps if step.proposed_by == "llm"]
        made_up += len(own)
        refused += sum(step.status != "verified" for step in own)
    assert made_up > 0
    assert refused > 0
