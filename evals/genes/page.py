"""What the page of an evaluation of gene embeddings says."""

from collections.abc import Iterator
from statistics import median

from evals.genes.facts import GROUPS, RANKED, Absent, Facts, TaskFacts
from evals.genes.published import PUBLISHED
from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.resampling import Resampler
from evals.harness.scores import Results, Score, Scores
from evals.harness.tables import Table, pivot, shown, signed, table

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
PROTEINS = (
    "Only genes whose protein is at hand, some third of all and the better studied ones, so that "
    "figures are to be compared with each other and not with the page above. UniRep (Alley et al. "
    "2019) is CC BY-NC 4.0: it is named by whoever may use it, and nothing that is shipped was "
    "made with it."
)
LEAKS = "HLA class I vs class II"
"""The texts of its 21 genes name the class: an AUC of 1 there is reading, not knowing."""
MEANS = (
    "Mean AUC over the tasks that have both labels here and published scores, by the benchmark's "
    f"groups; best first. *{LEAKS}* is left out, as the texts of its 21 genes name the class; the "
    "mean with it is the last column. 95 % intervals resample tasks: what lies within another's "
    "interval has no rank of its own. Then in how many of these tasks it is above the median, and "
    "above the best, of the other published models."
)
DRAWS = 2000
DERIVED = (
    "Single classes of tasks with several labels, each against the rest; the benchmark lists these "
    "tasks and published no scores of them."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    return _page(record, "Gene embeddings: gene-benchmark", LABELS, beside_published=True)


def page_of_proteins(record: Record) -> Page:
    """Return the page of a run that compares a protein language model too."""
    title = "Gene embeddings, with a protein language model"
    return _page(record, title, PROTEINS, beside_published=False)


def _page(record: Record, title: str, told: str, *, beside_published: bool) -> Page:
    made = record.made(f"{record.settings['folds']} folds")
    sections = tuple(_sections(record.results, beside_published=beside_published))
    return Page(title, (HOW, told), made, sections)


def summary(results: Results) -> str:
    """Return what a terminal shows: coverage, means beside published models, and every task."""
    facts = results.about(Facts)
    first = Section("", "", (_coverage(facts),))
    means = Section("", MEANS, (_means(results),))
    parts = [text for one in (first, means, *_groups(results)) for text in one.markdown()]
    if facts.skipped:
        parts.append("Skipped: " + "; ".join(f"{one.task}: {one.why}" for one in facts.skipped))
    return "\n\n".join(parts)


def _sections(results: Results, *, beside_published: bool) -> Iterator[Section]:
    facts, scores = results.about(Facts), results.scores
    names = [one.name for one in facts.embeddings]
    yield Section("", "", (_coverage(facts),))
    if beside_published:
        yield Section("Against published models", MEANS, (_means(results),))
    yield Section("", CAUTION)
    yield from _groups(results)
    ranked = pivot(scores.where(measure=RANKED), "task", "predictor", order=names)
    if ranked.rows:
        yield Section("Several labels, by probabilities", HARD, (ranked,))
    if beside_published:
        yield Section("Published scores", "", (_published(facts, scores),))
    if (derived := _derived(facts, scores)).rows:
        yield Section("Derived tasks", DERIVED, (derived,))
    yield Section("Not scored here", "", (_absent(facts),))


def _groups(results: Results) -> Iterator[Section]:
    facts = results.about(Facts)
    for group in GROUPS:
        tasks = [one for one in facts.tasks if one.group == group and not one.derived]
        if tasks:
            yield Section(group, "", (_group(facts, results.scores, tasks),))


def _coverage(facts: Facts) -> Table:
    """Return what each embedding is, and of how many genes."""
    rows = (
        (
            one.name,
            one.note,
            f"{one.dimensions:,}",
            f"{one.genes:,}",
            f"{one.lacking:,}",
            f"{one.unknown:,}",
            f"{one.repeated:,}",
        )
        for one in facts.embeddings
    )
    header = (
        "embedding", "made of", "dimensions", "genes", "labelled genes it lacks",
        "rows of no gene of today", "rows averaged with another",
    )  # fmt: skip
    return table(header, rows)


def _ours(facts: Facts, scores: Scores) -> dict[tuple[str, str], Score]:
    """Return the headline score of each task and embedding."""
    found = scores.plain.by("task", "predictor", "measure")
    return {
        (task.task, one.name): found[task.task, one.name, task.headline]
        for task in facts.tasks
        for one in facts.embeddings
        if (task.task, one.name, task.headline) in found
    }


def _means(results: Results) -> Table:
    """Return the mean headline AUC of ours and of published models over tasks that both have."""
    facts, scores = results.about(Facts), results.scores
    every = scores.where(role=PUBLISHED)
    published = {key: one.value.value for key, one in every.by("task", "predictor").items()}
    models = every.values("predictor")
    ours = {key: one.value.value for key, one in _ours(facts, scores).items()}
    every_task = {
        one.task: one.group
        for one in facts.tasks
        if all((one.task, model) in published for model in models)
    }
    group = {task: of for task, of in every_task.items() if task != LEAKS}
    groups = [name for name in GROUPS if name in group.values()]
    sizes = [sum(of == name for of in group.values()) for name in groups]
    values = {
        **{f"*{model}*": {task: published[task, model] for task in every_task} for model in models},
        **{
            f"**{one.name}**": {task: ours[task, one.name] for task in every_task}
            for one in facts.embeddings
        },
    }
    if not group:
        return Table(("embedding", "all (0)"), ())
    tasks = Resampler(group, 0, DRAWS)
    mean = {
        name: tasks.mean(list(group), [found[task] for task in group])
        for name, found in values.items()
    }
    rows = []
    for name in sorted(values, key=lambda one: -mean[one].value):
        cells = [
            sum(values[name][task] for task, of in group.items() if of == one) / size
            for one, size in zip(groups, sizes, strict=True)
        ]
        others = [
            sorted(published[task, model] for model in models if name != f"*{model}*")
            for task in group
        ]
        mine = [values[name][task] for task in group]
        above = (
            sum(v > median(those) for v, those in zip(mine, others, strict=True)),
            sum(v > those[-1] for v, those in zip(mine, others, strict=True)),
        )
        figures = (f"{cell:.3f}" for cell in cells)
        whole = sum(values[name].values()) / len(every_task)
        told = (str(mean[name].estimate()), *(str(count) for count in above), f"{whole:.3f}")
        rows.append((name, *figures, *told))
    header = [f"{name} ({size})" for name, size in zip(groups, sizes, strict=True)]
    counts = ("above the median", "above the best", f"with {LEAKS}")
    return Table(("embedding", *header, f"all ({len(group)})", *counts), tuple(rows))


def _group(facts: Facts, scores: Scores, tasks: list[TaskFacts]) -> Table:
    """Return the scores of some tasks: ours, and the best and the median of what was published."""
    names = [one.name for one in facts.embeddings]
    ours = _ours(facts, scores)
    gains = {(one["task"], one.predictor): one for one in scores.gains}
    published = scores.where(role=PUBLISHED)
    rows = []
    for one in tasks:
        others = sorted(published.where(task=one.task), key=lambda o: -o.value.value)
        best = f"{others[0].predictor} {others[0]}" if others else ""
        middle = f"{others[len(others) // 2].value.value:.3f}" if others else ""
        size = f" ({one.published_genes:,})" if one.published_genes else ""
        rows.append(
            (
                one.task,
                f"{one.origin}: {one.source}",
                f"{one.genes:,}{size}",
                *(shown(ours.get((one.task, name))) for name in names),
                *(signed(gains.get((one.task, name))) for name in names[1:]),
                best,
                middle,
            )
        )
    ahead = [f"{name} - {names[0]}" for name in names[1:]]
    header = (
        "task", "labels", "genes (published)", *names, *ahead, "best published",
        "median published",
    )  # fmt: skip
    return table(header, rows)


def _published(facts: Facts, scores: Scores) -> Table:
    """Return the published scores of every model on the tasks that are scored here."""
    every = scores.where(role=PUBLISHED)
    models, found = every.values("predictor"), every.by("task", "predictor")
    rows = (
        (one.task, *(found[one.task, model] for model in models))
        for one in facts.tasks
        if all((one.task, model) in found for model in models)
    )
    return table(("task", *(f"*{model}*" for model in models)), rows)


def _derived(facts: Facts, scores: Scores) -> Table:
    """Return the scores of single classes."""
    names, ours = [one.name for one in facts.embeddings], _ours(facts, scores)
    rows = (
        (one.task.replace(";", ": "), f"{one.genes:,}", *(ours[one.task, name] for name in names))
        for one in facts.tasks
        if one.derived
    )
    return table(("task", "genes", *names), rows)


def _absent(facts: Facts) -> Table:
    """Return the benchmark's tasks that are left out, together where the reason is one."""
    reasons: dict[str, list[str]] = {}
    for one in (*facts.absent, *facts.skipped):
        reasons.setdefault(one.why, []).append(_named(one))
    rows = ((why, len(names), "; ".join(names)) for why, names in reasons.items())
    return table(("why", "tasks", "which"), rows)


def _named(one: Absent) -> str:
    return f"{one.task} (and {one.derived} derived from it)" if one.derived else one.task


BENCHMARK = Benchmark("genes", page, summary)
WITH_UNIREP = Benchmark("genes-unirep", page_of_proteins, summary)
