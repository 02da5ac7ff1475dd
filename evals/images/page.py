"""The page of the benchmark of pictures."""

from collections.abc import Iterator

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, judged, pivot, table
from evals.images import plots
from evals.images.facts import (
    CLASSICAL,
    LEARNT,
    LINEAR,
    OURS,
    PERMUTED,
    REQUIRED,
    TRAITS,
    Facts,
)

HOW = (
    "Two parts. In one, cells of siRNA-treated HeLa plates (Fuchs et al. 2010; two replicates "
    "of six wells, three channels) are found, measured and encoded; a network and a ridge "
    "classifier learn from one plate and are tested on the cells of the other, both ways. In the "
    "other, the channels that a knockout alters in PERISCOPE (HeLa, DMEM) are predicted from what "
    "is known of the gene."
)
SMALL = (
    "Six wells a plate are a worked example, not a statistic: UBC and the control RLUC have two "
    "wells a plate, AAK1 and PLK3 one. Intervals are over cells, which share their wells, and "
    "would be wider over wells. Each plate's features are aligned on its own control cells, "
    "without which no plate of this kind is used. A mean of both directions. Learnt phenotypes and "
    "PCA see the channels, outlines of nucleus and cell, and how densely nuclei lie around; "
    "classical measurements count the neighbours too. The network was chosen by rebuilt pictures "
    "of cells set aside on the plate learnt from, not by these scores."
)
WELLS = (
    "Mean score of the cells of each well of the plate that was not learnt from; the knockdown "
    "should lie above the controls. With two wells against two, no p-value is below 1/6 on a plate."
)
PICTURES = (
    "Mean squared error of a cell's picture, over its mean distance from the average cell; 24 "
    "numbers a cell either way, channels weighed alike; those of PCA tell the channels alone. "
    "Generated: Fréchet distance between 400 made-up cells and the real "
    "cells of the plate, over brightness, spread, edges and extent of each channel; the cells of "
    "the other plate say what can be reached."
)
CHANNELS_SAID = (
    "AUROC over held-out hits: which of the knockouts that change the picture alter this channel. "
    "A channel is altered from as many changed features as the authors' false-discovery rate asks. "
    "Term frequency: mean share of a gene's annotations' hits that alter it. Traits alone "
    "(baseline expression and essentiality, no annotation) are shown as a control: what ours gains "
    "over them is what relations between genes add. Intervals are over genes, and by complex over "
    "groups of genes; by complex, genes that share a complex with a tested one are not learnt "
    "from. The ridge was chosen on folds over these same hits, so the figures are slightly "
    "optimistic."
)
UNTESTED = (
    "Not tested, because it cannot be had here: association of images with genetic loci at the "
    "scale of a biobank, images of tissue, and other cell lines. Nor is it tested whether a "
    "decoded picture is right beyond the measurements that it is checked against."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    made = record.made(f"{record.settings['steps']} steps", f"{record.settings['folds']} folds")
    return Page(
        "What knockouts look like",
        (HOW, UNTESTED),
        made,
        tuple(_sections(record.results)),
        ours=OURS,
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    parts = [f"**{one.title}**\n\n" + "\n\n".join(one.tabled()) for one in _sections(results)]
    return "\n\n".join(parts)


def _sections(results: Results) -> Iterator[Section]:
    scores, facts = results.scores, results.about(Facts)
    cells = ", ".join(f"{count:,} on {plate}" for plate, count in facts.cells.items())
    yield Section("Knockdowns told from the control, cell by cell", f"{SMALL} Cells: {cells}.",
                  (_told(scores), _ahead(scores)), ("scores",))  # fmt: skip
    yield Section("The same, well by well", WELLS, (_wells(facts),))
    yield Section("Pictures rebuilt and generated", PICTURES, tuple(_pictures(scores)), ("cells",))
    said = (
        f"{CHANNELS_SAID} {facts.hits:,} hits of {facts.measured:,} knockouts; {facts.unread:,} "
        f"names of the table stand for no gene of today, or twice for one. Thresholds: "
        + ", ".join(f"{name} {count}" for name, count in facts.thresholds.items())
        + f". {facts.groups:,} groups; {facts.purged:,.0f} genes a fold left out besides."
    )
    yield Section("Altered channels of held-out knockouts", said, tuple(_channels(scores)),
                  ("channels",))  # fmt: skip
    yield Section("What is known anyway", "", (_truths(facts), _errors(facts)))


def _told(scores: Scores) -> Table:
    told = scores.plain.where(part="cells")
    return pivot(told, "task", "predictor", order=(LEARNT, CLASSICAL, LINEAR, PERMUTED),
                 header="knockdown", caption="AUROC over cells")  # fmt: skip


def _ahead(scores: Scores) -> Table:
    told = Scores(scores.where(part="cells").gains)
    return pivot(told, "task", "than", judged, header="knockdown", caption="Learnt ahead of")


def _wells(facts: Facts) -> Table:
    found = {(one.against, one.plate, one.well, one.predictor): one for one in facts.wells}
    rows = []
    for one in facts.wells:
        if one.predictor == LEARNT:
            other = found[one.against, one.plate, one.well, CLASSICAL]
            rows.append((one.against, one.plate, one.well, one.perturbation, one.cells,
                         f"{one.score:+.2f}", f"{other.score:+.2f}"))  # fmt: skip
    names = ("knockdown", "plate", "well", "holds", "cells", LEARNT, CLASSICAL)
    return table(names, rows)


def _pictures(scores: Scores) -> Iterator[Table]:
    told = scores.plain.where(part="pictures")
    yield pivot(told, "task", "predictor", order=(LEARNT, LINEAR), header="channel",
                caption="Unexplained variance of rebuilt pictures")  # fmt: skip
    ahead = Scores(scores.where(part="pictures").gains)
    yield pivot(ahead, "task", "than", judged, header="channel", caption="Learnt ahead of")
    made = scores.plain.where(part="generated")
    yield pivot(
        made, "task", "predictor", header="plate", caption="Fréchet distance of generated cells"
    )


def _channels(scores: Scores) -> Iterator[Table]:
    for split in ("gene", "complex"):
        mine = scores.where(part="periscope", split=split)
        yield pivot(mine.plain, "task", "predictor", order=(OURS, *REQUIRED, TRAITS),
                    header="channel", caption=f"AUROC, held out by {split}")  # fmt: skip
        yield pivot(Scores(mine.gains), "task", "than", judged, order=(*REQUIRED, TRAITS),
                    header="channel", caption=f"{OURS} ahead of, held out by {split}")  # fmt: skip


def _truths(facts: Facts) -> Table:
    rows = (
        (one.name, one.channel, one.genes, f"{one.percentile:.2f}", one.hits, f"{one.altered:.2f}",
         f"{one.predicted:.2f}", f"{one.usual:.2f}")
        for one in facts.truths
    )  # fmt: skip
    names = ("genes of", "channel", "measured", "percentile of counts", "hits", "of them altered",
             "predicted, held out", "all hits")  # fmt: skip
    return table(names, rows, "Known truths")


def _errors(facts: Facts) -> Table:
    rows = ((name, f"{b:.3f}", f"{e:.3f}") for name, (b, e) in facts.errors.items())
    return table(("channel", "Brier score", "calibration error"), rows, "Held-out chances, by gene")


BENCHMARK = Benchmark("images", page, summary, plots.drawn)
