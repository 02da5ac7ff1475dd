"""What the page of a scoring of drugs says."""

from collections.abc import Iterator

from evals.drugs.facts import Facts
from evals.drugs.predictors import NEAREST, OURS
from evals.drugs.score import (
    CHANGED,
    DIRECTION,
    EVERY,
    IDENTIFIED,
    MEAN,
    POOLED,
    RELATED,
    RETRIEVED,
    STRENGTH,
)
from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, judged, pivot, table

HOW = (
    "What drugs do to transcripts that no fold saw: five folds of whole drugs, held out in "
    "all kinds of cells at once, salts and near-identical analogues with their parent, or all "
    "drugs of a mode of action together. A drug has ranks of genes and no sizes, so "
    "thresholds are declared: a gene goes up or down where it is among the 5 % of the drug's "
    "genes at either end, and has not changed in the middle half. Drugs held out together are "
    "ranked against each other within a gene, so that the gene's own prior is at 0.5 by "
    "construction. Intervals are of 95 %: bootstrap resamples of whole drugs."
)
WITHIN = (
    "Mean over the kinds of cells. *With a relative*: drugs that share a target or a mode of "
    "action with another drug of the screen. *The same drug in other cells* is a kind of "
    "ceiling."
)
CHANGE = (
    "Whether a gene changes at all holds little: every drug has the same number of changed "
    "genes by the declared thresholds, and where a drug does nothing they are noise. Even the "
    "same drug in other cells hardly tells. Better posed is a drug's strength: how alike its "
    "signatures are between kinds of cells, the strongest third of held-out drugs against the "
    "weakest."
)
POOL = (
    "Over all genes at once the prior alone is high, and figures say little of drugs: they "
    "stand beside the prior's alone here and nowhere else."
)
WELLS = (
    "All lines of Tahoe-100M share one well a drug, so that what the well did looks like a "
    "drug in every line. Taken out before anything is learnt or scored: the mean of the "
    "plate, and eight directions in which drugs without a known target vary. *As measured* is "
    "scored beside it."
)
OTHERS = (
    "Predictions from OP3's blood cells against what other laboratories found in other cells: "
    "up against down across signatures, within genes. Nothing was learnt from these."
)
PROFILES = (
    "*Profile told from those of other held-out drugs*: the share of drugs held out together "
    "whose measured profile is less like the prediction than the drug's own. *Targets and "
    "mode told from the measured profile*: AUROC of drugs that share a target or a mode among "
    "all others."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    return Page("Drugs", (HOW,), record.made(), sections(record.results), ours=OURS)


def sections(results: Results) -> tuple[Section, ...]:
    """Return the page in order."""
    scores, facts = results.scores, results.about(Facts)
    return (
        Section("What was found", " ".join(findings(results))),
        Section("Direction within a gene", WITHIN, (_means(scores, DIRECTION), _gains(scores))),
        Section("By kind of cells", "", (_cells(scores),)),
        Section("Whether a gene changes", CHANGE, (_means(scores, CHANGED), _strength(scores))),
        Section("Profiles", PROFILES, (_profiles(scores),)),
        Section("Pooled over genes", POOL, (_pooled(scores),)),
        Section("Tahoe's wells", WELLS, (_wells(facts),)),
        Section("Other laboratories", OTHERS, (_others(scores),)),
        Section("Drugs and calibration", "", (_drugs(facts), _calibrated(facts))),
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    scores = results.scores
    return "\n\n".join(
        [*findings(results), _means(scores, DIRECTION).markdown(),
         _means(scores, CHANGED).markdown()]
    )  # fmt: skip


def findings(results: Results) -> Iterator[str]:
    """Iterate over what the figures say, in sentences that follow from them."""
    scores = results.scores.plain

    def of(who: str, measure: str, screen: str, drugs: str, split: str = "drug") -> str:
        found = scores.find(
            predictor=who, measure=measure, screen=screen, drugs=drugs, split=split, cells=MEAN
        )
        return str(found) if found is not None else "not measured"

    yield (
        f"In OP3's four kinds of blood cells the direction within a gene of held-out drugs with a "
        f"relative is told with an AUROC of {of(OURS, DIRECTION, 'OP3', RELATED)} (nearest drug "
        f"{of(NEAREST, DIRECTION, 'OP3', RELATED)}), of all of them "
        f"{of(OURS, DIRECTION, 'OP3', EVERY)}; with the mode of action held out "
        f"{of(OURS, DIRECTION, 'OP3', EVERY, 'mode of action')}."
    )
    yield (
        f"Whether a gene changes is told with {of(OURS, CHANGED, 'OP3', EVERY)}, a drug's strength "
        f"with {of(OURS, STRENGTH, 'OP3', EVERY)}."
    )
    yield (
        f"In Tahoe's five lines, the wells' artefact taken out, the direction is told with "
        f"{of(OURS, DIRECTION, 'Tahoe-100M', EVERY)}; as measured "
        f"{of(OURS, DIRECTION, 'Tahoe-100M as measured', EVERY)}."
    )


def _means(scores: Scores, measure: str) -> Table:
    mine = scores.plain.where(measure=measure, cells=MEAN)
    return pivot(
        mine,
        ["screen", "split", "predictor"],
        "drugs",
        header=["screen", "held out", "who"],
        caption=f"AUROC within genes: {measure}",
    )


def _gains(scores: Scores) -> Table:
    gains = Scores(one for one in scores.gains if one.measure == DIRECTION)
    return pivot(
        gains,
        ["screen", "split", "than"],
        "drugs",
        judged,
        header=["screen", "held out", "ahead of"],
        caption="How far the drug model is ahead, on the same resamples",
    )


def _cells(scores: Scores) -> Table:
    mine = Scores(
        one
        for one in scores.plain.where(predictor=OURS, measure=(DIRECTION, CHANGED), split="drug")
        if one["cells"] != MEAN
    )
    return pivot(mine, ["screen", "cells"], ["measure", "drugs"],
                 names=lambda head: f"{head[0]}, {head[1]}")  # fmt: skip


def _strength(scores: Scores) -> Table:
    return pivot(scores.plain.where(measure=STRENGTH), "predictor", "screen", header="strength")


def _profiles(scores: Scores) -> Table:
    mine = scores.plain.where(measure=(IDENTIFIED, RETRIEVED))
    return pivot(mine, ["measure", "predictor"], "screen", header=["measure", "who"])


def _pooled(scores: Scores) -> Table:
    mine = scores.plain.where(measure=POOLED, split="drug")
    return pivot(mine, ["screen", "cells"], "predictor")


def _others(scores: Scores) -> Table:
    mine = Scores(one for one in scores.plain if one["drugs"] == "with a relative in OP3")
    return table(
        ("signatures", "AUROC within genes", "drugs"),
        ((one["screen"], str(one), one.value.n) for one in mine),
    )


def _wells(facts: Facts) -> Table:
    return table(
        ("signatures", "agreement between lines, no known target", "with a target",
         "variance that is the plate's"),
        ((one.what, f"{one.inert:.2f}", f"{one.active:.2f}", f"{one.plate:.1%}")
         for one in facts.wells),
    )  # fmt: skip


def _drugs(facts: Facts) -> Table:
    return table(
        ("screen", "drugs", "with a relative", "parents", "modes of action"),
        ((name, count, facts.related[name], facts.groups[name], facts.modes[name])
         for name, count in facts.drugs.items()),
    )  # fmt: skip


def _calibrated(facts: Facts) -> Table:
    return table(
        ("OP3-T", "gap between stated and observed rates", "rows"),
        ((one.task, f"{one.error:.3f}", f"{one.rows:,}") for one in facts.calibration),
    )


BENCHMARK = Benchmark("drugs", page, summary)
