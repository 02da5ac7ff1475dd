"""What the page of an evaluation of gene embeddings says."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from evals.genes.schema import GROUPS, RANKED, Absent, Metrics, TaskScore
from evals.harness.resampling import Estimate
from evals.perturbqa.report import Table

HOW = (
    "The protocol of gene-benchmark (Kan-Tor et al., arXiv 2412.04075; scripts of "
    "BiomedSciAI/gene-benchmark): scikit-learn's logistic regression with its default penalty on "
    "the vectors as they are, linear regression for values, five folds over genes. AUC; weighted "
    "one against the rest for several classes; Pearson for values. An interval is 95 % by "
    "Student's t over the five folds, widened for their shared training genes (Nadeau and Bengio, "
    "2003); published figures get theirs from their published folds in the same way. Embeddings "
    "that are compared are scored on the genes that all of them have, in the same folds. Nothing "
    "is chosen on these labels."
)
LABELS = (
    "Labels: *benchmark* from the benchmark's own source (of Genecorpus the mirror has LitGene's "
    "copy, which lacks some genes), *near* by the benchmark's definition from another release, "
    "*additional* not in the benchmark. The benchmark's task of Lys4-only genes is made of "
    "Geneformer's file of bivalent and Lys4-only genes, whatever its name says. Published figures "
    "are on genes that nine models share and in folds of their own: they are no paired comparison."
)
HARD = (
    "The published AUC of tasks with several labels is of yes-or-no decisions at one half, not of "
    "probabilities (`make_scorer(roc_auc_score)` in `scripts/run_task.py`), so it measures mostly "
    "how bold a model is. The tables above have it as published; this is the AUC."
)
CAUTION = (
    "To be read with: a text may say the answer (the name of an HLA gene has its class, summaries "
    "tell pathways and places); 365 zinc fingers and 341 olfactory receptors share one text, also "
    "between folds; GO annotations, which genen is made with, were partly curated with Reactome "
    "and HPA."
)
MEANS = (
    "Mean AUC over the tasks that have both labels here and published scores, by the benchmark's "
    "groups; best first. Then in how many of these tasks it is above the median, and above the "
    "best, of the other published models."
)
DERIVED = (
    "Single classes of tasks with several labels, each against the rest; the benchmark lists these "
    "tasks and published no scores of them."
)


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the section of a run.

    Args:
        record: `metrics`, `config` and `timing` of the run folder.
    """
    metrics = Metrics.model_validate(record["metrics"])
    settings, timing = record["config"]["settings"], record["timing"]
    total = sum(timing["seconds"].values())
    parts = [
        "## Gene embeddings: gene-benchmark",
        HOW,
        LABELS,
        f"Seed {settings['seed']}, {settings['folds']} folds, commit "
        f"`{record['config']['commit'][:10]}`. Time: {total / 60:,.0f} min; peak memory "
        f"{timing['peak_memory_mib']:,.0f} MiB.",
        coverage_table(metrics).markdown(),
        "### Against published models",
        MEANS,
        means_table(metrics).markdown(),
        CAUTION,
        *_groups(metrics),
    ]
    if (ranked := ranked_table(metrics)).rows:
        parts += ["### Several labels, by probabilities", HARD, ranked.markdown()]
    parts += ["### Published scores", published_table(metrics).markdown()]
    if (derived := derived_table(metrics)).rows:
        parts += ["### Derived tasks", DERIVED, derived.markdown()]
    parts += ["### Not scored here", absent_table(metrics).markdown()]
    return "\n\n".join(parts)


def summary(metrics: Metrics) -> str:
    """Return what a terminal shows: coverage, means beside published models, and every task."""
    parts = [
        coverage_table(metrics).markdown(),
        MEANS,
        means_table(metrics).markdown(),
        *_groups(metrics),
    ]
    if metrics.skipped:
        parts.append("Skipped: " + "; ".join(f"{one.task}: {one.why}" for one in metrics.skipped))
    return "\n\n".join(parts)


def coverage_table(metrics: Metrics) -> Table:
    """Return what each embedding is, and of how many genes."""
    rows = [
        (
            one.name,
            one.note,
            f"{one.dimensions:,}",
            f"{one.genes:,}",
            f"{one.lacking:,}",
            f"{one.unknown:,}",
            f"{one.repeated:,}",
        )
        for one in metrics.embeddings
    ]
    header = (
        "embedding", "made of", "dimensions", "genes", "labelled genes it lacks",
        "rows of no gene of today", "rows averaged with another",
    )  # fmt: skip
    return Table(header, tuple(rows))


