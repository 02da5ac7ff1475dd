"""What the page of an evaluation of expression responses says."""

from collections.abc import Iterator, Mapping
from typing import Any

from evals.expression.schema import ANSWERS, MEASURES, RATIOS, Measure, Metrics, Score
from evals.harness.resampling import Estimate
from evals.perturbqa.report import Table
from evals.published import PUBLISHED_L2
from models.expression.choice import TASKS, Task

HOW = (
    "Every perturbation is predicted by a model that was fitted without it: unseen single genes "
    "by cross-validation over genes (no perturbation that contains a held-out gene is trained on), "
    "unseen doubles by cross-validation over doubles whose single genes are measured. Means over "
    "held-out perturbations with 95 % intervals: bootstrap resamples of whole perturbations, "
    "shared by everything that is compared. L2 and Pearson are over the 1,000 most expressed "
    "readouts, or all where there are fewer; direction is the share of right signs among the "
    "fifty (or a fifth) most changed; discrimination is the share of the context's other measured "
    "responses that are farther from the prediction than the right one (0.5 by chance); energy "
    "distance is between control cells moved by the prediction and the real ones. Where a "
    "predictor has no answer the training mean stands in; those are counted. The perturbed genes' "
    "own transcripts are left out. All settings are chosen within the training rows, but the form "
    "of our models is not: the families of knowledge and the pair correction of the kernel "
    "residual were settled by leave-one-out errors in norman-latent and papalexi, and the extended "
    "APP on norman-latent, so their figures there are a little flattering. Responses of Replogle "
    "are signs (-1, 0, 1) and those of norman-latent are coordinates made from distances between "
    "all of its perturbations, the held-out ones too; distances are to be compared within a "
    "context alone."
)
AGAINST = (
    "Against the baseline that turned out best by the same measure on the same perturbations, "
    "which favours the baseline. Better or worse: the 95 % interval of the gain excludes zero. "
    "Gains in L2 are shares of the baseline's distance, others are differences."
)
INTERACTIONS = (
    "Norman doubles held out, ranked within folds. Synergy (magnitude above 1) against buffering, "
    "and doubles that the sum of their singles fits worse than it fits the median double, both by "
    "Norman's own statistics in gene space. The last row ranks by the measured double in the 50 "
    "latent coordinates, about the most that a prediction of those can reach. Sums tie by "
    "construction."
)
ANCHORS = (
    "Published mean L2 over the 1,000 most expressed genes on the full data sets, which are not "
    "in the mirror (Ahlmann-Eltze, Huber and Anders, 2025; read off the preprint's figures). "
    "Quoted for orientation, in units and on perturbations other than ours."
)
OURS = ("ours",)
VERDICTS = ("better", "level", "worse")


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the section of a run.

    Args:
        record: `metrics`, `config` and `timing` of the run folder.
    """
    metrics = Metrics.model_validate(record["metrics"])
    settings, timing = record["config"]["settings"], record["timing"]
    total = sum(timing["seconds"].values())
    parts = [
        "## Expression responses",
        HOW,
        f"Seed {settings['seed']}, {settings['folds']} folds, commit "
        f"`{record['config']['commit'][:10]}`. Time: {total / 60:,.0f} min; peak memory "
        f"{timing['peak_memory_mib']:,.0f} MiB.",
        "### Against the best baseline",
        AGAINST,
        verdict_table(metrics).markdown(),
        ahead_table(metrics).markdown(),
        *_overviews(metrics),
        *_contexts(metrics),
    ]
    if metrics.interactions:
        parts += ["### Genetic interactions", INTERACTIONS, interaction_table(metrics).markdown()]
    parts += ["### Published elsewhere", ANCHORS, published_table().markdown()]
    return "\n\n".join(parts)


def summary(metrics: Metrics) -> str:
    """Return what a terminal shows: distances of all predictors, and who is ahead."""
    return "\n\n".join(
        [
            *_overviews(metrics),
            "Against the best baseline",
            verdict_table(metrics).markdown(),
            ahead_table(metrics).markdown(),
        ]
    )


def verdict_table(metrics: Metrics) -> Table:
    """Return in how many contexts and tasks ours are better, level and worse, by measure."""
    scores = [one for one in metrics.scores if one.role in OURS and one.verdict]
    rows = []
    for name in dict.fromkeys(one.predictor for one in scores):
        cells = [name]
        for measure in MEASURES:
            mine = [s.verdict for s in scores if (s.predictor, s.measure) == (name, measure)]
            cells.append(", ".join(f"{mine.count(word)} {word}" for word in VERDICTS))
        rows.append(tuple(cells))
    return Table(("contexts and tasks", *MEASURES.values()), tuple(rows))


def ahead_table(metrics: Metrics) -> Table:
    """Return per context and task what ours gain over the best baseline, and the verdict."""
    scores = [one for one in metrics.scores if one.role in OURS]
    names = dict.fromkeys(one.predictor for one in scores)
    found = {(s.context, s.task, s.measure, s.predictor): s for s in scores}
    rows = []
    for context, task, measure in dict.fromkeys((s.context, s.task, s.measure) for s in scores):
        mine = [found.get((context, task, measure, name)) for name in names]
        first = next(one for one in mine if one is not None)
        rows.append(
            (
                context,
                ANSWERS[task],
                str(first.value.n),
                MEASURES[measure],
                first.best_baseline,
                *(_gain(one) for one in mine),
            )
        )
    header = ("context", "task", "n", "measure", "best baseline", *names)
    return Table(header, tuple(rows))


def overview_table(metrics: Metrics, task: Task) -> Table:
    """Return the ratio of every predictor's L2 to that of no change, a column per context."""
    scores = [s for s in metrics.scores if s.task == task and s.measure == "l2"]
    contexts = dict.fromkeys(s.context for s in scores)
    found = {(s.predictor, s.context): s.to_no_change for s in scores}
    rows = [
        (name, *(_plain(found.get((name, context))) for context in contexts))
        for name in dict.fromkeys(s.predictor for s in scores)
    ]
    return Table(("predictor", *contexts), tuple(rows))


