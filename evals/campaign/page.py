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
HITS, CHARGED = "hits found", "chosen, not measured"
ESSENTIAL, GIVEN = "chosen, essential", "chosen"
PUBLIC = (
    "Screens of one phenotype, in the format of BioDiscoveryAgent, are played in rounds: a plan "
    "names genes, is told which are hits, and plans on. *random* draws as many genes as were asked "
    "for from those measured, the mean of 200 draws. A line of Knockwise stands in for the cells."
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
    public = scores.plain.where(measure=HITS)
    if public:
        return _public(record, public, scores.plain)
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


def _public(record: Record, found: Scores, scores: Scores) -> Page:
    """Return the page of public screens."""
    sections = [
        Section("Share of the hits found", "", (pivot(found, ("screen", "predictor"), "round"),))
    ]
    for measure, words in (
        (GIVEN, "How many genes a plan gave: it is not padded."),
        (CHARGED, "Share of them that the screen did not measure: charged, and no hit."),
        (ESSENTIAL, "Share of them that most cancer lines need."),
    ):
        table = pivot(scores.where(measure=measure), ("screen", "predictor"), "round")
        sections.append(Section(measure.capitalize(), words, (table,)))
    return Page(
        "Public screens played in rounds",
        (PUBLIC,),
        record.made(),
        tuple(sections),
        ours="plan",
        suffix=" (public screens)",
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    found = results.scores.where(measure=HITS)
    if found:
        table = pivot(found, ("screen", "predictor"), "round", number(3), caption=HITS)
        return table.markdown()
    needed = results.scores.where(measure=SHARE)
    return pivot(needed, "predictor", "cell_line", number(2), caption=SHARE).markdown()


BENCHMARK = Benchmark("campaign", page, summary)
