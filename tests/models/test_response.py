"""The shipped response model, through its front door."""

import json
import subprocess
import sys

import pytest

from knowledge.errors import DataError, QuestionError
from knowledge.symbols import SymbolTable
from models.response import ResponseModel
from models.response.checkpoint import SHIPPED


@pytest.fixture(scope="module")
def model():
    return ResponseModel.load()


def test_well_known_stress_responses_go_the_right_way(model):
    cases = {
        ("HSPA5", "DDIT3", "K562"): "up",
        ("AARS1", "TRIB3", "HepG2"): "up",
        ("KEAP1", "NQO1", "HepG2"): "up",
        ("SCAP", "HMGCS1", "RPE1"): "down",
    }
    for (gene, readout, line), direction in cases.items():
        (one,) = model.predict([gene], [readout], line)
        assert one.p_de > 0.5, gene
        assert (one.p_up > 0.5) == (direction == "up"), gene
        assert not one.abstained


def test_an_unknown_gene_is_abstained_on_with_the_prior_of_the_readout(model):
    one, other = (model.predict([word], ["DDIT3"], "K562")[0] for word in ("NOPE1", "NOPE2"))
    assert one.abstained
    assert "NOPE1" in one.reason
    assert one.p_de == other.p_de


def test_a_readout_the_line_never_measured_is_abstained_on(model):
    assert "ALB" in model.readouts("HepG2")
    assert "ALB" not in model.readouts("K562")
    (one,) = model.predict(["HNF4A"], ["ALB"], "K562")
    assert one.abstained
    assert "ALB was never a readout" in one.reason
    assert (one.interval.low, one.interval.high) == (0, 1)


def test_a_gene_like_nothing_that_was_perturbed_is_abstained_on(model):
    (one,) = model.predict(["TAS2R1"], ["DDIT3"], "K562")
    assert one.abstained
    assert "nothing similar to TAS2R1" in one.reason


def test_an_unknown_cell_line_is_an_error_that_names_the_known_ones(model):
    with pytest.raises(QuestionError, match="HeLa; choose one of K562, RPE1, HepG2, Jurkat"):
        model.predict(["HSPA5"], None, "HeLa")


def test_no_perturbed_gene_is_an_error(model):
    with pytest.raises(QuestionError, match="name at least one"):
        model.predict([], None, "K562")


def test_intervals_hold_their_probabilities(model):
    for one in model.predict(["PSMD1"], None, "Jurkat"):
        assert one.interval.low <= one.p_de <= one.interval.high
        assert one.p_up_interval.low <= one.p_up <= one.p_up_interval.high


def test_the_answer_does_not_depend_on_what_else_was_asked(model):
    everything = {one.readout: one for one in model.predict(["FLCN"], None, "HepG2")}
    (alone,) = model.predict(["FLCN"], ["SQSTM1"], "HepG2")
    assert alone == everything["SQSTM1"]
    assert len(everything) == len(model.readouts("HepG2"))


def test_two_knockdowns_are_a_noisy_or_and_say_so(model):
    singles = [model.predict([gene], ["DDIT3"], "K562")[0].p_de for gene in ("FLCN", "KEAP1")]
    (both,) = model.predict(["FLCN", "KEAP1"], ["DDIT3"], "K562")
    assert both.p_de == pytest.approx(1 - (1 - singles[0]) * (1 - singles[1]))
    assert "noisy-or" in both.reason
    assert not both.abstained


def test_an_activation_mirrors_the_direction_with_a_wider_interval_and_says_so(model):
    (loss,) = model.predict(["KEAP1"], ["NQO1"], "HepG2")
    (gain,) = model.predict(["KEAP1"], ["NQO1"], "HepG2", kind="activation")
    assert gain.p_up == pytest.approx(1 - loss.p_up)
    assert gain.p_de == loss.p_de
    width = [one.interval.high - one.interval.low for one in (loss, gain)]
    assert width[1] > width[0]
    assert "mirror image" in gain.reason


def test_a_training_row_is_flagged_and_can_be_looked_up(model):
    measured = {
        readout: outcome
        for readout in model.readouts("K562")
        if (outcome := model.measured("SCAP", readout, "K562"))
    }
    assert set(measured.values()) == {"up", "down", "unchanged"}
    seen = {one.readout for one in model.predict(["SCAP"], None, "K562") if one.seen_in_training}
    assert seen == set(measured)


def test_a_training_row_is_not_remembered_but_predicted(model):
    predictions = model.predict(["HSPA9"], None, "K562")
    outcomes = [model.measured("HSPA9", one.readout, "K562") for one in predictions]
    missed = [
        one
        for one, outcome in zip(predictions, outcomes, strict=True)
        if outcome in ("up", "down") and one.p_de < model.de_threshold
    ]
    assert missed


def test_analogues_are_measured_contrasted_and_never_the_row_itself(model):
    changed, unchanged = model.analogues("HSPA5", "DDIT3", "K562", k=8)
    assert changed
    assert unchanged
    assert {one.outcome for one in unchanged} == {"unchanged"}
    for one in (*changed, *unchanged):
        assert one.outcome == model.measured(one.perturbation, "DDIT3", one.cell_line)
        assert (one.perturbation, one.cell_line) != ("HSPA5", "K562")
        assert (one.contribution > 0) == (one.outcome != "unchanged")
        assert 0 < one.similarity <= 1
    assert any(one.reasons for one in changed)


def test_analogues_attached_to_a_prediction_are_the_heaviest_voters(model):
    (one,) = model.predict(["HSPA5"], ["DDIT3"], "K562", analogues=3)
    changed, unchanged = model.analogues("HSPA5", "DDIT3", "K562", k=100)
    heaviest = sorted((*changed, *unchanged), key=lambda row: -abs(row.contribution))
    assert one.analogues == tuple(heaviest[:3])


def test_outdated_symbols_of_the_screens_ground_to_the_vocabulary(model):
    table = SymbolTable(model.genes())
    assert table.approved("AARS") == "AARS1"
    assert table.approved("QARS") == "QARS1"
    assert table.ground("HIST1H2BJ").gene is not None
    assert len(table) > 19_000


def test_the_shipped_weights_are_small_and_say_what_they_are():
    files = list(SHIPPED.iterdir())
    assert sum(path.stat().st_size for path in files) <= 23 * 1024**2
    record = json.loads((SHIPPED / "training.json").read_text(encoding="utf-8"))
    assert record["setting"] == "multi"
    assert record["metrics"]
    assert record["sources"]["perturbqa/k562-de.csv"]


def test_an_incomplete_checkpoint_is_named(tmp_path):
    with pytest.raises(DataError, match=r"lacks config\.json"):
        ResponseModel.load(tmp_path)


def test_the_package_imports_without_torch_pandas_or_lightgbm():
    code = (
        "import sys, models.response; "
        "sys.exit(' '.join({'torch', 'pandas', 'lightgbm', 'sklearn'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_habit_of_a_readout_is_how_often_it_changes_whatever_is_perturbed(model):
    habit = model.habit("K562")
    assert set(habit) == set(model.readouts("K562"))
    assert habit["FTH1"].p_de > 0.5 > 0.1 > habit["AAAS"].p_de


def test_the_ground_of_a_gene_is_whether_it_or_a_relative_was_perturbed(model):
    assert model.ground("HSPA5").known
    kin = model.ground("KEAP1")
    assert kin.nearest > 0
    unlike = model.ground("TAS2R1")
    assert not unlike.known
    assert unlike.nearest < 0.05
    assert model.ground("NOPE1") == (False, 0.5, 0.0)