def context_table(metrics: Metrics, context: str, task: Task) -> Table:
    """Return every predictor's measures on one context and task, distances as ratios too."""
    scores = [s for s in metrics.scores if s.context == context and s.task == task]
    measures: dict[Measure, None] = dict.fromkeys(s.measure for s in scores)
    found = {(s.predictor, s.measure): s for s in scores}
    reference = "additive" if task == "doubles" else "best linear"
    header = ["predictor"]
    for measure in measures:
        header.append(MEASURES[measure])
        if measure in RATIOS:
            header += ["to no change", f"to {reference}"]
    rows = []
    for name in dict.fromkeys(s.predictor for s in scores):
        counts = [s.unanswered for s in scores if s.predictor == name]
        cells = [f"{name} ({counts[0]} without an answer)" if counts[0] else name]
        for measure in measures:
            one = found.get((name, measure))
            cells.append("" if one is None else str(one.value))
            if measure in RATIOS:
                cells += ("", "") if one is None else _ratios(one)
        rows.append(tuple(cells))
    return Table(tuple(header), tuple(rows))


def interaction_table(metrics: Metrics) -> Table:
    """Return how well predicted doubles call interactions."""
    rows = [(one.predictor, str(one.synergy), str(one.misfit)) for one in metrics.interactions]
    doubles = metrics.interactions[0].synergy.n
    header = (f"AUROC over {doubles} doubles", "synergy or buffering", "not a sum")
    return Table(header, tuple(rows))


def published_table() -> Table:
    """Return what others published, as quoted."""
    columns = dict.fromkeys(column for values in PUBLISHED_L2.values() for column in values)
    rows = [
        (f"*{name}*", *(f"{values[c]:.3f}" if c in values else "" for c in columns))
        for name, values in PUBLISHED_L2.items()
    ]
    return Table(("predictor", *columns), tuple(rows))


def _overviews(metrics: Metrics) -> Iterator[str]:
    for task in TASKS:
        table = overview_table(metrics, task)
        if table.rows:
            yield f"**{ANSWERS[task].capitalize()}: L2 as a ratio to no change**"
            yield table.markdown()


def _contexts(metrics: Metrics) -> Iterator[str]:
    for context, task in dict.fromkeys((s.context, s.task) for s in metrics.scores):
        n = max(s.value.n for s in metrics.scores if (s.context, s.task) == (context, task))
        yield f"### {context}: {ANSWERS[task]} ({n})"
        yield context_table(metrics, context, task).markdown()


def _gain(score: Score | None) -> str:
    if score is None or score.ahead is None:
        return ""
    one = score.ahead
    if score.measure in RATIOS:
        gain = f"{one.value:+.1%} [{one.low:+.1%}, {one.high:+.1%}]"
    else:
        gain = f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
    return f"{gain} {score.verdict}"


def _ratios(score: Score) -> tuple[str, str]:
    other = score.to_additive if score.task == "doubles" else score.to_linear
    return _plain(score.to_no_change), _plain(other)


def _plain(value: Estimate | None) -> str:
    return "" if value is None else str(value)
