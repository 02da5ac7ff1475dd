from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.nodes.retrieve import retrieve
from agent.state import AgentState
from knowledge.base import load_knowledge
from knowledge.errors import TextIndexError
from knowledge.schema import Perturbation, Question
from knowledge.texts.documents import Document
from knowledge.texts.search import Passage

pytestmark = pytest.mark.anyio


class OneShelf:
    """Answers with one UniProt text and remembers whether it was asked to search by meaning."""

    def __init__(self, error=None):
        self.error, self.dense = error, []

    def search(self, query, k=8, *, kind=None, gene=None, source=None, dense=True):
        if self.error:
            raise self.error
        self.dense.append(dense)
        document = Document(
            id=f"UniProt:{gene}", kind="gene", text="Folds.", source="UniProt", gene=gene or ""
        )
        return [Passage(document=document, score=1, matched_by=("lexical",))] if gene else []


@pytest.fixture(scope="module")
def knowledge():
    return load_knowledge(Path("/nowhere"))


@pytest.fixture
def look_up(knowledge):
    """Run the node on a question; returns its update and the events it emitted."""

    async def run(genes=("HSPA5",), readouts=(), index=None, scope="starter"):
        question = Question(
            perturbation=Perturbation(genes=genes, cell_line="K562"),
            readouts=readouts,
            text="What happens?",
        )
        events = []
        context = SimpleNamespace(knowledge=replace(knowledge, scope=scope), text_index=index)
        runtime = SimpleNamespace(context=context, stream_writer=events.append)
        state = AgentState(text="What happens?", question=question, unknown=["before"])
        return await retrieve(state, runtime), events

    return run


async def test_a_gene_comes_with_its_summary_its_sets_and_its_passages(look_up):
    update, events = await look_up(index=OneShelf())
    ids = [fact.id for fact in update["evidence"]]
    assert {
        "txt:starter:HSPA5",
        "txt:programme:unfolded-protein-response",
        "txt:UniProt:HSPA5",
    } <= set(ids)
    assert any(one.startswith("set:starter:unfolded-protein-response") for one in ids)
    assert len(ids) == len(set(ids))
    assert update["unknown"] == ["before"]
    (event,) = events
    assert event["texts"] == 4
    assert event["message"] == f"4 texts and {event['annotations']} annotations about HSPA5"


async def test_readouts_come_with_one_summary_each_up_to_a_limit(look_up):
    readouts = ("DDIT3", "HERPUD1", "ATF3", "ASNS", "TRIB3", "DNAJB9", "XBP1", "HSP90B1")
    update, _ = await look_up(readouts=readouts)
    about = [fact.genes[0] for fact in update["evidence"] if fact.id.startswith("txt:starter:")]
    assert about == ["HSPA5", *readouts[:6]]


async def test_searching_by_meaning_is_left_to_the_tools(look_up):
    index = OneShelf()
    await look_up(genes=("MDM2", "MDM4"), index=index)
    assert index.dense == [False, False]


async def test_an_index_of_another_encoder_stops_the_answer(look_up):
    with pytest.raises(TextIndexError, match="another encoder"):
        await look_up(index=OneShelf(TextIndexError("The index was built with another encoder.")))


async def test_full_data_without_an_index_is_said_and_the_answer_goes_on(look_up):
    update, _ = await look_up(scope="full")
    assert update["evidence"]
    assert update["unknown"][-1].endswith("`knockwise index build` makes their index.")


async def test_a_lesion_of_the_cell_line_is_among_the_facts(look_up):
    update, _ = await look_up(genes=("TP53",))
    assert "line:K562:TP53:lesion" in [fact.id for fact in update["evidence"]]
