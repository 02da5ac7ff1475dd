"""What the page of the comparison of SAMS-VAE says."""

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, pivot, shown

NAMES = {
    "validation": "validation IWELBO",
    "test": "test IWELBO",
    "effects": "treatment effects, correlation",
    "masks": "masks, AUROC",
    "on": "masks on",
}
MEASURES = tuple(NAMES.values())
HOW = (
    "SAMS-VAE (Bereket and Karaletsos, NeurIPS 2023) and its comparators, written anew in plain "
    "torch: a basal state of each cell plus sparse shifts of its perturbation, Bernoulli masks "
    "with a Beta prior, Gaussian effects, a negative-binomial decoder. The correlated guide draws "
    "an effect given its mask and a basal state given the shift; the mean-field guide does not. "
    "Cells are parted 7 : 1 : 2. IWELBO: importance-weighted bound on the log-probability of a "
    "held-out cell with 50 draws, effects and masks drawn from the guide. Treatment effects: "
    "correlation of predicted and measured differences from control over all perturbations and "
    "genes of test cells. Intervals: 95 %, Student's t over seeds, each with parts, a simulation "
    "and weights of its own. Networks are small and training is short, so that all of it fits two "
    "cores: absolute bounds are not those of the paper, the order of the models is what is asked."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    return Page("SAMS-VAE and its comparators", (HOW,), record.made(), sections(record.results))


def sections(results: Results) -> tuple[Section, ...]:
    """Return the page in order."""
    ahead = Scores(one for one in results.scores if one.role == "ahead")
    pairs = Scores(one for one in results.scores if one.role == "double")
    return (
        Section("", "", (_table(results.scores),)),
        Section(
            "Is SAMS-VAE ahead?",
            "Differences of the test IWELBO on the same seeds; an interval that holds zero is no "
            "difference.",
            (pivot(ahead, "measure", "data", shown),),
        ),
        Section(
            "Two genes at once",
            "Norman's activations: doubles held out in five folds, their singles seen. Sparse "
            "shifts add as SAMS-VAE adds them, on mean responses: a sparse code for each gene over "
            "shared mechanisms, fitted to singles and doubles together, number and penalty chosen "
            "within the training rows. Distance: Euclidean, mean over doubles; gains are shares of "
            "additive's distance, intervals by resampling doubles.",
            (pivot(pairs, ["data", "predictor"], "measure", shown, header=["screen", "model"]),),
        ),
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return _table(results.scores).markdown()


def _table(scores: Scores) -> Table:
    mine = Scores(one for one in scores if not one.role)
    return pivot(mine, ["data", "predictor"], "measure", shown, order=MEASURES,
                 header=["cells", "model"])  # fmt: skip


BENCHMARK = Benchmark("sams", page, summary)
