"""What the page of an evaluation of gene properties says, for Markdown and HTML."""

from collections.abc import Mapping
from typing import Any

from evals.genen.predictors import OURS, REWIRED
from evals.genen.published import ABSENT, PUBLISHED_GCN
from evals.genen.schema import (
    GRAPH_NAMES,
    HEADLINE,
    WITH_COMPARTMENT,
    Facts,
    Metrics,
)
from evals.genen.tables import (
    NAMES,
    baseline_verdicts,
    contrast_table,
    gains_by_graph,
    masking_table,
    neighbourhood_table,
    network_gains,
    over_baseline,
    published_table,
    published_verdicts,
    score_table,
    studied_table,
    task_table,
    verdict,
)
from evals.perturbqa.report import Section

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


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the section of a run on the scoreboard.

    Args:
        record: `metrics`, `config` and `timing` of the run folder.
    """
    metrics = Metrics.model_validate(record["metrics"])
    parts = ["## Gene properties", HOW, COMPARTMENT, made(record["config"], record["timing"])]
    for section in sections(metrics):
        parts += [f"### {section.title}", *([section.text] if section.text else ())]
        for caption, table in section.tables.items():
            if not table.rows:
                continue
            parts += [*([f"**{caption}**"] if caption else ()), table.markdown()]
    return "\n\n".join(parts)


def summary(metrics: Metrics) -> str:
    """Return what a terminal shows: ours beside the published GCN and the best baselines."""
    tables = (published_verdicts(metrics), baseline_verdicts(metrics), masking_table(metrics))
    return "\n\n".join(table.markdown() for table in tables if table.rows)


def made(config: Mapping[str, Any], timing: Mapping[str, Any]) -> str:
    """Return how a run was made and what it took."""
    settings, seconds = config["settings"], timing["seconds"]
    slowest = sorted(seconds.items(), key=lambda item: -item[1])[:4]
    told = ", ".join(f"{what} {spent / 60:.1f}" for what, spent in slowest)
    return (
        f"Seed {settings['seed']}, {settings['folds']} folds, commit `{config['commit'][:10]}`. "
        f"Time of all processes: {sum(seconds.values()) / 60:,.0f} min (most of it: {told}); peak "
        f"memory of one {timing['peak_memory_mib']:,.0f} MiB."
    )


def sections(metrics: Metrics) -> list[Section]:
    """Return the page in order; parts that were not measured are left out."""
    found = [
        Section(
            "Ours against the published GCN",
            f"{AGAINST_GCN} {_reached(metrics)}",
            {"": published_verdicts(metrics)},
            ("overview",),
        ),
        Section(
            "Ours against the best plain baseline",
            f"{AGAINST_BASELINES} {_counted(metrics)}",
            {
                "": baseline_verdicts(metrics),
                "Gain over the best plain baseline by graph": gains_by_graph(metrics),
                "Gain over graph networks on GO+PPI without CC, same folds": network_gains(metrics),
            },
        ),
        Section(
            "Whether edges mean anything",
            "Real edges against shuffled ones with the same degrees, GO+PPI without CC. What is "
            "left on shuffled edges is text and degree.",
            {"": contrast_table(metrics, HEADLINE, REWIRED)},
        ),
        Section("Hidden texts", MASKING, {"": masking_table(metrics)}, ("masking",)),
        Section("Less and well studied genes", STUDIED, {"": studied_table(metrics)}, ("studied",)),
        Section(
            "Before and after message passing",
            MAPS,
            {"": neighbourhood_table(metrics)},
            ("map-localisation", "map-solubility", "map-dosage-sensitivity"),
        ),
        *(_task(metrics, facts) for facts in metrics.tasks),
        Section("Published elsewhere", ABSENT, {"": published_table(metrics)}),
        Section("Tasks", "", {"": task_table(metrics)}),
    ]
    return [section for section in found if any(table.rows for table in section.tables.values())]


def _task(metrics: Metrics, facts: Facts) -> Section:
    measure = "Pearson's correlation" if facts.kind == "regression" else "AUROC"
    told = f"{facts.title.capitalize()}; {facts.genes:,} genes."
    if facts.compartment_answers:
        told += " Cellular components tell the answer: columns with CC are not the headline."
    tables = {measure: score_table(metrics, facts.task)}
    if facts.kind != "regression":
        tables["F1, mean of the classes"] = score_table(metrics, facts.task, f1=True)
    return Section(NAMES[facts.task].capitalize(), told, tables)


def _reached(metrics: Metrics) -> str:
    """Return in how many tasks the published figure is reached."""
    told = []
    for condition, what in ((HEADLINE, "without CC"), (WITH_COMPARTMENT, "with CC")):
        ours = [s for s in metrics.scores if (s.condition, s.predictor) == (condition, OURS)]
        reached = sum(verdict(s, PUBLISHED_GCN[s.task]) == "reached" for s in ours)
        if ours:
            told.append(f"{reached} of {len(ours)} tasks {what}")
    return f"Reached in {', '.join(told)}." if told else ""


def _counted(metrics: Metrics) -> str:
    gains = list(over_baseline(metrics, HEADLINE))
    if not gains:
        return ""
    verdicts = [gain.verdict for gain in gains]
    counts = ", ".join(f"{verdicts.count(w)} {w}" for w in ("better", "level", "worse"))
    above = sum(gain.gain.value >= 0 for gain in gains)
    return (
        f"On {GRAPH_NAMES['go+ppi']} without CC: {counts}; at least as high in {above} of "
        f"{len(gains)}."
    )
