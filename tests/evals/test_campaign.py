"""A simulated campaign runs from end to end and is told on one page."""

from evals.campaign.run import CampaignEval, evaluate


def test_a_campaign_sets_a_plan_beside_random_choice(tmp_path):
    run = CampaignEval(cell_lines=("K562",), rounds=2, random=2, draws=20)
    results = evaluate(tmp_path / "run", run, lambda what, share: None)
    scores = results.scores.where(measure="auroc", share=0.2)
    assert {one.predictor for one in scores} == {"plan", "random", "degree"}
    assert results.scores.find(predictor="plan", share=0.2).value.value > 0.5
    page = (tmp_path / "run" / "scoreboard.md").read_text()
    assert "Ahead of random" in page
