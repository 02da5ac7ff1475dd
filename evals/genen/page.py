"""What the page of an evaluation of gene properties says."""

from evals.genen import plots
from evals.genen.facts import (
    GRAPH_NAMES,
    HEADLINE,
    WITH_COMPARTMENT,
    Condition,
    Facts,
    TaskFacts,
)
from evals.genen.figures import NAMES, Figures
from evals.genen.predictors import GCN, OURS, REWIRED
from evals.genen.published import ABSENT, DIGITS, PUBLISHED_GCN, PUBLISHED_TEXT
from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Score, Scores
from evals.harness.tables import Table, judged, pivot, shown, signed, table

HOW = (
    "Every gene is scored by models that were fitted without it: stratified cross-validation over "
    "protein-coding genes, with an inner validation part for early stopping and choices; test "
    "labels enter no fit and no setting. The form of ours (what it reads of neighbours, and how "
    "strongly it prefers a plain answer) was settled with held-out scores of these tasks in view, "
    "those of TF range above all. Genes are dealt into folds five times where verdicts depend on "
    "it "
    "(GO+PPI without CC, and no graph), twice with other graphs, once for networks, and half as "
    "often where a task has over 5,000 genes; what is compared is compared on the same folds. "
    "AUROC is the mean over folds, and over classes against all others where there are more than "
    "two; conservation is Pearson's correlation. Intervals are 95 % of bootstrap resamples of "
    "genes, each with its held-out scores of all repeats, shared by all that is compared: "
    "variances over folds, though corrected for shared training genes (Nadeau and Bengio), leave "
    "four degrees of freedom to a network trained once, and cannot be paired with ours. They tell "
    "how much depends on which genes have a label, not on a network's seed. F1 is the mean over "
    "classes where the likeliest class is called, or, of a yes or no question, as many test genes "
    "as the other folds' share says: no threshold is chosen."
)
COMPARTMENT = (
    "The Gene Ontology's cellular components (CC) answer localisation and solubility by "
    "themselves, so that graphs without them come first and are what verdicts are about."
)
AGAINST_GCN = (
    "Published on five random 80/20 splits, no validation set, the test score of the last epoch, "
    "and a graph that has cellular components. A figure is reached where ours, rounded to the two "
    "decimals that were published, is at least as high."
)
AGAINST_BASELINES = (
    "The plain baseline that turned out best on the test genes, with this graph or without one, "
    "which favours the baseline. Better or worse: the interval of the gain excludes zero."
)
MASKING = (
    "The same texts are hidden from every predictor, and those hidden at a smaller share are "
    "hidden at a larger. The fall is from all texts shown, on the same splits and resamples."
)
STUDIED = (
    "Genes of each task at or below its median and above it, by words of RefSeq's summary and by "
    "publications that NCBI links. Neither is a feature of any model."
)
MAPS = (
    "Share of the ten nearest genes (cosine, in all dimensions) that have a gene's own label, mean "
    "over classes, and that share the pathway most over-represented in one class (Reactome, "
    "one-sided Fisher). After: the texts mixed along GO+PPI edges without CC in two steps, before "
    "anything is learnt. Labels enter neither."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    return Page(
        "Gene properties", (HOW, COMPARTMENT), made(record), sections(record.results), ours=OURS
    )


def made(record: Record) -> str:
    """Return how a run was made and what it took."""
    settings, seconds = record.settings, record.timing["seconds"]
    slowest = sorted(seconds.items(), key=lambda item: -item[1])[:4]
    told = ", ".join(f"{what} {spent / 60:.1f}" for what, spent in slowest)
    return (
        f"Seed {settings['seed']}, {settings['folds']} folds, commit "
        f"`{record.config['commit'][:10]}`. Time of all processes: "
        f"{sum(seconds.values()) / 60:,.0f} min (most of it: {told}); peak memory of one "
        f"{record.timing['peak_memory_mib']:,.0f} MiB."
    )


def summary(results: Results) -> str:
    """Return what a terminal shows: ours beside the published GCN and the best baselines."""
    found = Figures(results)
    tables = (_published_verdicts(found), _baseline_verdicts(found), _masking(found))
    return "\n\n".join(one.markdown() for one in tables if one.rows)


def sections(results: Results) -> tuple[Section, ...]:
    """Return the page in order; parts that were not measured are left out."""
    figures = Figures(results)
    found = (
        Section(
            "Ours against the published GCN",
            f"{AGAINST_GCN} {_reached(figures)}".strip(),
            (_published_verdicts(figures),),
            ("overview",),
        ),
        Section(
            "Ours against the best plain baseline",
            f"{AGAINST_BASELINES} {_counted(figures)}".strip(),
            (_baseline_verdicts(figures), _gains_by_graph(figures), _network_gains(figures)),
        ),
        Section(
            "Whether edges mean anything",
            "Real edges against shuffled ones with the same degrees, GO+PPI without CC. What is "
            "left on shuffled edges is text and degree.",
            (_contrast(figures, HEADLINE, REWIRED),),
        ),
        Section("Hidden texts", MASKING, (_masking(figures),), ("masking",)),
        Section("Less and well studied genes", STUDIED, (_studied(figures),), ("studied",)),
        Section(
            "Before and after message passing",
            MAPS,
            (_neighbourhoods(figures.facts),),
            ("map-localisation", "map-solubility", "map-dosage-sensitivity"),
        ),
        *(_task(figures, facts) for facts in figures.facts.tasks),
        Section("Published elsewhere", ABSENT, (_published(figures.facts),)),
        Section("Tasks", "", (_tasks(figures.facts),)),
    )
    return tuple(one for one in found if any(table.rows for table in one.tables))


def _task(figures: Figures, facts: TaskFacts) -> Section:
    measure = "Pearson's correlation" if facts.kind == "regression" else "AUROC"
    told = f"{facts.title.capitalize()}; {facts.genes:,} genes."
    if facts.compartment_answers:
        told += " Cellular components tell the answer: columns with CC are not the headline."
    tables = [_scores(figures, facts, "value", measure)]
    if facts.kind != "regression":
        tables.append(_scores(figures, facts, "f1", "F1, mean of the classes"))
    return Section(NAMES[facts.task].capitalize(), told, tuple(tables))


def _reached(figures: Figures) -> str:
    """Return in how many tasks the published figure is reached."""
    told = []
    for condition, what in ((HEADLINE, "without CC"), (WITH_COMPARTMENT, "with CC")):
        ours = figures.scores.plain.where(measure="value", condition=condition.name, predictor=OURS)
        reached = sum(_verdict(s, PUBLISHED_GCN[s["task"]]) == "reached" for s in ours)
        if ours:
            told.append(f"{reached} of {len(ours)} tasks {what}")
    return f"Reached in {', '.join(told)}." if told else ""


def _counted(figures: Figures) -> str:
    gains = figures.over_baseline(HEADLINE)
    if not gains:
        return ""
    verdicts = [gain.verdict for gain in gains]
    counts = ", ".join(f"{verdicts.count(w)} {w}" for w in ("better", "level", "worse"))
    above = sum(gain.value.value >= 0 for gain in gains)
    return (
        f"On {GRAPH_NAMES['go+ppi']} without CC: {counts}; at least as high in {above} of "
        f"{len(gains)}."
    )


def _verdict(ours: Score | None, quoted: float) -> str:
    """Return whether a published figure is reached, at the decimals it was published with."""
    if ours is None:
        return ""
    if round(ours.value.value, DIGITS) >= quoted:
        return "reached"
    return "missed, in the interval" if ours.value.high >= quoted else "missed"


def _published_verdicts(figures: Figures) -> Table:
    """Return ours on GO+PPI beside the GCN as published and as trained here."""
    rows = []
    for facts in figures.facts.tasks:
        ours, gcn = (figures.value(facts, HEADLINE, name) for name in (OURS, GCN))
        with_cc = figures.value(facts, WITH_COMPARTMENT, OURS)
        quoted = PUBLISHED_GCN[facts.task]
        if ours is not None:
            rows.append(
                (NAMES[facts.task], f"{facts.genes:,}", f"*{quoted:.2f}*", gcn, ours,
                 _verdict(ours, quoted), with_cc, _verdict(with_cc, quoted))
            )  # fmt: skip
    header = (
        "task", "genes", "GCN, published", "GCN, here", "ours", "published figure",
        "ours with CC", "published figure (CC)",
    )  # fmt: skip
    return table(header, rows)


def _baseline_verdicts(figures: Figures) -> Table:
    """Return ours on GO+PPI without CC beside the best plain baseline of each task."""
    rows = []
    for gain in figures.over_baseline(HEADLINE):
        ours, other = figures.both(gain)
        best = f"{gain.than} ({figures.condition(gain['than_condition']).edges})"
        rows.append((NAMES[gain["task"]], best, other, ours, signed(gain), gain.verdict))
    return table(("task", "best plain baseline", "its value", "ours", "gain", "verdict"), rows)


def _gains_by_graph(figures: Figures) -> Table:
    """Return the gain of ours over the best plain baseline, a column per graph."""
    gains = Scores(
        gain
        for condition in figures.edges
        if not condition.rewired and condition.graph
        for gain in figures.over_baseline(condition)
    )
    return _by_task(figures, gains, "condition", "Gain over the best plain baseline by graph")


def _network_gains(figures: Figures) -> Table:
    """Return how far ours is ahead of each network on GO+PPI without CC."""
    networks = figures.scores.where(role="network").values("predictor")
    here = {"condition": HEADLINE.name, "than_condition": HEADLINE.name}
    gains = figures.scores.where(than=networks, predictor=OURS, **here)
    caption = "Gain over graph networks on GO+PPI without CC, same folds"
    return _by_task(figures, gains, "than", caption, networks)


def _by_task(
    figures: Figures, gains: Scores, columns: str, caption: str, order: list[str] | None = None
) -> Table:
    """Return gains with a row per task, in the order of the tasks."""
    tasks = [facts.task for facts in figures.facts.tasks]
    ordered = sorted(gains, key=lambda gain: tasks.index(gain["task"]))
    told = pivot(
        Scores(ordered),
        "task",
        columns,
        judged,
        order=order or gains.values(columns),
        names=lambda name: figures.condition(name).edges if columns == "condition" else name,
        caption=caption,
    )
    named = tuple((NAMES[task], *cells) for task, *cells in told.rows)  # type: ignore[index]
    return Table(told.header, named, told.caption)


def _contrast(figures: Figures, one: Condition, other: Condition) -> Table:
    """Return the gain of each predictor from one condition over another, a row per task."""
    gains = [
        gain
        for gain in figures.scores.where(condition=one.name, than_condition=other.name).gains
        if gain.predictor == gain.than
    ]
    found = {(gain["task"], gain.predictor): gain for gain in gains}
    names = list(dict.fromkeys(name for _, name in found))
    rows = []
    for facts in figures.facts.tasks if found else ():
        cells: list[object] = []
        for name in names:
            cells += [figures.value(facts, other, name), judged(found.get((facts.task, name)))]
        rows.append((NAMES[facts.task], *cells))
    header = (cell for name in names for cell in (f"{name}, {other.edges}", "gain"))
    return table(("task", *header), rows)


def _masking(figures: Figures) -> Table:
    """Return each predictor's value by the share of hidden texts, and how far it falls."""
    shares = sorted({condition.hidden for condition in figures.facts.conditions})
    falls = {
        (gain["task"], gain["condition"], gain.predictor): gain
        for gain in figures.scores.gains
        if gain.predictor == gain.than
        and figures.condition(gain["condition"]).hidden
        and not figures.condition(gain["than_condition"]).hidden
    }
    rows = []
    for facts in figures.facts.tasks:
        for condition, name in figures.masked(facts.task):
            hidden = [condition.model_copy(update={"hidden": share}) for share in shares]
            last = (facts.task, hidden[-1].name, name)
            rows.append(
                (
                    NAMES[facts.task],
                    condition.edges,
                    name,
                    *(figures.value(facts, one, name) for one in hidden),
                    signed(falls.get(last)),
                    shown(figures.found.get((*last, "genes without text"))),
                )
            )
    most = f"{shares[-1]:.0%}" if shares else ""
    header = (
        "task", "graph", "predictor", *(f"{share:.0%} hidden" for share in shares),
        f"change at {most}", f"genes without text at {most}",
    )  # fmt: skip
    return table(header, rows)


def _studied(figures: Figures) -> Table:
    """Return the less and the well studied half of each task, and the gap."""
    measures = ("less studied", "well studied", "gap")
    told = pivot(
        figures.scores.where(measure=measures),
        ("task", "by", "predictor"),
        "measure",
        lambda one: signed(one) if one.measure == "gap" else str(one),
    )
    rows = tuple((NAMES[task], *cells) for task, *cells in told.rows)  # type: ignore[index]
    return Table(("task", "by", "predictor", *measures), rows)


def _neighbourhoods(facts: Facts) -> Table:
    """Return how alike neighbours are before and after message passing."""
    rows = (
        (
            NAMES[one.task],
            f"{one.genes:,}",
            one.space,
            f"{one.same_label:.2f} ({one.label_by_chance:.2f})",
            f"{one.pathway} (odds x {one.odds:.1f} in {one.enriched_in})" if one.pathway else "",
            f"{one.same_pathway:.2f} ({one.pathway_by_chance:.2f})" if one.pathway else "",
        )
        for one in facts.neighbourhoods
    )
    header = ("task", "genes", "vectors", "same label (chance)", "pathway",
              "same pathway (chance)")  # fmt: skip
    return table(header, rows)


def _scores(figures: Figures, facts: TaskFacts, measure: str, caption: str) -> Table:
    """Return every predictor of a task, a column per graph and one with same texts together."""
    mine = figures.scores.plain.where(task=facts.task, measure=measure)
    told = [one for one in mine if not figures.condition(one["condition"]).hidden]
    together = {one.predictor: one for one in told if figures.condition(one["condition"]).together}
    found = {(one.predictor, one["condition"]): one for one in told}
    rows = []
    for name in dict.fromkeys(one.predictor for one in told):
        cells = [found.get((name, condition.name)) for condition in figures.edges]
        rows.append((name, *cells, *([together.get(name)] if together else ())))
    last = ("same texts together",) if together else ()
    header = ("predictor", *(condition.edges for condition in figures.edges), *last)
    return table(header, rows, caption)


def _published(facts: Facts) -> Table:
    """Return what others published, as quoted, best first within a task."""
    rows = []
    for one in facts.tasks:
        quoted = [("GCN on PPI+GO with CC (Genen)", PUBLISHED_GCN[one.task])]
        quoted += PUBLISHED_TEXT.get(one.task, {}).items()
        quoted += [(f"{q.model} ({q.source})", q.value) for q in facts.quoted if q.task == one.task]
        for name, value in sorted(quoted, key=lambda pair: -pair[1]):
            rows.append((NAMES[one.task], f"*{name}*", f"{value:.3g}"))
    return table(("task", "predictor", "AUC"), rows)


def _tasks(facts: Facts) -> Table:
    """Return what the tasks are."""
    rows = (
        (
            NAMES[one.task],
            one.title,
            one.kind,
            f"{one.genes:,}",
            ", ".join(f"{name} {size:,}" for name, size in one.classes.items()),
        )
        for one in facts.tasks
    )
    return table(("task", "what is predicted", "labels", "genes", "classes"), rows)


BENCHMARK = Benchmark("genen", page, summary, plots.drawn)
