"""What the product says is what is scored: its answers to official rows, beside every control."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from app.cli import app
from evals.harness.page import Record
from evals.perturbqa.controls import ELSEWHERE, LINES, NEAREST
from evals.perturbqa.score import CONTROLS
from knowledge.errors import DataError
from models.inputs import annotations
from tests.evals.own_world import answers, rows, symbols, write_world

PRODUCT = "fused answer, starter pack"


def said(predictor, pairs, line):
    """Right in most rows; one row has no number."""
    del predictor
    mine = answers().query("cell_line == @line")
    found = pairs[pairs.cell_line == line].merge(mine, on=["pert", "gene", "cell_line"])
    p_de, p_up = found.p.to_numpy().copy(), found.p_up.fillna(0.5)
    p_de[0] = np.nan
    ends = {f"{name}_{end}": p.clip(0.1, 0.9) + by for name, p in (("de", found.p), ("up", p_up))
            for end, by in (("low", -0.1), ("high", 0.1))}  # fmt: skip
    return found[["cell_line", "pert", "gene"]].assign(
        p_de=p_de, p_up=p_up, usual=0.4, abstained=False, response_de=0.5, response_up=0.5, **ends
    )


def controlled(data, asked, seed, cache, told):
    columns = {name: np.linspace(0, 1, len(asked)) for name in CONTROLS}
    found = {**columns, NEAREST: 0.3, LINES: 1.0, ELSEWHERE: False}
    return asked.assign(**found)


@pytest.fixture
def scored(tmp_path, monkeypatch):
    data = tmp_path / "data"
    write_world(data)
    for name in annotations.FILES:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).touch()
    predictor = SimpleNamespace(
        response=SimpleNamespace(version="r"), fusion=SimpleNamespace(version="f")
    )
    knowledge = SimpleNamespace(scope="starter", versions={"starter": "k"})
    session = SimpleNamespace(predictor=predictor, knowledge=knowledge)
    module = "evals.perturbqa.product.run"
    monkeypatch.setattr("evals.rows.read_symbols", symbols)
    monkeypatch.setattr(f"{module}.benchmark_session", lambda _: session)
    monkeypatch.setattr(f"{module}._answers", said)
    monkeypatch.setattr(f"{module}.official_controls", controlled)
    words = ["eval", "product", "--data", data, "--out", tmp_path / "out"]
    done = CliRunner().invoke(app, [str(one) for one in words])
    assert done.exit_code == 0, done.output
    return tmp_path / "out"


def test_answers_are_ranked_both_ways_beside_every_control(scored):
    scores = Record.read(scored).results.scores
    for name in ("auroc within perturbation", "average precision within readout"):
        found = scores.where(measure=name, task="de", cell_line="mean").plain
        assert {PRODUCT, "response model, shipped", *CONTROLS} <= {one.predictor for one in found}
    page = (scored / "scoreboard.md").read_text()
    assert "| chance |" in page
    assert "by similarity of the nearest measured perturbation" in page


def test_a_row_without_a_number_is_counted_and_ranked_as_usual(scored):
    scores = Record.read(scored).results.scores
    found = scores.find(measure="without a number", predictor=PRODUCT, task="de", cell_line="mean")
    assert found.value.value == 2  # one in each line
    kept = pd.read_parquet(scored / "kept.parquet")
    assert len(kept) == len(rows().query("cell_line in ('K562', 'RPE1')"))
    assert (kept[PRODUCT] == 0.4).sum() >= 2
    assert "label" not in kept


def test_a_kept_run_that_is_missing_is_one_sentence(tmp_path):
    from evals.harness.brought import read_kept

    with pytest.raises(DataError, match=r"name the folder of a finished run as --against"):
        read_kept(tmp_path / "none.parquet", ("p",))
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(DataError, match="holds no predictions"):
        read_kept(tmp_path / "text.parquet", ("p",))
