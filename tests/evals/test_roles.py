"""The roles of a language model: cases without it, its answers, the page, and replaying them."""

import gzip
import json
import shutil

import numpy as np
import pytest

from agent.llm.cache import CachedChat
from agent.settings import Settings
from evals.altered_graphs import Relations
from evals.harness.page import Record
from evals.recovery import clues, hidden_pairs, hunt
from evals.roles import run as running
from evals.roles.branches import curated_cases, databases_alone
from evals.roles.facts import (
    BranchAnswer,
    BranchCase,
    Option,
    ReadCase,
    StepCase,
    StoryAnswer,
)
from evals.roles.page import BENCHMARK, together
from evals.roles.reading import FRESH, TEXTBOOK, read_case, read_cases
from evals.roles.run import RolesEval, evaluate
from evals.roles.score import branches, paired, reading, share, steps, stories
from evals.roles.steps import answered_steps, step_cases
from knowledge.base import load_knowledge
from knowledge.errors import RunError
from knowledge.graph import SignedGraph
from knowledge.schema import Edge
from tests.evals.test_mechanism import clubs, knowledge, measured
from tests.llm.scripted import ScriptedChat

pytestmark = pytest.mark.anyio
NOTHING = '{"perturbed":[],"kind":"knockout","cell_line":null,"readouts":[]}'


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    from models.response import ResponseModel

    return load_knowledge(tmp_path_factory.mktemp("none"), ResponseModel.load().genes())


def edge(source, effect, target, mechanism="phosphorylation", database="SIGNOR"):
    return Edge(source=source, target=target, effect=effect, mechanism=mechanism, database=database)


def test_a_share_stays_within_0_and_1_and_the_test_is_counted_by_hand():
    assert share(5, 5).high == 1
    assert 0 < share(5, 5).low < 1
    found = paired("steps", "", "a", "b", [1, 1, 1, 1, 0], [0, 0, 0, 0, 1])
    assert (found.better, found.worse) == (4, 1)
    assert found.p == pytest.approx(2 * (5 + 1) / 32)
    assert paired("steps", "", "a", "b", [1, 0], [1, 0]).p == 1


async def test_a_model_is_asked_what_the_rules_cannot_read_and_may_refuse_too(starter):
    cases = [one for one in read_cases(None, starter) if one.refused and not one.firm]
    assert cases
    loose = next(one for one in cases if one.text.startswith("PTEN: out."))
    said = '{"perturbed":["PTEN"],"kind":"knockout","cell_line":"RPE1","readouts":["CCND1"]}'
    wrong = said.replace("knockout", "activation")
    found = [await read_case(loose, ScriptedChat([one]), starter) for one in (said, wrong, NOTHING)]
    assert [one.both for one in found] == ["right", "wrong", "refused"]
    nonsense = next(one for one in cases if one.text.startswith("who discovered"))
    assert (await read_case(nonsense, ScriptedChat([NOTHING]), starter)).both == "right"
    made_up = ScriptedChat([NOTHING.replace("[]", '["NFE2L2"]', 1)])
    assert (await read_case(nonsense, made_up, starter)).both == "wrong"


async def test_what_the_rules_read_is_not_asked(starter):
    case = next(one for one in read_cases(None, starter) if not one.refused)
    chat = ScriptedChat([])
    assert (await read_case(case, chat, starter)).both == case.rules
    assert not chat.requests


def test_the_built_in_step_is_among_those_that_databases_offer_and_hidden_from_the_evidence():
    curated = [
        edge("A", "activates", "B", database="starter:one"),
        edge("B", "activates", "Z", "transcription", "starter:one"),
    ]
    theirs = [edge("A", "activates", name) for name in ("B", "CX", "DX", "EX")]
    theirs += [edge(name, "activates", "Z", "transcription") for name in ("B", "CX", "DX", "EX")]
    graph = SignedGraph([*curated, *theirs])
    alone = databases_alone(graph)
    assert not any(one.curated for one in alone.out_relations("A"))
    (case,) = curated_cases(graph, alone, 1, np.random.default_rng(0))
    assert (case.gene, case.readout) == ("A", "Z")
    assert case.options[case.right].gene == "B"
    assert len(case.options) == 4
    assert min(case.evidence) > 0


def branch(right, evidence=(0.5, 0.2, 0.1)):
    options = tuple(Option(gene=name, effect="activates") for name in "BCD")
    return BranchCase(
        part="textbook", gene="A", gained=False, readout="Z", options=options, right=right,
        evidence=evidence,
    )  # fmt: skip


def test_branches_are_counted_beside_the_evidence_and_places_are_levelled():
    cases = [branch(0), branch(1), branch(2)]
    said = [BranchAnswer(p=p) for p in ((0.7, 0.2, 0.1), (0.5, 0.4, 0.1), (0.5, 0.2, 0.3))]
    scores, tests = branches(cases, said, "m")
    value = {one.predictor: one.value.value for one in scores if one.measure == "right"}
    assert value == pytest.approx(
        {"evidence": 1 / 3, "m": 1 / 3, "m, places levelled": 1, "chance": 1 / 3,
         "m, places levelled, and evidence": 1 / 3}
    )  # fmt: skip
    assert [one.value.value for one in scores if one.measure == "chose the first"] == [1]
    assert [(one.better, one.worse) for one in tests] == [(0, 0), (2, 0), (0, 0)]


