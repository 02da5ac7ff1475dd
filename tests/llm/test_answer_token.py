import math

import pytest

from agent.llm.answer_token import constrained, first, free
from agent.llm.wire import Alternative, Position


def position(**tokens):
    listed = [Alternative(token=token, logprob=math.log(p)) for token, p in tokens.items()]
    ruled_out = Alternative(token="!", logprob=-9999.0)
    return Position(**listed[0].model_dump(), top_logprobs=(*listed, ruled_out))


def test_every_spelling_of_a_word_counts_for_it():
    found = constrained(position(yes=0.4, ye=0.2, y=0.1, no=0.3), ["yes", "no"])
    assert found.option == pytest.approx({"yes": 0.7, "no": 0.3})
    assert found.begun == {}


def test_what_several_words_begin_with_is_kept_apart():
    found = constrained(position(un=0.5, up=0.3, u=0.2), ["up", "unchanged", "unknown"])
    assert found.option == pytest.approx({"up": 0.3, "unchanged": 0, "unknown": 0})
    assert found.begun == pytest.approx({"un": 0.5, "u": 0.2})


def test_a_gene_that_begins_with_no_is_not_no():
    found = free(position(Notch=0.6, No=0.2, **{" no.": 0.1, "Yes": 0.1}), ["yes", "no"])
    assert found.option == pytest.approx({"yes": 0.1, "no": 0.3})


def test_the_answer_is_found_after_the_thoughts():
    told = [position(no=1.0), position(**{" way, ": 1.0}), position(yes=0.9, no=0.1)]
    end = position(**{"<|im_end|>": 1.0})
    assert first([*told, end], "yes") is told[2]
    assert first(told, "perhaps") is None
    assert first([], "yes") is None
