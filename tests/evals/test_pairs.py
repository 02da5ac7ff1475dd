"""Contrast pairs: drawn evenly, scored within 0 and 1, resumed, and told beside the evidence."""

import json

import numpy as np
import pandas as pd
import pytest

from agent.settings import Settings
from evals.harness.page import Record
from evals.language.contrast import ContrastEval, evaluate, rescore
from evals.language.contrast_page import summary
from evals.language.contrast_score import found, read_replies
from evals.language.pairs import contrast_pairs, scored
from evals.rows import KEYS
from evals.scoreboard import RESULTS
from knowledge.errors import DataError, QuestionError, RunError
from tests.evals.language_world import world  # noqa: F401  # a fixture
from tests.llm.scripted import ScriptedChat


def rows():
    made = [
        (line, f"P{n}", gene, "de", float(n % 3 == 0))
        for line in ("K562", "RPE1")
        for gene in ("A", "B", "C")
        for n in range(12)
    ]
    return pd.DataFrame(made, columns=[*KEYS, "label"])


def test_a_pair_is_one_readout_in_one_line_with_both_outcomes_and_no_row_comes_twice():
    drawn = contrast_pairs(rows(), 20, seed=3)
    assert drawn.pair.nunique() == 20
    assert not drawn.duplicated(KEYS).any()
    for _, pair in drawn.groupby("pair"):
        assert sorted(pair.label) == [0, 1]
        assert pair[["cell_line", "gene", "task"]].drop_duplicates().shape[0] == 1
    assert drawn.cell_line.value_counts().eq(20).all()
    pd.testing.assert_frame_equal(drawn, contrast_pairs(rows(), 20, seed=3))


def test_readouts_without_both_outcomes_give_no_pair():
    with pytest.raises(RunError, match="No readout of these rows has both outcomes"):
        contrast_pairs(rows().assign(label=1.0), 4, seed=0)


def test_shares_are_those_counted_by_hand_and_intervals_stay_within_0_and_1():
    table = contrast_pairs(rows(), 20, seed=0)
    number = table.pair.to_numpy()
    table["evidence"] = np.where(number < 10, table.label, 1 - table.label)
    table["llm"] = np.where(number < 15, table.label, 0.5)
    found = {one.predictor: one for one in scored(table, ("llm", "evidence"), "evidence")}
    assert found["evidence"].share == 0.5
    assert found["llm"].share == (15 + 2.5) / 20
    assert (found["llm"].better, found["llm"].worse) == (10, 0)
    assert found["llm"].p == pytest.approx(2 * 0.5**10)
    table["llm"] = table.label
    (perfect,) = (one for one in scored(table, ("llm",), "llm"))
    assert 0 < perfect.low < perfect.high == 1


def knowing(table):
    """Answer every question with the label of its row."""

    def reply(messages, schema, options):
        said = " ".join(message.content for message in messages)
        if not options:
            return json.dumps(dict.fromkeys(schema.model_fields, "So it is."))
        asked = table[
            [
                f"Line: {row.cell_line}." in said
                and f"Perturbation: {row.pert} " in said
                and f"mRNA of {row.gene} " in said
                for row in table.itertuples()
            ]
        ]
        task = "dir" if options[0] == "up" else "de"
        of_task = asked[asked.task == task].label
        if of_task.empty:  # the empty case
            return dict.fromkeys(options, 5)
        label = of_task.iloc[0]
        return {options[0]: 9 if label else 1, options[1]: 1 if label else 9}

    return reply


@pytest.mark.slow
def test_a_model_that_knows_is_seen_to_help_and_a_finished_run_asks_nobody(
    world,  # noqa: F811
    tmp_path,
):
    chat = ScriptedChat(knowing(world.table))
    run = ContrastEval(model=chat.model, pairs=24)
    settings = Settings(data=tmp_path / "data")
    told = []
    results = evaluate(
        world.mirror, tmp_path / "run", run, settings, lambda what, _: told.append(what), chat
    )
    share = {(one.role, one["task"]): one.value.value for one in results.scores.where(where="all")}
    assert share["llm", "de"] == share["llm", "dir"] == 1
    assert share["mean", "de"] >= share["evidence", "de"]
    for where in ("sure", "unsure"):
        assert results.scores.where(where=where, role="llm")
    page = (tmp_path / "run" / "scoreboard.md").read_text()
    assert "| knockwise | changes | 12 | 1.000 [" in page
    assert "No test row is asked about." in page
    assert "knockwise" in summary(results)
    asked = len(chat.requests)
    assert evaluate(world.mirror, tmp_path / "run", run, settings, print, chat) == results
    assert len(chat.requests) == asked
    again = rescore([tmp_path / "run" / "kept.parquet"], tmp_path / "again", lambda *_: None)
    assert again == results


