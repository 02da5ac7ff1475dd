import csv
import io
import json

import pandas as pd
import pytest

from tools.effect_rows import COLUMNS

PAIRS = """pert,gene,cell_line
HSPA5,DDIT3,K562
BIP+ATF4,CHOP,k-562
ATF4,HERPUD1,RPE1
HSPA5,ATF4,K562
ATF4,DDIT3,RPE1
"""


@pytest.fixture
def pairs(tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_text(PAIRS)
    return file


def sentence(result):
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    (line,) = [x for x in result.stderr.splitlines() if x.startswith("error: ")]
    return line


def test_one_perturbation_and_its_readouts_are_shown_as_a_table(knockwise, session):
    result = knockwise(
        "predict", "--pert", "bip", "--cell-line", "k562", "--readout", "CHOP", "--readout", "ATF4"
    )
    assert result.exit_code == 0, result.output
    rows = result.stdout.splitlines()[2:]
    assert [row.split()[:3] for row in rows] == [["HSPA5", "K562", x] for x in ("DDIT3", "ATF4")]
    assert "0.90 (0.78–0.96)" in rows[0]


def test_without_readouts_every_gene_is_predicted_the_surest_first(knockwise, session):
    result = knockwise("predict", "--pert", "HSPA5", "--cell-line", "K562", "--json")
    rows = json.loads(result.stdout)["rows"]
    assert len(rows) == 43
    assert rows[0]["gene"] == "DDIT3"
    assert tuple(rows[0]) == COLUMNS


def test_the_users_own_words_for_genes_are_carried_into_the_output(knockwise, session):
    asked = ("predict", "--pert", "bip,ATF4", "--readout", "CHOP,HERPUD1", "--cell-line", "K562")
    result = knockwise(*asked, "--out", "-")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(r["perturbation"], r["pert_as_given"]) for r in rows] == [
        ("HSPA5+ATF4", "bip+ATF4")
    ] * 2
    assert [(r["gene"], r["gene_as_given"]) for r in rows] == [
        ("DDIT3", "CHOP"), ("HERPUD1", "HERPUD1"),
    ]  # fmt: skip
    assert rows[0]["path"] == "HSPA5 ↓ → DDIT3 ↑"
    said = json.loads(knockwise(*asked, "--json").stdout)
    assert said["schema"] == "knockwise/effects/1"
    assert said["notes"] == ["bip is read as HSPA5.", "CHOP is read as DDIT3."]
    assert [row["gene_as_given"] for row in said["rows"]] == ["CHOP", "HERPUD1"]


@pytest.mark.parametrize("words", [("HSPA5", "ATF4"), ("HSPA5+ATF4",), ("HSPA5,ATF4",)])
def test_a_double_is_written_in_any_of_three_ways(knockwise, session, words):
    perts = [part for word in words for part in ("--pert", word)]
    result = knockwise("predict", *perts, "--readout", "DDIT3", "--json")
    (row,) = json.loads(result.stdout)["rows"]
    assert row["perturbation"] == "HSPA5+ATF4"
    assert "pert_as_given" not in row


def test_two_perturbations_are_a_double(knockwise, session):
    result = knockwise(
        *("predict", "--pert", "HSPA5", "--pert", "ATF4", "--readout", "DDIT3", "--json"),
        *("--kind", "knockout"),
    )
    (row,) = json.loads(result.stdout)["rows"]
    assert (row["perturbation"], row["kind"], row["cell_line"]) == (
        "HSPA5+ATF4",
        "knockout",
        "K562",
    )
    assert "K562 is assumed" in result.stderr


