"""What the page of an evaluation of answers about regulators says."""

from collections.abc import Mapping

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Score, Scores
from evals.harness.tables import Cell, Table, percent, pivot, signed, table
from evals.regulators.facts import Facts
from evals.regulators.predictors import (
    EDGES,
    FUSED,
    HELD_OUT,
    IN_SAMPLE,
    LINES_APART,
    PRIOR,
    in_order,
)
from evals.regulators.score import ALL, CONSENSUS, FEWEST, MEASURES, Measure, Task
from evals.regulators.truth import AGREEMENT, CLOSE, VOTES, Kind

HOW = (
    "What moved after the loss or gain of transcription factors and kinases in hundreds of studies "
    "of other cells (Enrichr's sets, CC BY-NC-SA), asked of the product as a knockout, or as an "
    "activation where gains are scored apart. The sets are noisy: two studies of one regulator "
    "agree in sign on little more than half of their genes, hence votes, the net number of studies "
    "that say up. An experiment that GEO has under two accessions votes once. A direction is the "
    "log-odds of P(up), averaged over the four lines; a readout that the product gives no number "
    f"for counts as zero. Within regulator: the mean over regulators with at least {FEWEST} genes "
    "each way of the AUROC of up against down among its genes. Within gene: the mean over genes of "
    "the AUROC across regulators, half for what is the same for all of them. Right sign: the share "
    "of pairs, half where nothing is said. "
    "95 % intervals by resampling whole regulators, shared by everything that is compared. The "
    "gene prior is the way a gene goes in the other regulators' sets."
)
# A mean over fewer regulators than these is not shown.
FEWEST_REGULATORS = 3
IN_SAMPLE_SAYS = (
    "The fused answer's weights were fitted on these very regulators: the honest row is the one "
    "with the regulator's fold left out of the fitting."
)
SHIPPED_SAYS = (
    "No held-out predictions were given (--held-out): where fusion was fitted on regulators, "
    "the fused answer is in sample here."
)
BY: Mapping[str, str] = {
    "class": "by class of the regulator",
    "ground": f"by whether the screens perturbed it, or a relative at least {CLOSE:g} alike to it",
    "studies": f"by whether its studies agree (on {AGREEMENT:.0%} of shared genes or more)",
    "edge": "by what says that it acts on the gene's transcript",
    "trusted": "by how far the direct edge is trusted",
}
KIND_NAMES: Mapping[Kind, str] = {"both": "loss and gain", "loss": "loss", "gain": "gain"}
TASK_NAMES: Mapping[Task, str] = {
    "de": "Changed against unchanged",
    "dir": "Up against down, of changed readouts",
}


def page(record: Record) -> Page:
    """Return the page of a run."""
    settings = record.settings
    made = record.made(
        f"{settings['draws']} resamples",
        f"regulators with at least {settings['least_votes']} net votes on a gene",
        stages=True,
    )
    return Page("Regulators", (HOW,), made, sections(record.results), ours=HELD_OUT)


def sections(results: Results) -> tuple[Section, ...]:
    """Return the page in order; parts that were not measured are left out."""
    scores = results.scores
    found = (
        _votes(results),
        _ahead(scores),
        _kinds(scores),
        _parts(scores),
        _edges(scores),
        _tested(scores),
        _textbook(scores),
        _listed(scores),
    )
    return tuple(one for one in found if one.told)


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    shown = (_votes(results), _textbook(results.scores), _listed(results.scores))
    parts = [text for one in shown if one.told for text in (one.title, *one.tabled())]
    return "\n\n".join(parts)


def _of(scores: Scores, kind: Kind = "both", by: str = ALL) -> Scores:
    return scores.where(about="pairs", kind=kind, by=by)


def _ordered(scores: Scores) -> Scores:
    """Return scores with predictors in the order of the page."""
    place = {name: number for number, name in enumerate(in_order(scores.values("predictor")))}
    return Scores(sorted(scores, key=lambda one: place[one.predictor]))


def _pairs(found: Scores, **where: int | str) -> str:
    """Return how many pairs there are at these votes or in this part."""
    one = found.find(measure="pairs", **where)
    return "" if one is None else f"{one.value.value:,.0f}"


def _counted(found: Scores, measure: Measure, **where: int | str) -> str:
    first = found.plain.find(measure=measure, **where)
    if first is None:
        return ""
    return f" ({_pairs(found, **where)} pairs, {first.value.n} regulators)"


def _enough(score: Score) -> str:
    few = score.measure == "within" and score.value.n < FEWEST_REGULATORS
    return "" if few else str(score)


def _by_votes(found: Scores, measure: Measure, caption: str) -> Table:
    return pivot(
        _ordered(found.plain.where(measure=measure)),
        "predictor",
        "votes",
        _enough,
        order=VOTES,
        names=lambda votes: f"{votes} votes or more{_counted(found, measure, votes=votes)}",
        caption=caption,
    )


def _votes(results: Results) -> Section:
    facts, found = results.about(Facts), _of(results.scores)
    return Section(
        "Direction of consensus genes, loss and gain together",
        f"{facts.regulators} regulators; the studies of {facts.agreeing} agree. "
        + (IN_SAMPLE_SAYS if facts.held_out else SHIPPED_SAYS),
        tuple(_by_votes(found, measure, name) for measure, name in MEASURES.items()),
    )


