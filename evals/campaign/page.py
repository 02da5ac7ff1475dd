"""What the page of a simulated campaign says."""

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import judged, number, pivot

PLACES = ("cell_line", "predictor")
SHARE = "share of the perturbations needed"
HOW = (
    "Training perturbations of each line are chosen in rounds; a fifth is held out and predicted "
    "by a vote of those chosen, weighted by how alike two genes are. AUROC of *changes* within a "
    "readout, mean over readouts, with 95 % bootstrap intervals over held-out perturbations. "
    "*plan* knows which genes are alike and no outcome; *random* is the mean of several orders, "
    "*degree* takes the genes with most relatives first."
)
NEEDED = (
    "How much of the campaign an order needs to be as good as random choice at its end, between "
    "two rounds in line; `nan` where it never is."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    scores = record.results.scores
    reached = scores.plain.where(measure="auroc")
    gains = Scores(scores.gains)
    return Page(
        "Simulated campaign: which perturbations next",
        (HOW,),
        record.made(),
        (
            Section(
                "AUROC after each round", "", (pivot(reached, ("cell_line", "predictor"), "share"),)
            ),
            Section("Ahead of random", "", (pivot(gains, PLACES, "share", judged),)),
            Section(
                "Share of the campaign needed",
                NEEDED,
                (pivot(scores.where(measure=SHARE), "predictor", "cell_line", number(2)),),
            ),
        ),
        ours="plan",
        suffix=" (campaign)",
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    needed = results.scores.where(measure=SHARE)
    return pivot(needed, "predictor", "cell_line", number(2), caption=SHARE).markdown()


BENCHMARK = Benchmark("campaign", page, summary)
