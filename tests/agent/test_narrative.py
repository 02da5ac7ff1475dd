"""The story of an answer: told by templates, or by a model whose sentences must follow from it."""

import asyncio
import json

import pytest

from agent.llm.errors import LLMError
from agent.narrative.checker import refused
from agent.narrative.facts import facts_of
from agent.narrative.sections import HYPOTHETICAL, SECTIONS, told
from agent.narrative.writer import template_story, written_story
from agent.session import Session
from agent.settings import Settings
from knowledge.base import load_knowledge
from tests.llm.scripted import ScriptedChat

LINES = ("K562", "RPE1", "HepG2", "Jurkat")
QUESTIONS = (
    "Knock out HSPA5 in K562: what happens to DDIT3 and HERPUD1, and why?",
    "Knock out PSMD2 in RPE1",
    "Knock out GATA1 in K562",
    "Activate ATF4 in K562: ASNS?",
    "Knock out MRPL3 in RPE1: what happens to ASNS and TRIB3?",
    "Knock out CD3E in Jurkat",
)


@pytest.fixture(scope="module")
def is_gene(tmp_path_factory):
    symbols = load_knowledge(tmp_path_factory.mktemp("nothing")).symbols
    return lambda word: symbols.ground(word).gene is not None


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("narrative")
    session = Session.open(Settings(data=folder / "data", runs=folder / "runs"))
    return [asyncio.run(session.ask(question)) for question in QUESTIONS]


def check(answer, text, numbers, is_gene, **how):
    facts = {fact.number: fact for fact in facts_of(answer)}
    line = answer.question.perturbation.cell_line
    return refused(text, [facts[n] for n in numbers], LINES, line, is_gene, **how)


def test_every_sentence_of_our_own_passes_the_checker(answers, is_gene):
    for answer in answers:
        story = told(answer)
        assert {"What breaks", "What answers"} <= {one.section for one in story}
        assert [SECTIONS.index(one.section) for one in story] == sorted(
            SECTIONS.index(one.section) for one in story
        )
        for one in story:
            how = {"hypothetical": one.section in HYPOTHETICAL}
            assert not check(answer, one.text, one.facts, is_gene, **how), one.text
            assert set(one.evidence_ids) <= {fact.id for fact in answer.evidence}


def number_of(answer, start):
    return next(fact.number for fact in facts_of(answer) if fact.text.startswith(start))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("DDIT3 rises.", ""),
        ("Losing HSPA5 raises DDIT3 in K562.", ""),
        ("DDIT3 mRNA goes up with P(changes) {p}.", ""),
        ("DDIT3 falls.", "DDIT3 goes down"),
        ("Losing HSPA5 lowers DDIT3.", "DDIT3 goes down"),
        ("DDIT3 does not rise.", "does not go up"),
        ("DDIT3 rises, as TP53 is lost.", "TP53 is in none"),
        ("DDIT3 rises with P(changes) 0.123.", "number 0.123"),
        ("DDIT3 rises in HepG2.", "not the cell line"),
        ("DDIT3 rises while HSPA5 is activated.", "HSPA5 goes up"),
        ("DDIT3 " + "very " * 80 + "much rises.", "longer than"),
    ],
)
def test_a_sentence_is_held_against_what_it_cites(answers, is_gene, text, why):
    answer = answers[0]
    effect = next(one for one in answer.effects if one.gene == "DDIT3")
    cited = [1, number_of(answer, "DDIT3 mRNA goes up")]
    reason = check(answer, text.format(p=f"{effect.p_de:.2f}"), cited, is_gene)
    assert (why in reason) if why else not reason
    assert check(answer, text, [], is_gene) == "it cites no fact"


def test_what_acts_on_what_is_read_as_such(answers, is_gene):
    answer = answers[0]
    step = number_of(answer, "HSPA5 activity down → ATF6 activity up")
    assert not check(answer, "HSPA5 inhibits ATF6.", [step], is_gene)
    assert check(answer, "HSPA5 activates DDIT3.", [step], is_gene)
    assert not check(answer, "ATF6 is activated, as HSPA5 falls.", [step], is_gene)
    assert check(answer, "ATF6 is inhibited.", [step], is_gene)


def telling(parts):
    """Return a model that writes these drafts of each section, one after the other."""

    def reply(messages, schema, options):
        section = next(one for one in SECTIONS if f'part "{one}"' in messages[-1].content)
        left = parts.get(section, [])
        return json.dumps({"sentences": left.pop(0) if left else []})

    return ScriptedChat(reply)


def say(text, *facts):
    return {"text": text, "facts": list(facts)}


def test_a_model_tells_what_follows_writes_the_rest_anew_once_and_loses_what_fails_again(
    answers, is_gene
):
    answer = answers[0]
    rises = number_of(answer, "DDIT3 mRNA goes up")
    good = say("The stress gene DDIT3 rises.", rises)
    wrong = say("HERPUD1 falls in K562.", rises)
    foreign = say("TP53 senses the damage.", 1)
    mended = say("DDIT3 goes up in K562.", rises)
    chat = telling(
        {"What answers": [[good, wrong], [mended]], "What senses and relays it": [[foreign]] * 2}
    )
    story = asyncio.run(written_story(chat, answer, LINES, is_gene))
    assert (story.written, story.accepted, story.rewritten) == (3, 1, 1)
    assert len(story.dropped) == 1
    anew = [one.text for one in chat.requests if "were refused" in one.text]
    assert len(anew) == 2
    assert any("TP53 is in none of the facts cited" in one for one in anew)
    told_by = {one.section: one.author for one in story.sentences}
    assert told_by["What answers"] == "scripted"
    assert told_by["What breaks"] == "Knockwise"
    texts = [one.text for one in story.sentences]
    assert "HERPUD1 falls in K562." not in texts
    assert "TP53 senses the damage." not in texts


def test_where_the_model_fails_our_own_sentences_tell_it(answers, is_gene):
    answer = answers[0]
    story = asyncio.run(written_story(ScriptedChat([LLMError("gone")]), answer, LINES, is_gene))
    assert story.sentences == template_story(answer).sentences
    assert "gone" in story.count