def _ahead(scores: Scores) -> Section:
    gains = _of(scores).where(measure="within", than=PRIOR)
    shown = Scores(one for one in gains if one.predictor not in LINES_APART)
    ahead = pivot(
        _ordered(shown),
        "predictor",
        "votes",
        signed,
        order=VOTES,
        names=lambda votes: f"{votes} votes or more",
        header="predictor minus gene prior",
    )
    return Section("Ahead of the gene prior, within regulator", "", (ahead,))


def _kinds(scores: Scores) -> Section:
    asked = {"loss": "a knockout", "gain": "an activation"}
    kinds: tuple[Kind, ...] = ("loss", "gain")
    tables = (
        _by_votes(
            _of(scores, kind),
            "within",
            f"{MEASURES['within']}, {KIND_NAMES[kind]} asked as {asked[kind]}",
        )
        for kind in kinds
    )
    return Section("Loss and gain apart", "Votes of the studies of that kind alone.", tuple(tables))


def _parts(scores: Scores) -> Section:
    tables = []
    for by, what in BY.items():
        measure: Measure = "within" if by in ("class", "ground", "studies") else "sign"
        found = _of(scores, by=by).where(votes=CONSENSUS)
        told = found.plain.where(measure=measure)
        tables.append(
            pivot(
                _ordered(told),
                "predictor",
                "part",
                _enough,
                order=sorted(told.values("part")),
                names={p: p + _counted(found, measure, part=p) for p in told.values("part")},
                caption=f"{MEASURES[measure]}, {what}",
            )
        )
    text = f"Genes with {CONSENSUS} net votes or more."
    return Section("Where it is good, and where not", text, tuple(tables))


def _edges(scores: Scores) -> Section:
    tables = []
    for by in ("edge", "trusted"):
        found = _of(scores, by=by)
        names = (EDGES, HELD_OUT, FUSED, IN_SAMPLE)
        told = found.plain.where(measure="sign", predictor=names, votes=VOTES[CONSENSUS - 1 :])
        told = Scores(one for one in told if one["part"] not in ("none", "no edge"))
        rows = sorted(told, key=lambda one: (one["part"], names.index(one.predictor)))
        tables.append(
            pivot(
                Scores(rows),
                ("part", "predictor"),
                "votes",
                _with_pairs(found),
                order=VOTES[CONSENSUS - 1 :],
                names=lambda votes: f"{votes} votes or more",
                header=("direct edge", "predictor"),
                caption=BY[by],
            )
        )
    text = (
        "Share of consensus genes whose direction the direct edge itself predicts, and the fused "
        "answer on the same genes; the number of pairs in brackets."
    )
    return Section("How far direct edges can be trusted", text, tuple(tables))


def _with_pairs(found: Scores) -> Cell:
    return lambda one: f"{one} ({_pairs(found, votes=one['votes'], part=one['part'])})"


def _tested(scores: Scores) -> Section:
    tables = []
    for task, name in TASK_NAMES.items():
        found = scores.where(about="tested", task=task).plain
        names = {
            one["context"]: f"{one['context']} ({one.value.n} perturbations)"
            for one in reversed(found)
        }
        order = found.values("context")
        tables.append(
            pivot(_ordered(found), "predictor", "context", order=order, names=names, caption=name)
        )
    text = (
        "AUROC within perturbation, mean over perturbations. MorPhiC: knockouts in stem-cell "
        "derived cells; Papalexi: knockouts in THP-1; both answered as the mean of the four lines. "
        "Norman (activation) and Adamson (knockdown, changes only) in K562, without perturbations "
        "that PerturbQA tests there. Unchanged means tested and clearly not significant. The gene "
        "prior is the readout's share under the data set's other perturbations."
    )
    return Section("Data sets with tested negatives", text, tuple(tables))


def _textbook(scores: Scores) -> Section:
    shown = pivot(
        scores.where(about="textbook"),
        "predictor",
        "measure",
        lambda one: percent(one) if one.value.n else f"{one.value.value:.0f}",
    )
    text = "Nothing is fitted to these pairs. Intervals by resampling perturbations."
    return Section("Textbook pairs", text, (shown,))


def _listed(scores: Scores) -> Section:
    every = scores.where(about="lists")
    tables = []
    for line in every.values("cell_line"):
        mine = every.where(cell_line=line)
        found = mine.by("predictor", "measure")
        most = found.pop(("at most", "specific"))
        rows = [
            (rule, one, f"{found[rule, 'changed'].value.value:.3f}")
            for (rule, measure), one in found.items()
            if measure == "specific"
        ]
        caption = f"{line} ({rows[0][1].value.n} perturbations, {most} at most)"
        header = ("readouts ranked by", "specific among the first 20", "changed among them")
        tables.append(table(header, rows, caption))
    text = (
        "Training perturbations of K562 and RPE1 beside their measured lists (Replogle's signed "
        "sets). A specific responder is in the perturbation's list and in those of at most one in "
        "twenty others. Readouts with a training row of the perturbation are left out; the "
        "response model's own rows of a perturbation never vote on it in the line, but its rows in "
        "other lines do. The habit is the readout's P(changes) whatever is perturbed."
    )
    return Section("Open questions", text, tuple(tables))


BENCHMARK = Benchmark("regulators", page, summary)
