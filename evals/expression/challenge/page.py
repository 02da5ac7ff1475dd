"""What the page of the challenge's six measures says."""

from collections.abc import Iterator

from evals.expression.challenge.facts import MEASURES, MOST, Facts, PanelFacts
from evals.expression.challenge.score import SCORE
from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section, shown
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, judged, pivot, table

HOW = (
    "The six measures of the Virtual Cell Challenge 2026 (cell-eval2, profile `vcc2026`) on "
    "predicted single cells, each put on the challenge's scale: 0 is the context's own mean "
    "response, handed to every perturbation, and 1 is a replicate, one half of the cells against "
    "the other (five splits). Predicted cells are control cells drawn again and scaled readout by "
    "readout, as many as were measured, in whole counts. Unseen perturbations are predicted by "
    "cross-validation over genes; with a line left out, only its controls are seen. 95 % "
    "intervals: resamples of perturbations, the span of the scale held."
)
NO_SCALE = (
    f"A measure has a scale where a replicate is better than the mean by more than twice its own "
    f"spread over splits; a score is the mean over those that have one, where at least {MOST} of "
    "six have. Where no readout of a perturbation is significant, or halves of the cells agree no "
    "better than the mean does, there is nothing to be scored against, and nothing is."
)
AXIS = (
    "These panels are small: 9 to 25 perturbations over 299 or 500 readouts, some with fewer than "
    "a hundred cells, where the challenge has 300 over 18,533 with 400 cells each. Their counts "
    "were recovered from published logarithms, whose least value in a cell is one count. So these "
    "scores are not comparable with the challenge's own (the best training-free entry seen there "
    "has .155). MorPhiC's lines are bulk RNA without cells: rank-sum tests between cells, and so "
    "four of the six measures, do not exist for them."
)
TRICKS = (
    "The rows of controls show what each measure gives away: cells written several times over, "
    "and rows that are all the mean, say nothing of the perturbation."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    made = record.made(f"{record.settings['folds']} folds")
    facts = record.results.about(Facts)
    how = (HOW, NO_SCALE, *([] if record.settings["own"] else [AXIS]), TRICKS, _checked(facts))
    return Page(
        "Expression responses on the Virtual Cell Challenge's scale", how, made,
        tuple(_sections(record.results)), suffix=" (virtual cell)",
    )  # fmt: skip


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return shown(_sections(results))


def _checked(facts: Facts) -> str:
    if facts.difference is None:
        return ""
    return (
        f"cell-eval2 {facts.package} itself scored the mean response of every panel: its values "
        f"and ours differ by {facts.difference:.1g} at most."
    )


def _sections(results: Results) -> Iterator[Section]:
    facts, scores = results.about(Facts), results.scores
    yield Section("Where there is a scale", "", (_panels(facts), _scales(facts)))
    for panel in facts.panels:
        mine = scores.where(context=panel.context)
        for task in mine.values("task"):
            told = mine.where(task=task)
            title = f"{panel.context}: {task} ({panel.perturbations})"
            yield Section(title, "", (_scaled(told, panel), _raw(told), _gains(told)))


def _panels(facts: Facts) -> Table:
    header = ("context", "perturbations", "cells each", "controls", "readouts tested",
              "significant each", "measures with a scale")  # fmt: skip
    rows = (
        (one.context, one.perturbations, one.cells, one.controls,
         f"{one.tested} of {one.readouts}", f"{one.called:.1f}", f"{len(one.usable)} of 6")
        for one in facts.panels
    )  # fmt: skip
    return table(header, rows)


def _scales(facts: Facts) -> Table:
    rows = []
    for one in facts.panels:
        cells = [one.context]
        for name in MEASURES:
            scale = one.scales[name]
            zero, replicate = (
                "none" if value is None else f"{value:.3f}"
                for value in (scale.mean, scale.replicate)
            )
            spread = "" if scale.spread is None else f" ± {scale.spread:.3f}"
            cells.append(f"{zero} to {replicate}{spread}")
        rows.append(cells)
    names = [str(measure) for measure in MEASURES.values()]
    return table(("context", *names), rows, "The mean response and a replicate, as measured")


def _scaled(scores: Scores, panel: PanelFacts) -> Table:
    names = {SCORE: f"score, mean of {len(panel.usable)}",
             **{name: str(one) for name, one in MEASURES.items()}}  # fmt: skip
    order = [SCORE, *MEASURES]
    told = scores.plain.where(measure=order)
    return pivot(told, "predictor", "measure", order=order, names=names, caption="On the scale")


def _raw(scores: Scores) -> Table:
    names = {f"raw {name}": str(one) for name, one in MEASURES.items()}
    told = scores.plain.where(measure=list(names))
    return pivot(
        told, "predictor", "measure", order=list(names), names=names, caption="As measured"
    )


def _gains(scores: Scores) -> Table:
    told = Scores(scores.where(measure=SCORE).gains)
    return pivot(told, "than", "predictor", judged, header="over", caption="What ours gains")


BENCHMARK = Benchmark("virtual-cell", page, summary)
