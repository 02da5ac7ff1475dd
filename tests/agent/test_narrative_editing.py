"""Sentences that a language model writes anew are kept only where the tables confirm them."""

import json

import pytest

from agent.narrative.editing import rewritten
from tests.llm.scripted import ScriptedChat
from tools.counts.facts import Fact, Facts

FACTS = Facts(
    {
        "gene CA9": Fact(frozenset(["CA9"]), (5.5, 46.0, 3e-40), 1),
        "summary changed": Fact(frozenset(), (12.0, 7.0, 19.0)),
    },
    frozenset(["CA9", "UMOD"]),
)
TEXT = "CA9 is 46-fold higher in tumour (log2 fold change 5.50) [gene CA9]."


def said(*sentences):
    return ScriptedChat([json.dumps({"sentence": one}) for one in sentences])


@pytest.mark.anyio
async def test_a_better_sentence_with_the_same_facts_is_kept():
    anew = "In tumour, CA9 is 46-fold higher, a log2 fold change of 5.50 [gene CA9]."
    found = await rewritten(said(anew), [TEXT], FACTS.check)
    assert found.sentences == (anew,)
    assert (found.kept, found.dropped) == (1, ())


@pytest.mark.anyio
@pytest.mark.parametrize(("anew", "why"), [
    (TEXT.replace("46", "64"), "no marked row holds 64"),
    (TEXT.replace("higher", "lower"), "goes the other way"),
    (TEXT.replace("CA9 is", "CA9, unlike UMOD, is"), "UMOD"),
    (TEXT.replace("CA9 is", "CA9 dramatically is"), "It adds 'dramatically'"),
    (TEXT.replace(" [gene CA9]", ""), "The marks were changed"),
])  # fmt: skip
async def test_a_sentence_that_says_something_else_is_dropped_and_counted(anew, why):
    found = await rewritten(said(anew), [TEXT], FACTS.check)
    assert found.sentences == (TEXT,)
    assert found.kept == 0
    assert len(found.dropped) == 1
    assert why in found.dropped[0]


@pytest.mark.anyio
async def test_a_direction_without_a_row_of_its_own_cannot_be_turned():
    text = "12 are higher in tumour [summary changed]."
    found = await rewritten(said("12 are lower in tumour [summary changed]."), [text], FACTS.check)
    assert found.sentences == (text,)
