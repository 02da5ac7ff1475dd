"""Questions in fresh words: none is read as something else, and nearly all are read."""

import pytest

from knowledge.base import load_knowledge
from tests.agent.phrasings import phrasings, scored

LEAST = 0.98


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    from models.response import ResponseModel

    return load_knowledge(tmp_path_factory.mktemp("none"), ResponseModel.load().genes())


@pytest.mark.parametrize("name", [f"phrasings_{number}.txt" for number in range(1, 13)])
def test_fresh_phrasings_are_read_as_meant_or_refused(starter, name):
    found = [scored(phrasing, starter) for phrasing in phrasings(name)]
    misread = [str(one) for one in found if one.verdict == "misread"]
    refused = [str(one) for one in found if one.verdict == "refused"]
    assert not misread, "\n".join(misread)
    assert len(refused) <= (1 - LEAST) * len(found), "\n".join(refused)