def test_pairs_come_back_in_their_order(knockwise, session, pairs):
    result = knockwise("predict", "--pairs", pairs)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(r["perturbation"], r["gene"], r["cell_line"]) for r in rows] == [
        ("HSPA5", "DDIT3", "K562"),
        ("HSPA5+ATF4", "DDIT3", "K562"),
        ("ATF4", "HERPUD1", "RPE1"),
        ("HSPA5", "ATF4", "K562"),
        ("ATF4", "DDIT3", "RPE1"),
    ]
    # equal perturbations are predicted together
    assert [p.genes for p, _ in session.predicted] == [
        ("HSPA5",),
        ("HSPA5",),
        ("HSPA5", "ATF4"),
        ("ATF4",),
        ("ATF4",),
    ]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_files_hold_the_same_rows_whatever_their_format(
    knockwise, session, pairs, tmp_path, suffix
):
    out = tmp_path / f"out{suffix}"
    result = knockwise("predict", "--pairs", pairs, "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    frame = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
    assert tuple(frame.columns)[: len(COLUMNS)] == COLUMNS
    assert frame["gene"].tolist() == ["DDIT3", "DDIT3", "HERPUD1", "ATF4", "DDIT3"]
    assert sorted(x.name for x in tmp_path.iterdir()) == [out.name, "pairs.csv"]


def test_an_interrupted_job_goes_on_where_it_stopped(knockwise, session, pairs, tmp_path):
    out = tmp_path / "out.csv"
    session.failure = KeyboardInterrupt()
    stopped = knockwise("predict", "--pairs", pairs, "--out", out)
    assert stopped.exit_code == 130
    assert "3 of 5 pairs are kept" in stopped.stderr
    assert not out.exists()
    session.failure = None
    resumed = knockwise("predict", "--pairs", pairs, "--out", out)
    assert resumed.exit_code == 0, resumed.output
    assert "3 of 5 pairs were already predicted" in resumed.stderr
    assert len(session.predicted) == 5
    assert len(pd.read_csv(out)) == 5


def test_an_interrupted_job_without_a_file_says_how_to_keep_what_is_done(knockwise, session, pairs):
    session.failure = KeyboardInterrupt()
    stopped = knockwise("predict", "--pairs", pairs)
    assert stopped.exit_code == 130
    assert "--out FILE" in stopped.stderr
    assert stopped.stdout == ""


def test_a_perturbation_named_by_an_alias_is_told(knockwise, session):
    result = knockwise("predict", "--pert", "BiP", "--cell-line", "K562", "--readout", "DDIT3")
    assert "BiP is read as HSPA5." in result.stderr


def test_a_line_cut_off_by_a_crash_is_predicted_again(knockwise, session, pairs, tmp_path):
    out = tmp_path / "out.csv"
    session.failure = KeyboardInterrupt()
    knockwise("predict", "--pairs", pairs, "--out", out)
    partial = tmp_path / ".out.csv.partial"
    partial.write_bytes(partial.read_bytes()[:-7])
    session.failure = None
    knockwise("predict", "--pairs", pairs, "--out", out)
    assert len(session.predicted) == 6
    assert len(pd.read_csv(out)) == 5


def test_rows_kept_for_another_file_of_pairs_are_not_used(knockwise, session, pairs, tmp_path):
    out = tmp_path / "out.csv"
    session.failure = KeyboardInterrupt()
    knockwise("predict", "--pairs", pairs, "--out", out)
    session.failure = None
    pairs.write_text("pert,gene,cell_line\nATF4,DDIT3,RPE1\n")
    knockwise("predict", "--pairs", pairs, "--out", out)
    assert pd.read_csv(out)["perturbation"].tolist() == ["ATF4"]


def test_bad_rows_are_named_by_line_and_nothing_is_written(knockwise, session, pairs, tmp_path):
    pairs.write_text(PAIRS + "HSPA55,DDIT3,K562\nHSPA5,,K562\nHSPA5,DDIT3,HeLa\nXXX,YYY,ZZZ\n")
    out = tmp_path / "out.csv"
    line = sentence(knockwise("predict", "--pairs", pairs, "--out", out))
    assert "4 of 9 rows cannot be used" in line
    assert "line 7: 'HSPA55' is no human gene" in line
    assert "did you mean HSPA5" in line
    assert "line 8: pert, gene and cell_line must not be empty" in line
    assert "line 9: 'HeLa' is no cell line" in line
    assert "and 1 more" in line
    assert [x.name for x in tmp_path.iterdir()] == ["pairs.csv"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no column pert"),
        ("gene,cell_line\nDDIT3,K562\n", "no column pert"),
        ("pert,gene,cell_line\n", "holds no pairs"),
        ("\x00\x01", "is not text"),
    ],
)
def test_a_file_that_is_no_table_of_pairs_is_named(knockwise, session, pairs, content, words):
    pairs.write_text(content)
    assert words in sentence(knockwise("predict", "--pairs", pairs))


def test_the_cell_line_of_the_command_serves_pairs_without_one(knockwise, session, pairs):
    pairs.write_text("pert,gene\nHSPA5,DDIT3\n")
    result = knockwise("predict", "--pairs", pairs, "--cell-line", "RPE1")
    assert "HSPA5,knockdown,RPE1,DDIT3" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--pert", "NOTAGENE"),
        ("--pert", "HSPA5", "--cell-line", "HeLa"),
        ("--pert", "HSPA5", "--readout", "NOTAGENE"),
        ("--pert", "HSPA5", "--out", "out.xlsx"),
        ("--pert", "HSPA5", "--out", "no/such/folder/out.csv"),
        ("--pairs", "missing.csv"),
        ("--pairs", "missing.csv", "--pert", "HSPA5"),
        ("--pairs", "missing.csv", "--readout", "DDIT3"),
    ],
)
def test_what_cannot_be_predicted_is_said_in_one_sentence(knockwise, session, arguments):
    sentence(knockwise("predict", *arguments))