async def test_steps_are_held_against_the_hidden_relations(starter):
    six = knowledge(*clubs(0))
    relations = Relations(six.graph)
    hidden = hidden_pairs(relations, np.random.default_rng(0))
    known = clues(six, relations, measured(("K562", "A", "C", 0)))
    found = hunt(relations, known, hidden, np.random.default_rng(1))
    assert not list(step_cases(found, relations, 5, np.random.default_rng(2)))  # too few hidden
    case = StepCase(
        gene="TP53", shown=("MDM2 (activates)",), linked=("MDM2",), hidden={"CDKN1A": 1},
        evidence=("CDKN1A", "MYC", "ATF4"), popular=("MYC",), chance=0.01,
    )  # fmt: skip
    names = [("cdkn1a", "activates"), ("MDM2", "inhibits"), ("NOGENE9", "activates")]
    reply = json.dumps({"steps": [{"target": name, "effect": way} for name, way in names]})
    answer = await answered_steps(case, ScriptedChat([reply]), starter.symbols)
    assert [one[1] for one in answer.steps] == ["right", "known", "no gene"]
    failed = await answered_steps(case, ScriptedChat(["I", "cannot"]), starter.symbols)
    scores, tests = steps([case, case], [answer, failed], "m")
    value = {(one.predictor, one.measure): one.value.value for one in scores}
    assert value["m", "precision"] == value["m", "sign"] == 1
    assert value["the genes acted on most", "precision"] == 0
    assert value["evidence", "precision"] == pytest.approx(1 / 3)
    assert (value["m", "known"], value["m", "no gene"], value["m", "failed"]) == (1, 1, 1)
    assert [(one.better, one.worse) for one in tests] == [(0, 1), (1, 0)]


def test_stories_and_readings_are_counted():
    one = StoryAnswer(
        question="q", templates=8, cited=7, written=4, accepted=2, rewritten=1, dropped=("x (y)",),
        copied=1, told=3, sections=2,
    )  # fmt: skip
    value = {(s.predictor, s.measure): s.value.value for s in stories([one, one], "m")}
    assert value["m", "accepted"] == 0.5
    assert value["m", "dropped"] == value["m", "rewritten"] == 0.25
    assert value["m", "copied"] == pytest.approx(1 / 3)
    read = ReadCase(
        part=FRESH, text="t", meanings=("m",), rules="refused", by_rules="", refused=True,
        firm=True, model="right", both="refused",
    )  # fmt: skip
    scores, tests = reading([read], "m")
    value = {(s.predictor, s.measure): s.value.value for s in scores}
    assert value["rules, m after every refusal", "right"] == 1
    assert value["rules, then m", "refused"] == 1
    assert [(test.better, test.worse) for test in tests] == [(0, 0), (1, 0)]


def reply(messages, schema, options):
    if options:
        return {option: 1.0 / (number + 1) for number, option in enumerate(options)}
    if schema.__name__ == "Reading":
        return NOTHING
    return json.dumps({"sentences": [{"text": "It breaks.", "facts": [1]}]})


@pytest.mark.slow
def test_a_run_tells_its_page_is_replayed_from_kept_replies_and_asks_nobody_twice(
    tmp_path, monkeypatch
):
    settings = Settings(data=tmp_path / "data")
    run = RolesEval(model="scripted", roles=("reading", "stories"), stories=1)
    first = tmp_path / "first"
    first.mkdir()
    inner = ScriptedChat(reply)
    with CachedChat(inner, first / "replies.sqlite") as chat:
        results = evaluate(tmp_path, first, run, settings, lambda *_: None, chat=chat)
    asked = len(inner.requests)
    assert evaluate(tmp_path, first, run, settings, print, chat=inner) == results
    assert len(inner.requests) == asked
    page = (first / "scoreboard.md").read_text()
    assert "| fresh phrasings | rules |" in page
    assert "| 1 questions | templates |" in page
    assert "scripted (p < 0.05):" in BENCHMARK.summary(results)
    record = Record.read(first)
    assert together([record, record]).title == "What a language model is for"

    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr(running, "KEPT", kept)
    with pytest.raises(RunError, match="No reply of scripted is kept"):
        evaluate(tmp_path, tmp_path / "no", run, settings, print, offline=True)
    with (
        (first / "replies.sqlite").open("rb") as file,
        gzip.open(kept / "roles-scripted.sqlite.gz", "wb") as packed,
    ):
        shutil.copyfileobj(file, packed)
    again = evaluate(tmp_path, tmp_path / "again", run, settings, lambda *_: None, offline=True)
    assert again.scores.records() == results.scores.records()


@pytest.mark.data
def test_the_questions_of_the_textbook_have_their_meanings(data_mirror, starter):
    cases = list(read_cases(data_mirror / "textbook" / "questions.tsv", starter))
    theirs = [one for one in cases if one.part == TEXTBOOK]
    assert len(theirs) == 132
    assert sum(one.rules == "right" for one in theirs) >= 0.95 * len(theirs)
