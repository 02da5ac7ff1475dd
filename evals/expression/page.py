"""What the page of an evaluation of expression responses says."""

from collections.abc import Iterator

from evals.expression.published import PUBLISHED_L2
from evals.expression.score import MEASURES
from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Gain, Results, Scores, Verdict
from evals.harness.tables import Table, judged, percent, pivot, table
from models.expression.choice import TASKS, Task

ANSWERS: dict[Task, str] = {"singles": "unseen single genes", "doubles": "unseen doubles"}
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
LEFT_OUT = (
    "GEARS itself is left out of the tables above. Trained as its authors train it, from all cells "
    "for 20 epochs, an epoch of one fold takes minutes of one core, and five folds were not run. "
    "On panels this small its schedule, which halves the rate of learning after each epoch, would "
    "also leave open whether it is undertrained or beaten: "
    "`python -m evals.expression.gears_curve` asks its own training perturbations, and "
    "`eval expression --gears` puts it into the tables."
)
VERDICTS: tuple[Verdict, ...] = ("better", "level", "worse")
NAMES = {name: str(measure) for name, measure in MEASURES.items()}


def page(record: Record) -> Page:
    """Return the page of a run."""
    made = record.made(f"{record.settings['folds']} folds")
    return Page("Expression responses", (HOW,), made, tuple(_sections(record.results.scores)))


def summary(results: Results) -> str:
    """Return what a terminal shows: distances of all predictors, and who is ahead."""
    ahead, *_ = _sections(results.scores)
    verdicts, gains, *overviews = ahead.tables
    told = Section(ahead.title, "", (*overviews, verdicts, gains))
    return "\n\n".join(told.tabled())


def _sections(scores: Scores) -> Iterator[Section]:
    overviews = (_overview(scores, task) for task in TASKS)
    tables = (_verdicts(scores), _ahead(scores), *overviews)
    yield Section("Against the best baseline", AGAINST, tables)
    for context, task in scores.plain.where(task=TASKS).by("context", "task"):
        mine = scores.where(context=context, task=task)
        n = max(one.value.n for one in mine.plain)
        yield Section(f"{context}: {ANSWERS[task]} ({n})", "", (_context(mine, task),))
    if found := scores.where(about="interactions"):
        doubles = found[0].value.n
        shown = pivot(found, "predictor", "measure")
        header = (f"AUROC over {doubles} doubles", "synergy or buffering", "not a sum")
        yield Section("Genetic interactions", INTERACTIONS, (Table(header, shown.rows),))
    left_out = "" if scores.find(predictor="GEARS") else f" {LEFT_OUT}"
    yield Section("Published elsewhere", ANCHORS + left_out, (_published(),))


def _verdicts(scores: Scores) -> Table:
    """Return in how many contexts and tasks ours are better, level and worse, by measure."""
    gains = scores.where(role="ours").gains
    rows = []
    for name in dict.fromkeys(gain.predictor for gain in gains):
        cells = [name]
        for measure in MEASURES:
            mine = [g.verdict for g in gains if (g.predictor, g.measure) == (name, measure)]
            cells.append(", ".join(f"{mine.count(word)} {word}" for word in VERDICTS))
        rows.append(cells)
    return table(("contexts and tasks", *NAMES.values()), rows)


def _ahead(scores: Scores) -> Table:
    """Return per context and task what ours gain over the best baseline, and the verdict."""
    ours = scores.where(role="ours", measure=tuple(MEASURES))
    names = ours.values("predictor")
    found = ours.by("context", "task", "measure", "predictor", "than")
    rows = []
    for context, task, measure in ours.by("context", "task", "measure"):
        gains = [
            one
            for name in names
            for one in ours.where(
                context=context, task=task, measure=measure, predictor=name
            ).gains[:1]
        ]
        by_name = {gain.predictor: gain for gain in gains}
        first = next(
            found[context, task, measure, name, ""]
            for name in names
            if (context, task, measure, name, "") in found
        )
        best = gains[0].than if gains else ""
        rows.append(
            (context, ANSWERS[task], first.value.n, NAMES[measure], best,
             *(_gain(by_name.get(name)) for name in names))
        )  # fmt: skip
    return table(("context", "task", "n", "measure", "best baseline", *names), rows)


def _overview(scores: Scores, task: Task) -> Table:
    """Return the ratio of every predictor's L2 to that of no change, a column per context."""
    told = scores.where(task=task, measure="l2 to no change")
    caption = f"{ANSWERS[task].capitalize()}: L2 as a ratio to no change"
    return pivot(told, "predictor", "context", caption=caption)


def _context(scores: Scores, task: Task) -> Table:
    """Return every predictor's measures on one context and task, distances as ratios too."""
    reference = "additive" if task == "doubles" else "linear"
    names = {"l2 to no change": "to no change", "l2 to linear": "to best linear",
             "l2 to additive": "to additive", **NAMES}  # fmt: skip
    order = [
        shown
        for measure in MEASURES
        if scores.find(measure=measure)
        for shown in (measure, f"{measure} to no change", f"{measure} to {reference}")
        if shown == measure or MEASURES[measure].relative
    ]
    told = pivot(
        scores.plain.where(measure=order), "predictor", "measure", order=order, names=names
    )
    unanswered = scores.where(measure="unanswered").by("predictor")
    rows = (
        (f"{name} ({count:.0f} without an answer)" if count else name, *cells)
        for name, *cells in told.rows
        for count in [unanswered[name,].value.value]
    )
    return table(told.header, rows)


def _published() -> Table:
    """Return what others published, as quoted."""
    columns = dict.fromkeys(column for values in PUBLISHED_L2.values() for column in values)
    rows = (
        (f"*{name}*", *(f"{values[c]:.3f}" if c in values else "" for c in columns))
        for name, values in PUBLISHED_L2.items()
    )
    return table(("predictor", *columns), rows)


def _gain(gain: Gain | None) -> str:
    if gain is None or not MEASURES[gain.measure].relative:
        return judged(gain)
    return f"{percent(gain, '+')} {gain.verdict}"


BENCHMARK = Benchmark("expression", page, summary)
