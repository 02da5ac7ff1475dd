"""Runs are folders: traced, interrupted, resumed, replayed."""

import csv
import gc
import json
from dataclasses import replace

import pytest

from agent.reasoners.evidence import EvidenceReasoner
from agent.run import find_run, load_answer, replay, runs
from agent.session import Session
from agent.settings import Settings
from agent.state import Proposal
from app.jobs.opening import open_session
from knowledge.errors import QuestionError, RunError
from knowledge.schema import Change
from tools.effect_rows import RUN_COLUMNS

pytestmark = pytest.mark.anyio
QUESTION = "MDM2 knockout in RPE1: CDKN1A?"
FREEZE = gc.freeze  # that of the tests does nothing


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    home = tmp_path_factory.mktemp("session")
    return Session.open(Settings(data=home / "data", runs=home / "runs"))


@pytest.fixture
def session(loaded, tmp_path):
    """A session that keeps its runs apart; knowledge and models are loaded once."""
    return replace(loaded, settings=loaded.settings.model_copy(update={"runs": tmp_path / "runs"}))


class Died(Exception):
    """The process went away in the middle of a node."""


class Dying(EvidenceReasoner):
    """Works for some rounds, then takes the process with it."""

    def __init__(self, rounds):
        self.left = rounds

    async def choose(self, frontier):
        if not self.left:
            raise Died
        self.left -= 1
        return await super().choose(frontier)


class Confabulator(EvidenceReasoner):
    """Adds a step of its own that nothing supports, as an LLM might."""

    async def choose(self, frontier):
        invented = Proposal(
            source=next(iter(frontier.changes)),
            relation="activates",
            target=Change(node="CDKN1A", direction="down", quantity="expression"),
            mechanism="transcription",
            confidence=0.99,
            proposed_by="llm",
        )
        return [invented, *await super().choose(frontier)]


async def test_a_run_is_a_folder_that_can_be_reread(session, tmp_path):
    folder = tmp_path / "kept"
    answer = await session.ask(QUESTION, run_dir=folder)
    assert {file.name for file in folder.iterdir()} >= {
        "settings.json", "trace.jsonl", "checkpoints.sqlite", "result.json", "effects.csv",
    }  # fmt: skip
    assert load_answer(folder) == answer
    assert answer.run == "kept"
    trace = [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]
    nodes = [event["node"] for event in trace if "update" in event]
    assert nodes[:4] == ["ground", "retrieve", "consult", "propose"]
    assert nodes[-1] == "answer"
    assert all("time" in event for event in trace)


async def test_effects_csv_has_every_gene_with_its_statistics(session, tmp_path):
    await session.ask(QUESTION, run_dir=tmp_path / "run")
    with (tmp_path / "run" / "effects.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 4000
    assert tuple(rows[0]) == RUN_COLUMNS
    assert {(row["perturbation"], row["kind"], row["cell_line"]) for row in rows} == {
        ("MDM2", "knockout", "RPE1")
    }
    p21 = next(row for row in rows if row["gene"] == "CDKN1A")
    assert p21["path"] == "MDM2 ↓ → TP53 ↑ → CDKN1A ↑"
    assert p21["p_de"] == p21["p_de_low"] == ""  # no screen of the line read it
    assert float(p21["p_up"]) > 0.75
    read = next(row for row in rows if row["p_de_low"])
    assert float(read["p_de_low"]) <= float(read["p_de"]) <= float(read["p_de_high"])
    assert "TP53" in p21["top_evidence"]


async def test_an_interrupted_run_goes_on_without_repeating_finished_nodes(session, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(Died):
        await replace(session, reasoner=Dying(1)).ask(QUESTION, run_dir=folder)
    with pytest.raises(RunError, match="not finished"):
        load_answer(folder)
    events = []
    answer = await session.resume(folder, events.append)
    assert "ground" not in {event["node"] for event in events}
    whole = await session.ask(QUESTION, run_dir=tmp_path / "whole")
    assert answer.model_dump(exclude={"run", "timings_s"}) == whole.model_dump(
        exclude={"run", "timings_s"}
    )


async def test_a_finished_run_is_replayed_without_computing(session, tmp_path):
    folder = tmp_path / "run"
    told, again = [], []
    answer = await session.ask(QUESTION, run_dir=folder, on_event=told.append)
    assert replay(folder, again.append) == answer
    assert [event["message"] for event in again] == [event["message"] for event in told]


async def test_resuming_a_finished_run_reads_its_answer(session, tmp_path):
    answer = await session.ask(QUESTION, run_dir=tmp_path / "run")
    assert await session.resume(tmp_path / "run") == answer


async def test_what_a_reasoner_makes_up_is_marked_and_not_believed(session):
    answer = await replace(session, reasoner=Confabulator()).ask(QUESTION)
    invented = [step for step in answer.steps if step.proposed_by == "llm"]
    assert invented
    assert all(step.status != "verified" for step in invented)
    assert answer.hypotheses[0].direction == "up"


async def test_a_question_that_cannot_be_read_says_so(session):
    with pytest.raises(QuestionError, match="ZZZ9"):
        await session.ask("Knock out ZZZ9 in K562")


async def test_a_folder_with_a_run_is_not_overwritten(session, tmp_path):
    await session.ask(QUESTION, run_dir=tmp_path / "run")
    with pytest.raises(RunError, match="already holds a run"):
        await session.ask(QUESTION, run_dir=tmp_path / "run")


async def test_a_folder_that_cannot_be_written_is_named(session, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="cannot be written"):
        await session.ask(QUESTION, run_dir=tmp_path / "file" / "run")


async def test_damaged_checkpoints_are_named(session, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(Died):
        await replace(session, reasoner=Dying(0)).ask(QUESTION, run_dir=folder)
    for file in folder.glob("checkpoints.sqlite*"):
        file.write_bytes(b"no database" * 200)
    with pytest.raises(RunError, match=r"checkpoints\.sqlite is damaged"):
        await session.resume(folder)


async def test_a_damaged_result_is_named(session, tmp_path):
    await session.ask(QUESTION, run_dir=tmp_path / "run")
    (tmp_path / "run" / "result.json").write_text("{")
    with pytest.raises(RunError, match="damaged"):
        load_answer(tmp_path / "run")


async def test_runs_are_found_by_name_beginning_and_latest(session):
    first = await session.ask(QUESTION)
    second = await session.ask(QUESTION)
    folder = session.settings.runs
    assert find_run(folder, first.run).name == first.run
    assert find_run(folder, "latest").name == max(first.run, second.run)
    assert len(runs(folder)) == 2
    with pytest.raises(RunError, match="not a run"):
        find_run(folder, "nothing")


def test_a_session_leaves_the_collector_of_its_host_as_it_was():
    frozen = gc.get_freeze_count()
    Session.open(Settings())
    assert (gc.get_freeze_count(), gc.isenabled()) == (frozen, True)


def test_sessions_of_the_command_line_that_nobody_holds_give_their_memory_back(monkeypatch):
    monkeypatch.setattr(gc, "freeze", FREEZE)
    open_session(Settings())
    once = gc.get_freeze_count()
    assert once
    for _ in range(2):
        open_session(Settings())
    assert gc.get_freeze_count() < 1.5 * once
    gc.unfreeze()