@pytest.mark.slow
def test_variants_are_asked_about_fewer_pairs_and_compared_with_the_whole(
    world,  # noqa: F811
    tmp_path,
):
    chat = ScriptedChat(knowing(world.table))
    words = (
        "knockwise",
        "knockwise, without about=8",
        "direct, swapped",
    )
    run = ContrastEval(model=chat.model, strategies=words, pairs=16)
    results = evaluate(
        world.mirror, tmp_path / "run", run, Settings(data=tmp_path / "d"), lambda *_: None, chat
    )
    asked = {one["strategy"]: one for one in results.facts["asked"]}
    assert [one["questions"] for one in asked.values()] == [32, 16, 32]
    assert asked["knockwise, without about"]["prompts_hash"] not in {
        asked[name]["prompts_hash"] for name in ("knockwise", "direct, swapped")
    }
    against = [one for one in results.facts["tests"] if one["against"] == words[0]]
    assert {one["pairs"] for one in against} == {4, 8}
    last = chat.requests[-1].messages[-1].content
    assert "Answer down or up." in last or "Answer no or yes." in last
    assert len(results.facts["bias"]) == 6
    assert "empty case" in (tmp_path / "run" / "scoreboard.md").read_text()


@pytest.mark.parametrize("kept", sorted(RESULTS.glob("pairs-*.json")), ids=lambda path: path.stem)
def test_kept_figures_follow_from_kept_replies(kept):
    record = Record.read(kept)
    again = found(record.results.kind, read_replies(kept.with_suffix(".parquet")))
    assert again.facts == record.results.facts
    for one, other in zip(again.scores, record.results.scores, strict=True):
        assert one.keys == other.keys
        assert one.value.value == pytest.approx(other.value.value, abs=1e-9)


def test_fused_is_no_worse_than_the_evidence_for_any_model_that_was_asked():
    for kept in RESULTS.glob("pairs-*.json"):
        shares = Record.read(kept).results.scores.by("predictor", "role", "task", "where")
        for (name, role, task, where), score in shares.items():
            if role == "fused":
                evidence = shares[name, "evidence", task, where]
                assert score.value.value >= evidence.value.value - 0.003


def test_strategies_of_several_runs_are_scored_together_if_their_pairs_are_the_same(tmp_path):
    whole = pd.read_parquet(next(iter(RESULTS.glob("pairs-*.parquet"))))
    names = list(dict.fromkeys(whole.strategy))
    files = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    whole[whole.strategy == names[0]].to_parquet(files[0])
    whole.to_parquet(files[1])
    together = rescore(files, tmp_path / "together", lambda *_: None)
    assert together.facts == rescore(files[1:], tmp_path / "whole", lambda *_: None).facts
    other = whole.assign(pert=whole.pert.where(whole.pair != 0, "OTHER"))
    other.to_parquet(files[1])
    with pytest.raises(DataError, match="of different pairs"):
        rescore(files, tmp_path / "other", lambda *_: None)


def test_replies_of_another_kind_are_refused_in_one_sentence(tmp_path):
    path = tmp_path / "kept.parquet"
    pd.DataFrame({"pert": ["A"]}).to_parquet(path)
    with pytest.raises(DataError, match="holds no replies to contrast pairs"):
        rescore([path], tmp_path / "again", lambda *_: None)


@pytest.mark.parametrize("word", ["knockwise=1", "knockwise=many", "knockwise, at leisure"])
def test_a_strategy_that_cannot_be_asked_is_told(tmp_path, word):
    run = ContrastEval(model="any", strategies=(word,))
    with pytest.raises(QuestionError, match=r"NAME=PAIRS|cannot be asked 'at leisure'"):
        evaluate(tmp_path, tmp_path / "run", run, Settings(data=tmp_path), lambda *_: None)


@pytest.mark.slow
def test_asking_stops_when_the_interval_is_narrow_enough(world, tmp_path):  # noqa: F811
    chat = ScriptedChat(knowing(world.table))
    run = ContrastEval(model=chat.model, pairs=120, until=0.9, cell_lines=("K562",))
    results = evaluate(
        world.mirror, tmp_path / "run", run, Settings(data=tmp_path / "d"), lambda *_: None, chat
    )
    (cost,) = results.facts["asked"]
    assert cost["questions"] == 80
