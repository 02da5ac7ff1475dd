"""What a language model is asked, and what becomes of its answers."""

import json
import os
from itertools import pairwise, takewhile
from operator import eq
from pathlib import Path

import pytest

from agent.llm.chat import Reply
from agent.llm.errors import ContextOverflowError, LLMError, UnreachableError
from agent.session import Session
from agent.settings import Settings
from agent.strategies import STRATEGIES, build_case, load_strategy
from agent.strategies.case import LADDER
from knowledge.drugs import given
from knowledge.errors import QuestionError
from knowledge.schema import Perturbation
from models.response.neighbours import neighbours
from tests.llm.scripted import ScriptedChat

pytestmark = pytest.mark.anyio
GOLDEN = Path(__file__).parent / "golden"
PERTURBATION = Perturbation(genes=("HSPA5",), kind="knockdown", cell_line="K562")


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    home = tmp_path_factory.mktemp("session")
    return Session.open(Settings(data=home / "data", runs=home / "runs"))


@pytest.fixture(scope="module")
def case_of(session):
    def build(readout="DDIT3", perturbation=PERTURBATION):
        return build_case(session.knowledge, session.predictor, perturbation, readout)

    return build


def obliging(messages, schema, options):
    """Say yes and up with three to one, and fill in any form."""
    if options:
        return {options[0]: 3, options[1]: 1}
    return json.dumps(dict.fromkeys(schema.model_fields, "So it is."))


def transcript(chat) -> str:
    """Return the conversations as Markdown; what was said before in the same one is left out."""
    parts, before = [], ()
    for asked in chat.requests:
        again = 0
        while again < len(before) and before[: again + 1] == asked.messages[: again + 1]:
            again += 1
        if not again or len(asked.messages) <= 2:
            parts.append("# A conversation")
            again = 0
        parts += [f"## {m.role}\n\n{m.content}" for m in asked.messages[again:]]
        wanted = " or ".join(asked.options) if asked.options else f"form {asked.schema.__name__}"
        parts.append(f"*Answered by: {wanted}*")
        before = asked.messages
    return "\n\n".join(parts) + "\n"


REASONED = "knockwise, reasoned"


@pytest.mark.parametrize("name", [*STRATEGIES, REASONED])
async def test_the_prompts_of_a_strategy_are_those_of_its_golden_transcript(name, case_of):
    chat = ScriptedChat(obliging)
    await load_strategy(name).judge(chat, case_of())
    file, told = GOLDEN / f"{name.replace(', ', '-')}.md", transcript(chat)
    if os.environ.get("KNOCKWISE_REFRESH"):
        file.write_text(told, encoding="utf-8")
    assert told == file.read_text(encoding="utf-8"), (
        f"KNOCKWISE_REFRESH=1 pytest {__file__} writes {file.name} anew"
    )


@pytest.mark.parametrize("name", [*STRATEGIES, REASONED])
async def test_probabilities_are_those_of_the_answer_tokens(name, case_of):
    judgement = await load_strategy(name).judge(ScriptedChat(obliging), case_of())
    assert (judgement.p_de, judgement.p_up) == (0.75, 0.75)
    assert judgement.failed == ""
    assert judgement.usage.requests >= (2 if name == "knockwise" else 3)


async def test_the_five_steps_of_vcworld_are_taken_for_a_drug_with_measured_outcomes(
    session, case_of
):
    drug = given(("bortezomib",), session.knowledge.drugs, "K562")
    chat = ScriptedChat(obliging)
    judgement = await load_strategy("vcworld").judge(chat, case_of("HSPA1A", drug))
    assert judgement.p_de == 0.75
    told = transcript(chat)
    assert "Perturbation: the drug bortezomib (PSMB5 lost) given." in told
    assert "bortezomib inhibits PSMB5" in told
    assert "carfilzomib acts where bortezomib acts" in told
    assert "moved HSPA1A up" in told.partition("Knockdowns of its targets")[2]


