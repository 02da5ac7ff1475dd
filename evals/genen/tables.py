"""The tables of an evaluation of gene properties."""

from collections.abc import Iterator, Mapping

from evals.genen.predictors import GCN, OURS, TOGETHER
from evals.genen.published import DIGITS, PUBLISHED_GCN, PUBLISHED_TEXT
from evals.genen.schema import (
    HEADLINE,
    PLAIN,
    WITH_COMPARTMENT,
    Condition,
    Facts,
    Gain,
    Metrics,
    Score,
)
from evals.harness.resampling import Estimate
from evals.perturbqa.report import Table
from models.genen.labels import TaskName

NAMES: Mapping[TaskName, str] = {
    "dosage-sensitivity": "dosage sensitivity",
    "bivalent-lys4": "bivalent / Lys4 only",
    "bivalent-non-methylated": "bivalent / non-methylated",
    "tf-range": "TF range",
    "tf-target-type": "TF target type",
    "solubility": "solubility",
    "localisation": "localisation",
    "conservation": "conservation (Pearson)",
}


def published_verdicts(metrics: Metrics) -> Table:
    """Return ours on GO+PPI beside the GCN as published and as trained here."""
    rows = []
    for facts in metrics.tasks:
        ours, gcn = (metrics.find(facts.task, HEADLINE, name) for name in (OURS, GCN))
        if ours is None:
            continue
        with_cc = metrics.find(facts.task, WITH_COMPARTMENT, OURS)
        quoted = PUBLISHED_GCN[facts.task]
        rows.append(
            (
                NAMES[facts.task],
                f"{facts.genes:,}",
                f"*{quoted:.2f}*",
                _shown(gcn),
                _shown(ours),
                verdict(ours, quoted),
                _shown(with_cc),
                verdict(with_cc, quoted) if with_cc else "",
            )
        )
    header = (
        "task", "genes", "GCN, published", "GCN, here", "ours", "published figure",
        "ours with CC", "published figure (CC)",
    )  # fmt: skip
    return Table(header, tuple(rows))


def baseline_verdicts(metrics: Metrics) -> Table:
    """Return ours on GO+PPI without CC beside the best plain baseline of each task."""
    rows = []
    for gain in over_baseline(metrics, HEADLINE):
        ours = metrics.find(gain.task, gain.condition, gain.predictor)
        other = metrics.find(gain.task, gain.than_condition, gain.than)
        best = f"{gain.than} ({gain.than_condition.edges})"
        rows.append(
            (NAMES[gain.task], best, _shown(other), _shown(ours), _signed(gain.gain), gain.verdict)
        )
    header = ("task", "best plain baseline", "its value", "ours", "gain", "verdict")
    return Table(header, tuple(rows))


def gains_by_graph(metrics: Metrics) -> Table:
    """Return the gain of ours over the best plain baseline, a column per graph."""
    conditions = [c for c in _edges(metrics) if not c.rewired and c.graph]
    rows = []
    for facts in metrics.tasks:
        cells = []
        for condition in conditions:
            found = [g for g in over_baseline(metrics, condition) if g.task == facts.task]
            cells.append(f"{_signed(found[0].gain)} {found[0].verdict}" if found else "")
        rows.append((NAMES[facts.task], *cells))
    return Table(("task", *(c.edges for c in conditions)), tuple(rows) if conditions else ())


def network_gains(metrics: Metrics) -> Table:
    """Return how far ours is ahead of each network on GO+PPI without CC."""
    networks = dict.fromkeys(s.predictor for s in metrics.scores if s.role == "network")
    found = {
        (g.task, g.than): g
        for g in metrics.gains
        if g.condition == g.than_condition == HEADLINE and g.than in networks
    }
    rows = [
        (
            NAMES[facts.task],
            *(
                f"{_signed(g.gain)} {g.verdict}" if (g := found.get((facts.task, name))) else ""
                for name in networks
            ),
        )
        for facts in metrics.tasks
    ]
    return Table(("task", *networks), tuple(rows) if found else ())


def contrast_table(metrics: Metrics, one: Condition, other: Condition) -> Table:
    """Return the gain of each predictor from one condition over another, a row per task."""
    found = {
        (g.task, g.predictor): g
        for g in metrics.gains
        if (g.condition, g.than_condition) == (one, other) and g.predictor == g.than
    }
    names = dict.fromkeys(name for _, name in found)
    header = ["task"]
    for name in names:
        header += [f"{name}, {other.edges}", "gain"]
    rows = []
    for facts in metrics.tasks:
        cells: list[str] = []
        for name in names:
            gain = found.get((facts.task, name))
            cells += [
                _shown(metrics.find(facts.task, other, name)),
                f"{_signed(gain.gain)} {gain.verdict}" if gain else "",
            ]
        rows.append((NAMES[facts.task], *cells))
    return Table(tuple(header), tuple(rows) if found else ())


