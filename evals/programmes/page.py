"""What the page of a scoring of programmes says."""

from collections.abc import Iterator

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, percent, pivot, shown, signed, table
from evals.programmes.facts import Facts
from models.inputs.screens import CELL_LINES

HOW = (
    "Programmes are sets of readouts that answered together in the training screens; which of them "
    "a perturbation shifts is told from what is known of it and what related perturbations did. "
    "Every figure here is of the official test rows of K562 and RPE1, which nothing was fitted to "
    "or chosen by. Intervals are of 95 %: bootstrap resamples of whole perturbations. A programme "
    "speaks about a readout where the expected sign of its change is large enough; from where on "
    "was set on held-out training rows so that 15 % of the unchanged ones are spoken about."
)
COVERED = (
    "Documented paths are those that an answer believes. Together: the documented path where there "
    "is one, else the programmes. The readout's usual direction and the response model are scored "
    "on the same pairs. Pairs are told apart mostly between readouts: some of them change under "
    "nearly everything. *Within-readout AUROC of a change* is what programmes say of which "
    "perturbations move one and the same readout."
)
WITHIN = (
    "Up against down among the perturbations that changed one readout in one line, the mean over "
    "readouts: what no habit of the readout can tell. Shuffled loadings: readouts exchange theirs. "
    "Another perturbation's shifts: perturbations of a line exchange theirs."
)
FAITHFUL = (
    "The leading programme is taken out, or another one that the perturbation shifts: of how many "
    "covered readouts is the explanation gone or turned? Programmes are no input of the response "
    "model, so its predictions stay as they are; what moves is the explanation."
)
STACKED = (
    "A logistic regression of the direction on the response model's answer and on what programmes "
    "expect, both held out, fitted to changed training rows; tested on other training "
    "perturbations (five folds; readouts are ranked within a fold) and on the official test rows. "
    "The response model has the unsparse, unnamed form of the same shifts among its features."
)
LINES = "Shifts from the screen of one line alone, tested in another (or in the same one)."
RECOVERED = (
    "The best Jaccard index of each known set and a programme's strongest readouts, the mean over "
    "sets; with loadings exchanged between readouts below it."
)
HELD_OUT = (
    "The same on training perturbations that the model did not see, for all lines: HepG2's and "
    "Jurkat's test labels are withheld. Stability: likeness (correlation of loadings) of each "
    "programme to its counterpart in models of four fifths of the perturbations."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    return Page("Programmes", (HOW,), record.made(), sections(record.results))


def sections(results: Results) -> tuple[Section, ...]:
    """Return the page in order."""
    scores, facts = results.scores, results.about(Facts)
    return (
        Section("What was learnt", " ".join(findings(results))),
        Section("Coverage and agreement", COVERED, (_covered(scores), _gains(scores))),
        Section("Within a readout", WITHIN, (_within(scores),)),
        Section("Do explanations rest on their programme?", FAITHFUL, (_faithful(scores),)),
        Section(
            "Would the response model be better with programmes?", STACKED, (_stacked(scores),)
        ),
        Section("From line to line", LINES, (_lines(scores),)),
        Section("Known programmes", RECOVERED, (_recovery(scores),)),
        Section("Held-out training perturbations", HELD_OUT, (_held_out(facts), _trust(facts))),
        Section("The programmes", "", (_programmes(facts),)),
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return "\n\n".join(
        [*findings(results), _covered(results.scores).markdown(),
         _within(results.scores).markdown()]
    )  # fmt: skip


def findings(results: Results) -> Iterator[str]:
    """Iterate over what the figures say, in sentences that follow from them."""
    scores = results.scores
    both = "programmes and documented paths"

    def of(who: str, measure: str) -> str:
        return percent(scores.plain.find(predictor=who, measure=measure, line="all", on=None))

    yield (
        f"Programmes and documented paths together cover {of(both, 'changed covered')} of the "
        f"changed test pairs and {of(both, 'unchanged covered')} of the unchanged ones, and "
        f"{of(both, 'agreement')} of the covered changed pairs go the way they say."
    )
    gain = next(
        one for one in scores.gains
        if (one.predictor, one.than, one["line"], one.measure)
        == (both, "readout's usual direction", "all", "agreement")
    )  # fmt: skip
    yield f"That is {signed(gain)} over the readout's usual direction on the same pairs."
    within = scores.plain.find(predictor="programmes", measure="within-readout AUROC", line="all")
    yield f"Within a readout, the AUROC of the direction is {within}."


def _covered(scores: Scores) -> Table:
    shown = [one for one in scores.plain
             if one.measure in ("changed covered", "unchanged covered", "agreement")
             and not one.role]  # fmt: skip
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for one in shown:
        key = (str(one["line"]), one.predictor, str(one["on"] or ""))
        rows.setdefault(key, {})[one.measure] = percent(one)
    return table(
        ["line", "who", "on pairs of", "changed covered", "unchanged covered", "agreement"],
        (
            [*key, *(row.get(name, "") for name in ("changed covered", "unchanged covered",
                                                    "agreement"))]
            for key, row in rows.items()
        ),
    )  # fmt: skip


def _gains(scores: Scores) -> Table:
    return table(
        ["line", "who", "over", "agreement"],
        ([one["line"], one.predictor, one.than, signed(one)]
         for one in scores.gains if one.measure == "agreement"),
        "Gains on the same pairs",
    )  # fmt: skip


def _within(scores: Scores) -> Table:
    mine = Scores(
        one for one in scores.plain
        if one.measure.startswith("within-readout AUROC") and not one.role
    )  # fmt: skip
    return pivot(mine, ["measure", "predictor"], "line", header=["measure", "who"])


def _faithful(scores: Scores) -> Table:
    mine = Scores(one for one in scores.plain if one.measure == "answers gone or turned")
    return pivot(mine, "predictor", "line", percent, header="taken out")


def _stacked(scores: Scores) -> Table:
    mine = Scores(one for one in scores if one.role == "stacked")
    return pivot(mine, ["predictor", "than"], "rows", shown, header=["who", "ahead of"])


def _lines(scores: Scores) -> Table:
    mine = Scores(one for one in scores.plain if one.role == "from one line")
    return pivot(mine, "source", "line", header="from")


def _recovery(scores: Scores) -> Table:
    mine = Scores(one for one in scores.plain if one.role == "recovery")
    return pivot(mine, ["measure", "predictor"], ["known", "sets"],
                 names=lambda head: f"{head[0]} ({head[1]} sets)",
                 header=["measure", "who"])  # fmt: skip


def _held_out(facts: Facts) -> Table:
    found = facts.held_out
    names = ("within-readout AUROC", "covered", "unchanged covered", "agreement")
    return table(
        ["line", *names],
        ([line, *(f"{found[line][name]:.3f}" for name in names)] for line in (*CELL_LINES, "all")),
        f"{found['programmes']} programmes, mean stability {found['stability']:.2f}, "
        f"{found['stable at 0.7']:.0%} of them above 0.7; "
        f"{found['loadings per readout']:.1f} loadings per readout",
    )


def _trust(facts: Facts) -> Table:
    return table(
        ["trust of the path", "pairs", "mean trust", "right"],
        (
            [f"{one['low']:.2f} to {one['high']:.2f}", f"{one['pairs']:,}", f"{one['mean']:.3f}",
             f"{one['right']:.3f}"]
            for one in facts.held_out["trust"]
        ),
        "Is trust calibrated?",
    )  # fmt: skip


def _programmes(facts: Facts) -> Table:
    return table(
        ["", "programme", "regulators", "shifted by loss of", "up with it", "stability", "held"],
        (
            [
                one.id,
                one.name,
                ", ".join(f"{r.gene} ({r.agree}/{r.targets})" for r in one.regulators),
                ", ".join(f"{p.name} ({'up' if p.z > 0 else 'down'})"
                          for p in one.perturbations[:2]),
                ", ".join(one.up[:6]),
                f"{one.stability:.2f}",
                f"{one.hold:.2f}",
            ]
            for one in facts.programmes
        ),
    )  # fmt: skip


BENCHMARK = Benchmark("programmes", page, summary)
