"""Predictions that somebody brings: scored on what they answer, and never filled in unsaid."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from app.cli import app
from evals.harness.brought import matched, read_brought
from evals.harness.page import Record
from evals.perturbqa.own.page import Facts
from knowledge.errors import QuestionError
from tests.app.refusal import one_sentence
from tests.evals.own_world import READOUTS, answers, symbols, write_world

ROWS = 16 * len(READOUTS) * 2


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr("evals.rows.read_symbols", symbols)
    monkeypatch.setattr("evals.perturbqa.own.run.read_symbols", symbols)
    return write_world(tmp_path / "data")


@pytest.fixture
def scored(world, tmp_path):
    """Score a table, and return what was printed and the results."""

    def run(table, *words, ending="csv"):
        path = tmp_path / f"mine.{ending}"
        table.to_parquet(path) if ending == "parquet" else table.to_csv(path, index=False)
        out = tmp_path / "own"
        given = ["--data", world.parent, "--predictions", path, "--against", world, "--out", out]
        words = ["eval", "perturbqa", *given, *words]
        return CliRunner().invoke(app, [str(one) for one in words]), out

    return run


def test_a_better_model_is_told_to_be_better_on_the_same_rows(scored):
    done, out = scored(answers())
    assert done.exit_code == 0, done.output
    assert f"official test rows of K562 and RPE1, de: {ROWS} of {ROWS} rows (100.0%)" in done.stdout
    assert "Not in the file: held-out training rows of HepG2 and Jurkat" in done.stdout
    gains = Record.read(out).results.scores.where(measure="auroc", cell_line="mean").gains
    assert {gain.than for gain in gains} >= {"response model", "gene prior", "cross-line transfer"}
    assert {gain.verdict for gain in gains} == {"better"}
    names = {one.measure for one in Record.read(out).results.scores}
    assert {"auroc within perturbation", "average precision within readout", "brier"} <= names


def test_what_is_amiss_is_counted_told_and_left_out(scored):
    table = answers()
    table.loc[0, "p"] = np.nan
    table.loc[1, "p"] = np.inf
    twice = pd.concat([table.iloc[5:6], table.iloc[6:7].assign(p=0.123)])
    stranger = table.iloc[7:8].assign(pert="NOSUCHGENE")
    done, out = scored(pd.concat([table.drop(index=[2, 3, 4]), twice, stranger]))
    assert done.exit_code == 0, done.output
    facts = Record.read(out).results.about(Facts)
    de = facts.coverage[0]
    assert (de.missing, de.no_number, de.contradicted, de.repeated) == (3, 2, 1, 1)
    assert de.answered == ROWS - 6
    assert (facts.unknown, facts.unknown_examples) == (1, ("RPE1 NOSUCHGENE R11",))
    assert "3 not in it, 2 without a number, 1 with several different numbers" in done.stdout
    counted = Record.read(out).results.scores.where(predictor="yours", measure="auroc").plain
    assert counted


def test_nothing_amiss_passes_when_asked_to_be_strict(scored):
    done, _ = scored(answers().drop(index=0), "--strict")
    assert one_sentence(done)
    assert "1 not in it; mend the file, or leave out --strict" in done.output


def test_too_little_is_refused_where_a_share_is_declared(scored):
    done, _ = scored(answers(lines=("K562",)), "--coverage", "0.9")
    assert one_sentence(done)
    assert "rows are answered (50.0%), fewer than --coverage 0.9 asks for" in done.output


def test_a_file_that_answers_nothing_is_refused(scored):
    done, _ = scored(answers().assign(cell_line="HeLa"))
    assert one_sentence(done)
    assert "answers no row of the benchmark; its 192 pairs such as HeLa P0 R0" in done.output


def test_older_names_lines_in_any_case_long_tables_and_parquet_are_read(scored):
    table = answers().replace({"pert": {"P0": "OLD0"}, "cell_line": {"K562": "k562"}})
    long = pd.concat(
        [
            table.assign(task="de")[["pert", "gene", "cell_line", "task", "p"]],
            table.assign(task="dir", p=table.p_up).dropna(subset="p")[
                ["pert", "gene", "cell_line", "task", "p"]
            ],
        ]
    )
    done, out = scored(long, ending="parquet")
    assert done.exit_code == 0, done.output
    assert [one.share for one in Record.read(out).results.about(Facts).coverage] == [1, 1]


def test_the_columns_of_predict_are_read(scored):
    table = answers().rename(columns={"pert": "perturbation", "p": "p_de"})
    done, _ = scored(table.assign(kind="knockdown", call="up"))
    assert done.exit_code == 0, done.output


def test_numbers_that_are_no_probabilities_are_ranked_only(scored):
    done, out = scored(answers().assign(p=lambda t: 10 * t.p).drop(columns="p_up"))
    assert done.exit_code == 0, done.output
    assert not Record.read(out).results.scores.where(measure="brier")
    assert "official test rows of K562 and RPE1, dir" in done.stdout


def test_held_out_rows_are_ranked_within_their_fold(scored):
    done, out = scored(answers(lines=("HepG2", "Jurkat")))
    assert done.exit_code == 0, done.output
    assert Record.read(out).results.scores.values("split") == ["cv"]


def test_the_kept_run_is_compared_with_where_none_is_named(tmp_path):
    words = [
        "eval",
        "perturbqa",
        "--data",
        tmp_path,
        "--out",
        tmp_path / "o",
        "--against",
        tmp_path,
    ]
    done = CliRunner().invoke(app, [str(one) for one in words])
    assert one_sentence(done)
    assert "about your own numbers; add --predictions" in done.output
    words = [*words[:-2], "--predictions", tmp_path / "x.csv", "--folds", 3]
    done = CliRunner().invoke(app, [str(one) for one in words])
    assert one_sentence(done)
    assert "trains nothing; leave them out" in done.output


def test_a_table_without_predictions_is_told_what_to_name_them(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("pert,gene,cell_line\nA,B,K562\n")
    keys = {"pert": (), "gene": (), "cell_line": ()}
    with pytest.raises(QuestionError, match=r"no column of predictions; name it p or p_up"):
        read_brought(path, keys, {"p": (), "p_up": ()})


def test_a_word_is_no_number_and_no_zero(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("gene,p\nA,0.5\nB,high\nC,\n")
    table = read_brought(path, {"gene": ()}, {"p": ()})
    asked = pd.DataFrame({"gene": ["A", "B", "C", "D"]})
    number, told = matched(table, "p", asked, ["gene"], "genes")
    assert number.tolist()[0] == 0.5
    assert number.isna().tolist() == [False, True, True, True]
    assert (told.answered, told.no_number, told.missing) == (1, 2, 1)
    assert str(told) == "genes: 1 of 4 rows (25.0%); 1 not in it, 2 without a number (such as D)"