def means_table(metrics: Metrics) -> Table:
    """Return the mean headline AUC of ours and of published models over tasks that both have."""
    published = {(one.task, one.model): one.value.value for one in metrics.published}
    models = dict.fromkeys(one.model for one in metrics.published)
    ours = {(one.task, one.embedding): one.headline.value for one in metrics.scores}
    group = {
        one.task: one.group
        for one in metrics.scores
        if all((one.task, model) in published for model in models)
    }
    groups = [name for name in GROUPS if name in group.values()]
    sizes = [sum(of == name for of in group.values()) for name in groups]
    values = {
        **{f"*{model}*": {task: published[task, model] for task in group} for model in models},
        **{
            f"**{one.name}**": {task: ours[task, one.name] for task in group}
            for one in metrics.embeddings
        },
    }
    if not group:
        return Table(("embedding", "all (0)"), ())
    mean = {name: sum(found.values()) / len(found) for name, found in values.items()}
    rows = []
    for name in sorted(values, key=lambda one: -mean[one]):
        cells = [
            sum(v for task, v in values[name].items() if group[task] == one) / size
            for one, size in zip(groups, sizes, strict=True)
        ]
        others = [
            sorted(published[task, model] for model in models if name != f"*{model}*")
            for task in group
        ]
        mine = list(values[name].values())
        above = (
            sum(v > median(those) for v, those in zip(mine, others, strict=True)),
            sum(v > those[-1] for v, those in zip(mine, others, strict=True)),
        )
        figures = (f"{cell:.3f}" for cell in (*cells, mean[name]))
        rows.append((name, *figures, *(str(count) for count in above)))
    header = [f"{name} ({size})" for name, size in zip(groups, sizes, strict=True)]
    counts = ("above the median", "above the best")
    return Table(("embedding", *header, f"all ({len(group)})", *counts), tuple(rows))


def group_table(metrics: Metrics, scores: Sequence[TaskScore]) -> Table:
    """Return the tasks of `scores`: ours, and the best and the median of what was published."""
    names = [one.name for one in metrics.embeddings]
    found = {(one.task, one.embedding): one for one in scores}
    rows = []
    for task in dict.fromkeys(one.task for one in scores):
        mine = [found[task, name] for name in names if (task, name) in found]
        others = sorted(
            (one for one in metrics.published if one.task == task), key=lambda o: -o.value.value
        )
        best = f"{others[0].model} {others[0].value}" if others else ""
        middle = f"{others[len(others) // 2].value.value:.3f}" if others else ""
        size = f" ({mine[0].published_genes:,})" if mine[0].published_genes else ""
        rows.append(
            (
                task,
                f"{mine[0].origin}: {mine[0].source}",
                f"{mine[0].genes:,}{size}",
                *(str(one.headline) for one in mine),
                *(_signed(one.ahead) for one in mine[1:]),
                best,
                middle,
            )
        )
    ahead = [f"{name} - {names[0]}" for name in names[1:]]
    header = (
        "task", "labels", "genes (published)", *names, *ahead, "best published",
        "median published",
    )  # fmt: skip
    return Table(header, tuple(rows))


def ranked_table(metrics: Metrics) -> Table:
    """Return the AUC by probabilities of the tasks with several labels."""
    names = [one.name for one in metrics.embeddings]
    found = {(s.task, s.embedding): s.scores[RANKED] for s in metrics.scores if RANKED in s.scores}
    rows = [
        (task, *(str(found[task, name]) for name in names))
        for task in dict.fromkeys(task for task, _ in found)
    ]
    return Table(("task", *names), tuple(rows))


def published_table(metrics: Metrics) -> Table:
    """Return the published scores of every model on the tasks that are scored here."""
    here = dict.fromkeys(one.task for one in metrics.scores)
    models = dict.fromkeys(one.model for one in metrics.published)
    found = {(one.task, one.model): one.value for one in metrics.published}
    rows = [
        (task, *(str(found[task, model]) for model in models))
        for task in here
        if all((task, model) in found for model in models)
    ]
    return Table(("task", *(f"*{model}*" for model in models)), tuple(rows))


def derived_table(metrics: Metrics) -> Table:
    """Return the scores of single classes."""
    names = [one.name for one in metrics.embeddings]
    scores = [one for one in metrics.scores if one.derived]
    found = {(one.task, one.embedding): one for one in scores}
    rows = [
        (
            task.replace(";", ": "),
            f"{found[task, names[0]].genes:,}",
            *(str(found[task, name].headline) for name in names),
        )
        for task in dict.fromkeys(one.task for one in scores)
    ]
    return Table(("task", "genes", *names), tuple(rows))


def absent_table(metrics: Metrics) -> Table:
    """Return the benchmark's tasks that are left out, together where the reason is one."""
    reasons: dict[str, list[str]] = {}
    for one in (*metrics.absent, *metrics.skipped):
        reasons.setdefault(one.why, []).append(_named(one))
    rows = [(why, str(len(names)), "; ".join(names)) for why, names in reasons.items()]
    return Table(("why", "tasks", "which"), tuple(rows))


def _groups(metrics: Metrics) -> Iterator[str]:
    for group in GROUPS:
        scores = [one for one in metrics.scores if one.group == group and not one.derived]
        if scores:
            yield f"### {group}"
            yield group_table(metrics, scores).markdown()


def _named(one: Absent) -> str:
    return f"{one.task} (and {one.derived} derived from it)" if one.derived else one.task


def _signed(gain: Estimate | None) -> str:
    return "" if gain is None else f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
