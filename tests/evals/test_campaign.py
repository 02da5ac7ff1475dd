"""A simulated campaign runs from end to end and is told on one page."""

import pytest

from agent.settings import Settings
from evals.campaign.run import CampaignEval, evaluate, evaluate_public
from knowledge.errors import DataError


def test_a_campaign_sets_a_plan_beside_random_choice(tmp_path):
    run = CampaignEval(cell_lines=("K562",), rounds=2, random=2, draws=20)
    results = evaluate(tmp_path / "run", run, lambda what, share: None)
    scores = results.scores.where(measure="auroc", share=0.2)
    assert {one.predictor for one in scores} == {"plan", "random", "degree"}
    assert results.scores.find(predictor="plan", share=0.2).value.value > 0.5
    page = (tmp_path / "run" / "scoreboard.md").read_text()
    assert "Ahead of random" in page


def public(folder):
    folder.mkdir()
    (folder / "task_prompts").mkdir()
    (folder / "task_prompts" / "LDLR.json").write_text(
        '{"Task": "find genes that regulate the level of LDLR (LDLR)", "Measurement": "its level"}'
    )
    quiet = [f"{gene},0.0{at}" for at, gene in enumerate(("ACTB", "GAPDH", "TP53", "MYC", "ALB"))]
    rows = ["Gene,Score", "SREBF2,-3.0", "SCAP,-2.9", "MYLIP,2.8", *quiet]
    (folder / "ground_truth_LDLR.csv").write_text("\n".join(rows) + "\n")
    (folder / "hits_LDLR.txt").write_text("SREBF2\nSCAP\nMYLIP\n")
    (folder / "ground_truth_Pairs.csv").write_text("Gene,Score\nACTB_TP53,1\nMYC_ALB,0\n")
    return folder


def test_public_screens_are_played_by_their_rules(tmp_path):
    run = CampaignEval(rounds=2, each=4, stands_in="HepG2")
    world = Settings(data=tmp_path / "data", runs=tmp_path / "runs")
    folder = public(tmp_path / "screens")
    results = evaluate_public(folder, tmp_path / "run", run, world, lambda what, share: None)
    last = results.scores.where(round=2)
    assert {one.keys["screen"] for one in last} == {"LDLR"}
    told = {one.measure: one.value.value for one in last if one.predictor == "plan"}
    assert told["hits found"] >= 1 / 3
    assert told["chosen"] == 8
    assert told["chosen, not measured"] > 0.5
    page = (tmp_path / "run" / "scoreboard.md").read_text()
    assert "Public screens played in rounds" in page


def test_a_folder_without_public_screens_is_told_what_to_fetch(tmp_path):
    with pytest.raises(DataError, match="BioDiscoveryAgent"):
        evaluate_public(
            tmp_path, tmp_path / "run", CampaignEval(), Settings(data=tmp_path), lambda *said: None
        )