async def test_one_task_can_be_asked_alone(case_of):
    chat = ScriptedChat(obliging)
    judgement = await load_strategy(REASONED).judge(chat, case_of(), tasks=("dir",))
    assert (judgement.p_de, judgement.p_up) == (None, 0.75)
    assert len(chat.requests) == 2
    await load_strategy("knockwise").judge(chat, case_of(), tasks=("dir",))
    assert len(chat.requests) == 3


def test_an_unknown_strategy_is_told_which_there_are():
    with pytest.raises(QuestionError, match="knockwise, summer, vcworld, core, direct"):
        load_strategy("oracle")


def rows(case):
    return [fact for facts in case.facts.values() for fact in facts if fact.id.startswith("obs:")]


async def test_no_row_of_the_perturbation_in_the_line_asked_about_is_an_example(session, case_of):
    near = neighbours(session.predictor.response)
    trained = [row for row in near.rows_of("KEAP1") if row.cell_line == "HepG2"]
    assert trained
    asked = Perturbation(genes=("KEAP1",), kind="knockdown", cell_line="HepG2")
    for row in trained[:20]:
        facts = rows(case_of(row.readout, asked))
        assert facts
        assert not [f for f in facts if f.genes[0] == "KEAP1" and f.reference == "HepG2"]


async def test_examples_are_training_rows_with_their_measured_outcomes(session, case_of):
    response = session.predictor.response
    said = {1: "up", -1: "down", 0: "unchanged"}
    for readout in ("DDIT3", "HERPUD1", "ABHD17A"):
        for fact in rows(case_of(readout)):
            outcome = response.measured(*fact.genes, fact.reference)
            assert outcome == said[fact.sign]
            assert outcome in fact.statement


async def test_the_ladder_has_the_rungs_of_summer(session, case_of):
    near = neighbours(session.predictor.response)
    case = case_of()
    alike = set(near.perturbations("HSPA5", 50)), set(near.readouts("DDIT3", 50))
    pairs = [[fact.genes for fact in case.facts[rung]] for rung in LADDER]
    assert all(pert == "HSPA5" and (read in alike[1] or read == "DDIT3") for pert, read in pairs[0])
    assert all(pert in alike[0] and read == "DDIT3" for pert, read in pairs[1])
    assert all(pert in alike[0] and read in alike[1] for pert, read in pairs[2])
    assert all(pert == "HSPA5" and read not in alike[1] for pert, read in pairs[3])
    assert all(pert not in alike[0] and read == "DDIT3" for pert, read in pairs[4])
    assert pairs[1]
    assert pairs[2]
    assert case_of() == case


async def test_a_path_that_the_line_cuts_off_is_told_as_such(case_of):
    lost = Perturbation(genes=("MDM2",), kind="knockdown", cell_line="K562")
    assert "K562 cuts this path off" in case_of("CDKN1A", lost).facts["paths"][0].statement


async def batch(session, name, asked):
    """Return what judging a batch costs, in words: all that is sent, and what is new in it."""
    chat, n = ScriptedChat(obliging), 0
    cost = None
    for perturbation, readout in asked:
        case = build_case(session.knowledge, session.predictor, perturbation, readout)
        usage = (await load_strategy(name).judge(chat, case)).usage
        cost = usage if cost is None else cost + usage
        n += 1
    return cost, n, chat


async def test_ours_costs_half_of_summer_and_most_of_it_is_shared(session):
    near = neighbours(session.predictor.response)
    asked = []
    for gene, line in (("GATA1", "K562"), ("KEAP1", "HepG2"), ("SARS1", "RPE1")):
        perturbation = Perturbation(genes=(gene,), kind="knockdown", cell_line=line)
        readouts = [row.readout for row in near.rows_of(gene) if row.cell_line == line][:20]
        asked += [(perturbation, readout) for readout in readouts]
    assert len(asked) == 60
    ours, _, chat = await batch(session, "knockwise", asked)
    theirs, _, _ = await batch(session, "summer", asked)
    assert ours.prompt <= theirs.prompt / 2
    assert ours.cached >= 0.7 * ours.prompt
    # Also where only what is shared with the question before counts, not with the request before.
    opening = [request.text for request in chat.requests if request.schema]
    shared = [sum(takewhile(bool, map(eq, one, other))) for one, other in pairwise(opening)]
    assert sum(shared) >= 0.7 * sum(map(len, opening[1:]))