def masking_table(metrics: Metrics) -> Table:
    """Return each predictor's value by the share of hidden texts, and how far it falls."""
    shares = sorted({s.condition.hidden for s in metrics.scores})
    falls = {
        (g.task, g.condition, g.predictor): g.gain
        for g in metrics.gains
        if g.condition.hidden and g.predictor == g.than and not g.than_condition.hidden
    }
    rows = []
    for facts, (condition, name) in ((f, key) for f in metrics.tasks for key in masked(metrics, f)):
        by_share = [
            metrics.find(facts.task, condition.model_copy(update={"hidden": share}), name)
            for share in shares
        ]
        last = by_share[-1]
        fall = falls.get((facts.task, last.condition, name)) if last else None
        rows.append(
            (
                NAMES[facts.task],
                condition.edges,
                name,
                *(_shown(one) for one in by_share),
                _signed(fall) if fall else "",
                str(last.among_hidden) if last and last.among_hidden else "",
            )
        )
    most = f"{shares[-1]:.0%}" if shares else ""
    header = (
        "task", "graph", "predictor", *(f"{share:.0%} hidden" for share in shares),
        f"change at {most}", f"genes without text at {most}",
    )  # fmt: skip
    return Table(header, tuple(rows))


def masked(metrics: Metrics, facts: Facts) -> dict[tuple[Condition, str], None]:
    """Return which predictors, with which graph, were tried with texts of a task hidden."""
    return {
        (score.condition.model_copy(update={"hidden": 0.0}), score.predictor): None
        for score in metrics.scores
        if score.task == facts.task and score.condition.hidden
    }


def studied_table(metrics: Metrics) -> Table:
    """Return the less and the well studied half of each task, and the gap."""
    rows = [
        (NAMES[s.task], s.by, s.predictor, str(s.less), str(s.well), _signed(s.gap))
        for s in metrics.studied
    ]
    return Table(("task", "by", "predictor", "less studied", "well studied", "gap"), tuple(rows))


def neighbourhood_table(metrics: Metrics) -> Table:
    """Return how alike neighbours are before and after message passing."""
    rows = [
        (
            NAMES[one.task],
            f"{one.genes:,}",
            one.space,
            f"{one.same_label:.2f} ({one.label_by_chance:.2f})",
            f"{one.pathway} (odds x {one.odds:.1f} in {one.enriched_in})" if one.pathway else "",
            f"{one.same_pathway:.2f} ({one.pathway_by_chance:.2f})" if one.pathway else "",
        )
        for one in metrics.neighbourhoods
    ]
    header = (
        "task", "genes", "vectors", "same label (chance)", "pathway",
        "same pathway (chance)",
    )  # fmt: skip
    return Table(header, tuple(rows))


def score_table(metrics: Metrics, task: TaskName, *, f1: bool = False) -> Table:
    """Return every predictor of a task, a column per graph and one with same texts together."""
    scores = [s for s in metrics.scores if s.task == task and not s.condition.hidden]
    if f1:
        scores = [s for s in scores if s.f1]
    columns = [*_edges(metrics)]
    together = any(s.condition.together for s in scores)
    found = {(s.predictor, s.condition): s for s in scores}
    rows = []
    for name in dict.fromkeys(s.predictor for s in scores):
        cells = [_shown(found.get((name, column)), f1=f1) for column in columns]
        if together:
            grouped = found.get((name, TOGETHER)) or found.get((name, _together(PLAIN)))
            cells.append(_shown(grouped, f1=f1))
        rows.append((name, *cells))
    last = ("same texts together",) if together else ()
    return Table(("predictor", *(c.edges for c in columns), *last), tuple(rows))


def published_table(metrics: Metrics) -> Table:
    """Return what others published, as quoted, best first within a task."""
    rows = []
    for facts in metrics.tasks:
        quoted = [("GCN on PPI+GO with CC (Genen)", PUBLISHED_GCN[facts.task])]
        quoted += PUBLISHED_TEXT.get(facts.task, {}).items()
        quoted += [
            (f"{q.model} ({q.source})", q.value) for q in metrics.quoted if q.task == facts.task
        ]
        for name, value in sorted(quoted, key=lambda pair: -pair[1]):
            rows.append((NAMES[facts.task], f"*{name}*", f"{value:.3g}"))
    return Table(("task", "predictor", "AUC"), tuple(rows))


def task_table(metrics: Metrics) -> Table:
    """Return what the tasks are."""
    rows = tuple(
        (
            NAMES[facts.task],
            facts.title,
            facts.kind,
            f"{facts.genes:,}",
            ", ".join(f"{name} {size:,}" for name, size in facts.classes.items()),
        )
        for facts in metrics.tasks
    )
    return Table(("task", "what is predicted", "labels", "genes", "classes"), rows)


def _edges(metrics: Metrics) -> list[Condition]:
    """Return the conditions that differ in edges alone, in the order of the page."""
    return [
        condition
        for condition in dict.fromkeys(s.condition for s in metrics.scores)
        if not condition.hidden and not condition.together
    ]


def _together(condition: Condition) -> Condition:
    return condition.model_copy(update={"together": True})


def over_baseline(metrics: Metrics, condition: Condition) -> Iterator[Gain]:
    """Yield the gains of ours over the best plain baseline of each task."""
    baselines = {s.predictor for s in metrics.scores if s.role == "baseline"}
    for gain in metrics.gains:
        if gain.condition == condition and gain.than in baselines and gain.predictor == OURS:
            yield gain


def verdict(ours: Score, quoted: float) -> str:
    """Return whether a published figure is reached, at the decimals it was published with."""
    if round(ours.value.value, DIGITS) >= quoted:
        return "reached"
    return "missed, in the interval" if ours.value.high >= quoted else "missed"


def _shown(score: Score | None, *, f1: bool = False) -> str:
    if score is None:
        return ""
    value = score.f1 if f1 else score.value
    return str(value) if value else ""


def _signed(value: Estimate) -> str:
    return f"{value.value:+.3f} [{value.low:+.3f}, {value.high:+.3f}]"
