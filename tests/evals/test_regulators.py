"""Scores of answers about regulators, on a world in which the right figures are known."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from agent.settings import Settings
from app.cli import app
from evals.harness.resampling import Resampler
from evals.harness.scores import Scores
from evals.regulators import lists
from evals.regulators import score as scoring
from evals.regulators.predictors import FUSED, HELD_OUT, IN_SAMPLE, PATHS, PRIOR, RESPONSE
from evals.regulators.run import RegulatorsEval, evaluate
from evals.regulators.score import FEWEST, FEWEST_GENES, scores
from evals.regulators.truth import MOST_OF_ONE_VOTE, agreement, labelled, read_sets
from evals.scoreboard import keep, scoreboard
from knowledge.errors import RunError
from knowledge.sources.genes import read_symbols
from knowledge.specific import specificity
from tests.app.refusal import one_sentence
from tests.evals.regulators_world import READOUTS, told_world, write_mirror

QUICK = RegulatorsEval(least_votes=1, tested=False, open_questions=False, draws=20)


def silent(what, done):
    """Tell nobody."""


@pytest.fixture
def mirror(tmp_path):
    return write_mirror(tmp_path / "mirror")


@pytest.fixture
def ask(mirror, tmp_path, monkeypatch):
    """Evaluate in a folder; how often the product was asked what is beside the metrics."""

    def evaluated(out="run", run=QUICK, fail_after=None):
        world = told_world(fail_after)
        monkeypatch.setattr("evals.regulators.run.open_world", lambda *_: world)
        metrics = evaluate(mirror, tmp_path / out, run, Settings(data=tmp_path), silent)
        return metrics, world.best.asked

    return evaluated


def value(metrics, predictor, measure="within", kind="both", votes=1, by="all", part="all"):
    at = {"kind": kind, "votes": votes, "by": by, "part": part}
    (found,) = metrics.scores.plain.where(predictor=predictor, measure=measure, **at)
    return found.value.value


def table(up, score, regulator="TF1", genes=None, votes=2):
    pairs = pd.DataFrame({"up": up, "said": np.array(score, float)})
    pairs["regulator"], pairs["votes"], pairs["kind"] = regulator, votes, "both"
    pairs["gene"] = genes or [f"G{number}" for number in range(len(up))]
    pairs[PRIOR] = 0.0
    return pairs.assign(**dict.fromkeys(("class", "ground", "edge", "trusted", "studies"), "one"))


def scored(pairs, measure):
    draw = Resampler(pairs["regulator"], 0, 20)
    found = Scores(scores(pairs, ["said", PRIOR], draw)).where(kind="both", by="all")
    return found.where(measure=measure, than="").by("predictor", "votes")


def test_the_auroc_within_a_regulator_counts_the_pairs_in_the_right_order():
    up = [1] * 5 + [0] * 5
    # Of 25 pairs of a gene up and one down, the last up gene (score 0) loses to three.
    one = scored(table(up, [9, 8, 7, 6, 0, 2, 1, 0.5, -1, -2]), "within")["said", 2]
    assert one.value.value == pytest.approx(22 / 25)
    assert one.value.n == 1


@pytest.mark.parametrize(("factor", "right"), [(1, 1.0), (-1, 0.0), (0, 0.5)])
def test_the_truth_scores_one_its_opposite_zero_and_silence_half(factor, right):
    up = np.array([1, 0] * 5)
    pairs = table(up, (2 * up - 1) * factor)
    for measure in ("within", "sign"):
        one = scored(pairs, measure)["said", 2]
        assert one.value.value == right
    assert scored(pairs, "known")["said", 2].value.value == (factor != 0)


def test_a_guess_is_right_about_half_of_the_time():
    rng = np.random.default_rng(0)
    names = np.repeat([f"R{number}" for number in range(40)], 40)
    pairs = table(rng.integers(0, 2, 1600), rng.normal(size=1600), names)
    one = scored(pairs, "within")["said", 2].value
    assert one.low < 0.5 < one.high
    assert 0.47 < one.value < 0.53


def test_a_regulator_with_few_genes_one_way_is_left_out_of_the_mean_within():
    up = [1] * (FEWEST - 1) + [0] * 20
    assert ("said", 2) not in scored(table(up, np.arange(len(up))), "within")


def test_within_a_gene_regulators_are_ranked_against_each_other():
    half = FEWEST_GENES // 2
    first = table([1] * half + [0] * half, [2] * 2 * half, "TF1")
    second = table([0] * half + [1] * half, [1] * 2 * half, "TF2")
    # On the first genes the regulator that raises them has the higher score, on the others not.
    one = scored(pd.concat([first, second]), "gene")["said", 2]
    assert one.value.value == 0.5
    second["said"] = [1] * half + [3] * half
    assert scored(pd.concat([first, second]), "gene")["said", 2].value.value == 1


def test_a_gain_votes_the_other_way_round_and_the_prior_leaves_the_regulator_out(mirror):
    rows = read_sets(mirror, read_symbols(mirror))
    pairs = labelled(rows, 0).set_index(["regulator", "gene", "kind"])
    assert pairs.loc[("TF1", "G0", "both"), "votes"] == 3
    assert pairs.loc[("TF1", "G0", "both"), "up"] == 1
    assert pairs.loc[("TF1", "G0", "gain"), "up"] == 0
    # TF2 says down, KIN1 says up.
    assert pairs.loc[("TF1", "G0", "both"), "prior"] == 0
    # The others of KIN1 are TF1, up, and TF2, down; those of TF2 both say up.
    assert pairs.loc[("TF2", "G0", "both"), "prior"] == 0.5
    # G14 goes one way in one study and the other in the next; TF1's gain decides.
    assert ("TF2", "G14", "both") not in pairs.index
    assert pairs.loc[("TF1", "G14", "both"), "votes"] == 1


def test_an_experiment_under_two_accessions_votes_once(tmp_path):
    repeated = write_mirror(tmp_path / "twice", repeated=True)
    rows = read_sets(repeated, read_symbols(repeated))
    assert set(rows.loc[rows["regulator"] == "TF2", "study"]) == {"GSE1"}
    assert labelled(rows, 0).set_index(["regulator", "gene", "kind"]).loc[
        ("TF2", "G0", "both"), "votes"
    ] == 1  # fmt: skip


def test_a_regulator_is_asked_about_a_limited_number_of_genes_of_one_vote():
    rows = pd.DataFrame({"gene": [f"G{number}" for number in range(500)]}).assign(
        regulator="TF1", kind="loss", study="GSE1", sign=1
    )
    assert len(labelled(rows, 0).query("kind == 'both'")) == MOST_OF_ONE_VOTE


def test_studies_agree_by_the_share_of_shared_genes_that_move_alike():
    genes = [f"G{number}" for number in range(40)]
    parts = [
        pd.DataFrame({"gene": genes, "study": study, "sign": signs})
        for study, signs in (("GSE1", 1), ("GSE2", [1] * 30 + [-1] * 10))
    ]
    rows = pd.concat(parts).assign(regulator="TF1", kind="loss")
    assert agreement(rows) == {"TF1": 0.75}


def test_the_product_and_its_parts_are_scored_as_they_answer(ask):
    metrics, _ = ask()
    assert metrics.facts["regulators"] == 3
    # Right about TF1 and KIN1, all wrong about TF2; the last readout got no number.
    assert value(metrics, FUSED, votes=2) == pytest.approx(2 / 3)
    assert value(metrics, FUSED, by="class", part="kinase", votes=2) == 1
    assert value(metrics, FUSED, by="ground", part="a close relative was", votes=2) == 0
    assert value(metrics, FUSED, kind="gain", measure="sign") == 1
    # The model says up of all it knows: it ranks none above another, but for the unknown.
    assert value(metrics, RESPONSE, measure="sign", votes=2) == pytest.approx(0.5, abs=0.06)
    assert value(metrics, PATHS, votes=3, measure="sign", by="edge", part="starter pack") == 1
    # TF1 activates G0, so its loss lowers it: here the edge is wrong and the paths are right.
    assert value(metrics, "one-step edges", "sign", votes=3, by="edge", part="starter pack") == 0


def test_a_run_that_was_stopped_asks_only_what_is_left(ask, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        ask(fail_after=6)
    done = {path.stem for path in (tmp_path / "run" / "units").rglob("*.parquet")}
    metrics, asked = ask()
    assert done == {"KIN1-knockout-all"}
    assert set(asked) == {("TF1", "knockout"), ("TF1", "activation"), ("TF2", "knockout")}
    again, nothing = ask()
    assert again == metrics
    assert not nothing
    fresh, _ = ask("another")
    assert fresh == metrics


def test_a_folder_of_other_settings_is_not_overwritten(ask):
    ask()
    with pytest.raises(RunError, match="seed changed"):
        ask(run=QUICK.model_copy(update={"seed": 1}))


def test_with_held_out_predictions_the_fitted_answer_is_called_in_sample(ask, tmp_path):
    held = pd.DataFrame({"gene": READOUTS, "p_up": [0.9, 0.2] * 8, "fold": 0})
    held = pd.concat([held.assign(regulator=one) for one in ("TF1", "KIN1")])
    held.to_parquet(tmp_path / "held.parquet")
    metrics, _ = ask(run=QUICK.model_copy(update={"held_out": tmp_path / "held.parquet"}))
    names = {one.predictor for one in metrics.scores}
    assert {HELD_OUT, IN_SAMPLE} < names
    assert FUSED not in names
    # Held out, TF2 was not predicted: silence is half.
    assert value(metrics, HELD_OUT, votes=2) == pytest.approx((1 + 1 + 0.5) / 3)
    # A gain is the mirror image of the loss that was predicted.
    assert value(metrics, HELD_OUT, kind="gain", measure="sign") == 1


def test_textbook_pairs_are_right_wrong_or_open(ask, tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text(
        "pert,kind,cell_line,gene,direction\n"
        "TF1,knockout,K562,G0,up\nTF1,knockout,K562,G1,up\nTF1,knockout,K562,G15,up\n"
        "TF2,knockdown,HepG2,G2,up\n"
    )
    metrics, _ = ask(run=QUICK.model_copy(update={"pairs": path}))
    found = metrics.scores.where(about="textbook").by("predictor", "measure")
    counts = {name: [found[name, word].value.value for word in ("right", "wrong", "open")]
              for name, _ in found}  # fmt: skip
    assert counts == {FUSED: [2, 1, 1], PATHS: [1, 0, 3], RESPONSE: [3, 0, 1]}
    assert found[FUSED, "called"].value.value == 0.75
    assert found[FUSED, "right of the called"].value.value == pytest.approx(2 / 3)


def test_the_scoreboard_shows_a_kept_run_beside_perturbqa(ask, tmp_path):
    ask()
    kept = keep(tmp_path / "run", tmp_path / "results")
    assert kept.name == "regulators.json"
    page = scoreboard(tmp_path / "results")
    assert "## Regulators" in page
    assert "| fused answer | 0.667" in page
    assert "<h1>Regulators</h1>" in (tmp_path / "run" / "report.html").read_text()
    assert json.loads((tmp_path / "run" / "timing.json").read_text())["seconds"]["regulators"] >= 0


def test_readouts_are_ranked_within_each_perturbation_of_a_tested_data_set():
    rows = pd.DataFrame({"label": [1, 0] * 5, "said": [3, 1] * 5, "perturbation": "P1"})
    other = rows.assign(perturbation="P2", said=[1, 3] * 5)
    draw = Resampler(["P1", "P2"], 0, 20)
    (one,) = scoring.tested_scores(pd.concat([rows, other]), ["said"], "MorPhiC", "de", draw)
    assert one.value.value == 0.5


def test_the_most_specific_readout_is_likely_here_and_rare_elsewhere():
    p, habit = np.array([0.95, 0.6, 0.04]), np.array([0.95, 0.1, 0.01])
    assert np.argsort(-specificity(p, habit)).tolist() == [1, 0, 2]
    assert specificity(p, habit) == pytest.approx([0.0475, 0.54, 0.0396])


def test_the_first_twenty_of_a_list_are_counted():
    count = 40
    rows = pd.DataFrame({"gene": [f"G{number}" for number in range(count)]}).assign(
        cell_line="K562",
        pert="P1",
        changed=[True] * 20 + [False] * 20,
        specific=[False] * 10 + [True] * 10 + [False] * 20,
        p_de=np.linspace(0.9, 0.1, count),
        habit=[0.9] * 10 + [0.1] * 30,
    )
    found = Scores(lists.listed(rows, Resampler(["P1"], 0, 20), 0)).by("predictor", "measure")
    values = {key: one.value.value for key, one in found.items()}
    assert values["P(changes)", "specific"] == 0.5
    assert values["P(changes)", "changed"] == 1
    assert values["P(changes) x (1 - habit), shipped", "specific"] == 0.5
    assert values["P(changes) x (1 - habit), shipped", "changed"] == 0.5
    assert values["habit alone", "specific"] == 0.5
    assert values["at most", "specific"] == 0.5


def refused(*words):
    return one_sentence(CliRunner().invoke(app, ["eval", "regulators", *map(str, words)]))


def test_a_mirror_without_regulator_sets_is_refused_with_how_to_get_them(tmp_path):
    (tmp_path / "mirror" / "perturbqa").mkdir(parents=True)
    said = refused("--data", tmp_path / "mirror", "--out", tmp_path / "run", "--no-tested",
                   "--no-open-questions")  # fmt: skip
    assert "is missing; run `knockwise data pull" in said


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("pert,kind,cell_line,gene\n", "has no column direction"),
        ("pert,kind,cell_line,gene,direction\nTF1,knockout,HeLa,G0,up\n", "cell_line 'HeLa'"),
        ("pert,kind,cell_line,gene,direction\nTF1,knockout,K562,G0,UP\n", "direction 'UP'"),
        ("pert,kind,cell_line,gene,direction\nTF1,knockout,K562,NOPE,up\n", "names 'NOPE'"),
        ("", "cannot be read as CSV"),
    ],
)
def test_pairs_that_cannot_be_asked_are_refused_before_anything_is_loaded(
    mirror, tmp_path, text, fault
):
    (tmp_path / "pairs.csv").write_text(text)
    said = refused("--data", mirror, "--out", tmp_path / "run", "--no-tested",
                   "--no-open-questions", "--pairs", tmp_path / "pairs.csv")  # fmt: skip
    assert fault in said
    assert not (tmp_path / "run").exists()


def test_a_table_that_is_not_of_held_out_predictions_is_refused(mirror, tmp_path):
    pd.DataFrame({"gene": ["G0"]}).to_parquet(tmp_path / "held.parquet")
    said = refused("--data", mirror, "--out", tmp_path / "run", "--no-tested",
                   "--no-open-questions", "--held-out", tmp_path / "held.parquet")  # fmt: skip
    assert "has no column regulator; `knockwise train fusion` writes it" in said


@pytest.mark.data
def test_the_real_sets_are_scored_with_the_starter_pack(data_mirror, tmp_path):
    pairs = pd.read_csv(data_mirror / "textbook" / "regulator_pairs.csv")
    pairs[pairs["pert"].isin(["KEAP1", "NFE2L2", "MDM2"])].to_csv(tmp_path / "pairs.csv")
    run = RegulatorsEval(
        least_votes=6, tested=False, open_questions=False, draws=20, pairs=tmp_path / "pairs.csv"
    )
    metrics = evaluate(data_mirror, tmp_path / "run", run, Settings(data=tmp_path), silent)
    assert 1 <= metrics.facts["regulators"] <= 10
    paths = metrics.scores.where(about="textbook", predictor=PATHS)
    assert paths.find(measure="right of the called").value.value > 0.8
    assert paths.find(measure="called").value.value > 0.5
