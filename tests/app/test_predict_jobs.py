"""A job of `knockwise predict` writes each row once, to no file that it was given to read."""

import csv
import os

import pandas as pd
import pytest

from app.jobs.effect_file import locked
from tests.app.conftest import effect
from tests.app.refusal import one_sentence
from tests.app.test_predict import PAIRS

FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture
def pairs(tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_text(PAIRS)
    return file


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def interrupted(knockwise, session, pairs, out):
    session.failure = KeyboardInterrupt()
    knockwise("predict", "--pairs", pairs, "--out", out)
    session.failure = None
    return out.with_name(f".{out.name}.partial")


def test_a_job_that_another_process_writes_is_left_alone(knockwise, session, pairs, tmp_path):
    out = tmp_path / "out.csv"
    with locked(out):
        line = one_sentence(knockwise("predict", "--pairs", pairs, "--out", out))
    assert "Another knockwise is writing" in line
    assert not out.exists()
    assert knockwise("predict", "--pairs", pairs, "--out", out).exit_code == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.csv", "pairs.csv"]


@pytest.mark.parametrize("damage", ["doubled", "swapped", "garbage", "zeros"])
def test_rows_that_two_writers_mixed_are_predicted_again(
    knockwise, session, pairs, tmp_path, damage
):
    out = tmp_path / "out.csv"
    partial = interrupted(knockwise, session, pairs, out)
    head, *lines = partial.read_bytes().splitlines(keepends=True)
    mixed = {
        "doubled": [line for line in lines for _ in range(2)],
        "swapped": lines[::-1],
        "garbage": [lines[0], b"\xff\x00,,,\n", *lines[1:]],
        "zeros": [lines[0], b"\0" * 100 + b"\n"],
    }
    partial.write_bytes(head + b"".join(mixed[damage]))
    assert knockwise("predict", "--pairs", pairs, "--out", out).exit_code == 0
    whole = tmp_path / "whole.csv"
    knockwise("predict", "--pairs", pairs, "--out", whole)
    assert out.read_bytes() == whole.read_bytes()
    assert len(rows_of(out)) == 5


@pytest.mark.parametrize("way", ["same", "relative", "symlink", "hardlink"])
def test_a_file_of_pairs_is_never_replaced_by_its_predictions(
    knockwise, session, pairs, tmp_path, way, monkeypatch
):
    out = {
        "same": pairs,
        "relative": f"../{tmp_path.name}/pairs.csv",
        "symlink": tmp_path / "link.csv",
        "hardlink": tmp_path / "other.csv",
    }[way]
    monkeypatch.chdir(tmp_path)
    if way == "symlink":
        out.symlink_to(pairs)
    if way == "hardlink":
        os.link(pairs, out)
    line = one_sentence(knockwise("predict", "--pairs", pairs, "--out", out))
    assert "is the input" in line
    assert pairs.read_text() == PAIRS


@pytest.mark.parametrize(
    "command",
    [
        ("phenotype", "--fasta", "{file}", "--out", "{file}"),
        ("train", "fusion", "--multi", "{file}", "--strict", "{file}", "--out", "{file}"),
        ("train", "response", "--data", "{folder}", "--out", "{folder}"),
        ("train", "expression", "--data", "{folder}", "--out", "{folder}"),
        ("train", "genepheno", "--data", "{folder}", "--out", "{folder}"),
        ("eval", "genes", "--data", "{folder}", "--embedding", "{file}", "--out", "{file}"),
        ("eval", "genesets", "--data", "{folder}", "--out", "{folder}"),
        ("express", "--pert", "STAT1", "--model", "{folder}", "--out", "{folder}/mine.csv"),
        ("explain", "{file}", "--out", "{file}"),
        ("who", "{file}", "--out", "{file}"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_no_command_writes_over_what_it_reads(knockwise, tmp_path, command):
    folder = tmp_path / "given"
    folder.mkdir()
    file = folder / "mine.csv"
    file.write_text("mine")
    words = [word.format(file=file, folder=folder) for word in command]
    assert "input" in one_sentence(knockwise(*words))
    assert file.read_text() == "mine"
    assert [one.name for one in folder.iterdir()] == ["mine.csv"]


@pytest.mark.parametrize("name", [".out.csv.partial", "out.csv.part", ".out.csv.part"])
def test_a_link_planted_beside_the_output_is_not_written_through(
    knockwise, session, pairs, tmp_path, name
):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / name).symlink_to(victim)
    out = tmp_path / "out.csv"
    assert knockwise("predict", "--pairs", pairs, "--out", out).exit_code == 0
    assert victim.read_text() == "precious"
    assert not out.is_symlink()


def test_parquet_keeps_every_digit_and_csv_four(knockwise, session, pairs, tmp_path):
    third = 1 / 3
    session.predict = lambda pairs: (effect(gene, third, 0.9, "up") for _, gene in pairs)
    for out in (tmp_path / "out.csv", tmp_path / "out.csv.gz", tmp_path / "out.parquet"):
        assert knockwise("predict", "--pairs", pairs, "--out", out).exit_code == 0
    assert pd.read_csv(tmp_path / "out.csv").p_de.tolist() == [0.3333] * 5
    assert pd.read_csv(tmp_path / "out.csv.gz").p_de.tolist() == [0.3333] * 5
    assert pd.read_parquet(tmp_path / "out.parquet").p_de.tolist() == [third] * 5


def test_exact_numbers_survive_an_interruption(knockwise, session, pairs, tmp_path):
    usual = session.predict
    session.predict = lambda pairs: (
        one.model_copy(update={"p_up": 0.1 + 0.2, "reason": 'a "reason", with a comma'})
        for one in usual(pairs)
    )
    out = tmp_path / "out.parquet"
    interrupted(knockwise, session, pairs, out)
    assert knockwise("predict", "--pairs", pairs, "--out", out).exit_code == 0
    frame = pd.read_parquet(out)
    assert frame.p_up.tolist() == [0.1 + 0.2] * 5
    assert set(frame.reason) == {'a "reason", with a comma'}


def test_the_users_words_and_further_columns_come_along(knockwise, session, pairs, tmp_path):
    pairs.write_text('pert,gene,cell_line,my note,call\nBIP,CHOP,k-562,"good, one",x\n')
    out = tmp_path / "out.csv"
    assert knockwise("predict", "--pairs", pairs, "--out", out).exit_code == 0
    (row,) = rows_of(out)
    assert (row["perturbation"], row["gene"], row["call"]) == ("HSPA5", "DDIT3", "up")
    assert (row["pert_as_given"], row["gene_as_given"]) == ("BIP", "CHOP")
    assert (row["my note"], row["call_as_given"]) == ("good, one", "x")


@pytest.mark.parametrize("cell", [FORMULA, "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", " =1+1"])
def test_no_cell_that_a_user_gave_runs_in_a_spreadsheet(knockwise, session, tmp_path, cell):
    pairs = tmp_path / "pairs.csv"
    with pairs.open("w", newline="") as file:
        rows = [["pert", "gene", "cell_line", f"{cell} name", "n"]]
        csv.writer(file).writerows([*rows, ["HSPA5", "DDIT3", "K562", cell, "-3.1"]])
    out = tmp_path / "out.csv"
    assert knockwise("predict", "--pairs", pairs, "--out", out).exit_code == 0
    (row,) = rows_of(out)
    assert row[f"'{cell.strip()} name"] == f"'{cell.strip()}"
    assert row["n"] == "-3.1"


def test_a_word_that_is_no_gene_does_not_run_in_a_spreadsheet(knockwise, session, tmp_path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(f'pert,gene,cell_line\n"{FORMULA}",DDIT3,K562\nHSPA5,DDIT3,K562\n')
    out = tmp_path / "out.csv"
    knockwise("predict", "--pairs", pairs, "--out", out, "--skip-unknown")
    assert rows_of(out)[0]["perturbation"] == f"'{FORMULA}"


@pytest.mark.slow
def test_several_processes_write_the_same_bytes_as_one(knockwise, pairs, tmp_path):
    one, three = tmp_path / "one.parquet", tmp_path / "three.parquet"
    assert knockwise("predict", "--pairs", pairs, "--out", one).exit_code == 0
    result = knockwise("predict", "--pairs", pairs, "--out", three, "--jobs", "3")
    assert result.exit_code == 0, result.output
    assert one.read_bytes() == three.read_bytes()


def test_many_pairs_take_a_few_bytes_each(knockwise, session, tmp_path):
    import tracemalloc

    pairs = tmp_path / "pairs.csv"
    count = 16_000
    genes = ("DDIT3", "HERPUD1", "ATF4", "CAT")
    with pairs.open("w") as file:
        file.write("pert,gene,cell_line\n")
        file.writelines(f"HSPA5,{genes[i % 4]},K562\n" for i in range(count))
    ready = effect("DDIT3", 0.5, 0.9, "up")
    session.predict = lambda pairs: (ready for _ in pairs)
    # What the command imports is taken once, however many pairs there are.
    few = tmp_path / "few.csv"
    few.write_text("pert,gene,cell_line\nHSPA5,DDIT3,K562\n")
    assert knockwise("predict", "--pairs", few, "--out", tmp_path / "few-out.csv").exit_code == 0
    tracemalloc.start()
    result = knockwise("predict", "--pairs", pairs, "--out", tmp_path / "out.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.exit_code == 0, result.output
    assert peak < 700 * count