@pytest.mark.parametrize("name", STRATEGIES)
async def test_what_a_short_context_cannot_hold_is_left_out_by_weight_and_named(name, case_of):
    strategy, case = load_strategy(name), case_of()
    whole = await strategy.judge(ScriptedChat(obliging), case)
    assert whole.trimmed == ()
    if name == "direct":
        return
    chat = ScriptedChat(obliging, context=1000 if name == "knockwise" else 1600)
    short = await strategy.judge(chat, case)
    assert short.failed == ""
    assert short.trimmed
    assert max(len(request.text) for request in chat.requests) < 1600 * 4
    known = {}
    for facts in case.facts.values():
        known = {fact.id: fact.weight for fact in facts} | known
    gone = [known[i] for i in short.trimmed if i in known]
    assert gone == sorted(gone) or name == "summer"


async def test_a_server_that_finds_the_prompt_too_long_gets_a_shorter_one(case_of):
    asked = []

    def script(messages, schema, options):
        asked.append(sum(len(message.content) for message in messages))
        if asked[-1] > 2_500:
            return ContextOverflowError("The prompt does not fit the model.")
        return obliging(messages, schema, options)

    judgement = await load_strategy("core").judge(ScriptedChat(script, context=4_000), case_of())
    assert judgement.failed == ""
    assert judgement.trimmed
    assert asked[0] > asked[-1]


async def test_a_context_too_short_for_the_question_is_said(case_of):
    judgement = await load_strategy("direct").judge(ScriptedChat(obliging, context=100), case_of())
    assert judgement.p_de is None
    assert "too short for the question" in judgement.failed


BAD = {
    "unreachable": UnreachableError("http://127.0.0.1:1/v1 cannot be reached."),
    "refused": LLMError("The server refuses the request."),
    "prose": "I would rather not.",
    "empty": "",
    "cut off": Reply(content='{"for_a_change": "it', finish="length"),
}


@pytest.mark.parametrize("name", [REASONED, *STRATEGIES[1:]])
@pytest.mark.parametrize("kind", BAD)
async def test_a_model_that_fails_is_told_in_the_judgement(name, kind, case_of):
    chat = ScriptedChat(lambda *_: BAD[kind])
    judgement = await load_strategy(name).judge(chat, case_of())
    assert (judgement.p_de, judgement.p_up) == (None, None)
    assert judgement.failed
    assert judgement.unreachable == (kind == "unreachable")
    assert len(chat.requests) == (1 if kind in ("unreachable", "refused") else 2)


async def test_what_came_before_a_failure_is_kept(case_of):
    def script(messages, schema, options):
        if options == ("up", "down"):
            return LLMError("No log-probabilities.")
        return obliging(messages, schema, options)

    judgement = await load_strategy("core").judge(ScriptedChat(script), case_of())
    assert (judgement.p_de, judgement.p_up) == (0.75, None)
    assert judgement.failed == "No log-probabilities."


async def test_a_form_filled_in_wrongly_is_shown_its_error_once(case_of):
    wrong = iter(["{}"])

    def script(messages, schema, options):
        return next(wrong, None) or obliging(messages, schema, options)

    chat = ScriptedChat(script)
    judgement = await load_strategy("vcworld").judge(chat, case_of())
    assert judgement.failed == ""
    assert "cannot be used" in chat.requests[1].messages[-1].content


async def test_each_strategy_has_prompts_of_its_own():
    assert len({load_strategy(name).prompts_hash for name in STRATEGIES}) == len(STRATEGIES)
