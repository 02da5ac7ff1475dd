"""What the page of an evaluation of answers about regulators says."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evals.harness.resampling import Estimate
from evals.perturbqa.report import Section, Table
from evals.regulators.predictors import (
    EDGES,
    FUSED,
    HELD_OUT,
    IN_SAMPLE,
    LINES_APART,
    PRIOR,
    in_order,
)
from evals.regulators.schema import ALL, MEASURES, Measure, Metrics, Score, Task
from evals.regulators.score import CONSENSUS, FEWEST
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


def sections(metrics: Metrics) -> list[Section]:
    """Return the page in order; parts that were not measured are left out."""
    found = [
        _votes(metrics),
        _ahead(metrics),
        _kinds(metrics),
        _parts(metrics),
        _edges(metrics),
        _tested(metrics),
        _textbook(metrics),
        _listed(metrics),
    ]
    return [one for one in found if any(table.rows for table in one.tables.values())]


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the section of a run.

    Args:
        record: `metrics`, `config` and `timing` of the run folder.
    """
    metrics = Metrics.model_validate(record["metrics"])
    parts = ["## Regulators", HOW, made(record["config"], record["timing"])]
    for section in sections(metrics):
        parts += [f"### {section.title}", *_shown(section)]
    return "\n\n".join(parts)


def summary(metrics: Metrics) -> str:
    """Return what a terminal shows."""
    shown = [_votes(metrics), _textbook(metrics), _listed(metrics)]
    return "\n\n".join(
        text for one in shown if any(t.rows for t in one.tables.values()) for text in
        (one.title, *_tables(one))
    )  # fmt: skip


def made(config: Mapping[str, Any], timing: Mapping[str, Any]) -> str:
    """Return what made the figures, and what it took."""
    spent = ", ".join(f"{what} {s:,.0f} s" for what, s in timing["seconds"].items())
    settings = config["settings"]
    return (
        f"Seed {settings['seed']}, {settings['draws']} resamples, regulators with at least "
        f"{settings['least_votes']} net votes on a gene, commit `{config['commit'][:10]}`. "
        f"Time: {spent}; peak memory {timing['peak_memory_mib']:,.0f} MiB."
    )


def _shown(section: Section) -> Iterator[str]:
    if section.text:
        yield section.text
    yield from _tables(section)


def _tables(section: Section) -> Iterator[str]:
    for caption, table in section.tables.items():
        if table.rows:
            yield f"**{caption}**\n\n{table.markdown()}" if caption else table.markdown()


def _of(
    metrics: Metrics, measure: Measure, kind: Kind = "both", by: str = ALL
) -> dict[tuple[str, int, str], Score]:
    return {
        (one.predictor, one.votes, one.part): one
        for one in metrics.scores
        if (one.measure, one.kind, one.by) == (measure, kind, by)
    }


def _names(keys: Iterable[tuple[str, int, str]]) -> list[str]:
    return in_order(list(dict.fromkeys(name for name, _, _ in keys)))


def _votes(metrics: Metrics) -> Section:
    tables = {name: _by_votes(_of(metrics, measure)) for measure, name in MEASURES.items()}
    text = IN_SAMPLE_SAYS if metrics.held_out else SHIPPED_SAYS
    return Section(
        "Direction of consensus genes, loss and gain together",
        f"{metrics.regulators} regulators; the studies of {metrics.agreeing} agree. {text}",
        tables,
    )


def _by_votes(found: Mapping[tuple[str, int, str], Score]) -> Table:
    rows = []
    for name in _names(found):
        cells = [found.get((name, votes, ALL)) for votes in VOTES]
        rows.append((name, *(_cell(one) for one in cells)))
    first = {votes: next((s for (_, v, _), s in found.items() if v == votes), None)
             for votes in VOTES}  # fmt: skip
    header = [f"{votes} votes or more" + _counted(first[votes]) for votes in VOTES]
    return Table(("predictor", *header), tuple(rows))


def _ahead(metrics: Metrics) -> Section:
    found = _of(metrics, "within")
    rows = [
        (name, *(_signed(one.ahead) if (one := found.get((name, v, ALL))) else "" for v in VOTES))
        for name in _names(found)
        if name not in (PRIOR, *LINES_APART)
    ]
    header = ("predictor minus gene prior", *(f"{votes} votes or more" for votes in VOTES))
    return Section(
        "Ahead of the gene prior, within regulator", "", {"": Table(header, tuple(rows))}
    )


def _kinds(metrics: Metrics) -> Section:
    tables = {
        f"{MEASURES['within']}, {KIND_NAMES[kind]} asked as "
        f"{'an activation' if kind == 'gain' else 'a knockout'}": _by_votes(
            _of(metrics, "within", kind)
        )
        for kind in ("loss", "gain")
    }
    text = "Votes of the studies of that kind alone."
    return Section("Loss and gain apart", text, {k: t for k, t in tables.items() if t.rows})


def _parts(metrics: Metrics) -> Section:
    tables = {}
    for by in ("class", "ground", "studies", "edge", "trusted"):
        found = _of(metrics, "within" if by in ("class", "ground", "studies") else "sign", by=by)
        parts = sorted({part for _, votes, part in found if votes == CONSENSUS})
        firsts = {
            part: next(s for (_, v, p), s in found.items() if (v, p) == (CONSENSUS, part))
            for part in parts
        }
        rows = [
            (name, *(_cell(found.get((name, CONSENSUS, part))) for part in parts))
            for name in _names(found)
        ]
        measure = MEASURES["within"] if by in ("class", "ground", "studies") else MEASURES["sign"]
        header = ("predictor", *(part + _counted(firsts[part]) for part in parts))
        tables[f"{measure}, {BY[by]}"] = Table(header, tuple(rows) if parts else ())
    text = f"Genes with {CONSENSUS} net votes or more."
    return Section("Where it is good, and where not", text, tables)


def _edges(metrics: Metrics) -> Section:
    tables = {}
    for by in ("edge", "trusted"):
        found = _of(metrics, "sign", by=by)
        votes_of = VOTES[CONSENSUS - 1 :]
        rows = []
        for part in sorted({part for _, _, part in found} - {"none", "no edge"}):
            for name in (EDGES, HELD_OUT, FUSED, IN_SAMPLE):
                cells = [found.get((name, votes, part)) for votes in votes_of]
                if any(cells):
                    rows.append((part, name, *(_cell(one, rows=True) for one in cells)))
        header = ("direct edge", "predictor", *(f"{v} votes or more" for v in votes_of))
        tables[BY[by]] = Table(header, tuple(rows))
    text = (
        "Share of consensus genes whose direction the direct edge itself predicts, and the fused "
        "answer on the same genes; the number of pairs in brackets."
    )
    return Section("How far direct edges can be trusted", text, tables)


def _tested(metrics: Metrics) -> Section:
    tables = {}
    for task, name in TASK_NAMES.items():
        found = {(s.predictor, s.context): s for s in metrics.tested if s.task == task}
        contexts = list(dict.fromkeys(context for _, context in found))
        counts = {c: next(s for (_, k), s in found.items() if k == c) for c in contexts}
        predictors = in_order(list(dict.fromkeys(predictor for predictor, _ in found)))
        rows = [
            (one, *(str(s.value) if (s := found.get((one, c))) else "" for c in contexts))
            for one in predictors
        ]
        header = (f"{c} ({counts[c].value.n} perturbations)" for c in contexts)
        tables[name] = Table(("predictor", *header), tuple(rows))
    text = (
        "AUROC within perturbation, mean over perturbations. MorPhiC: knockouts in stem-cell "
        "derived cells; Papalexi: knockouts in THP-1; both answered as the mean of the four lines. "
        "Norman (activation) and Adamson (knockdown, changes only) in K562, without perturbations "
        "that PerturbQA tests there. Unchanged means tested and clearly not significant. The gene "
        "prior is the readout's share under the data set's other perturbations."
    )
    return Section("Data sets with tested negatives", text, tables)


def _textbook(metrics: Metrics) -> Section:
    rows = [
        (
            one.predictor,
            str(one.right),
            str(one.wrong),
            str(one.open),
            _share(one.called),
            _share(one.right_of_called),
        )
        for one in metrics.textbook
    ]
    header = ("predictor", "right", "wrong", "open", "called", "right of the called")
    text = "Nothing is fitted to these pairs. Intervals by resampling perturbations."
    return Section("Textbook pairs", text, {"": Table(header, tuple(rows))})


def _listed(metrics: Metrics) -> Section:
    tables = {}
    for line in dict.fromkeys(one.cell_line for one in metrics.listed):
        mine = [one for one in metrics.listed if one.cell_line == line]
        rows = [(s.rule, str(s.precision), f"{s.changed:.3f}") for s in mine]
        caption = f"{line} ({mine[0].precision.n} perturbations, {mine[0].most:.3f} at most)"
        header = ("readouts ranked by", "specific among the first 20", "changed among them")
        tables[caption] = Table(header, tuple(rows))
    text = (
        "Training perturbations of K562 and RPE1 beside their measured lists (Replogle's signed "
        "sets). A specific responder is in the perturbation's list and in those of at most one in "
        "twenty others. Readouts with a training row of the perturbation are left out; the "
        "response model's own rows of a perturbation never vote on it in the line, but its rows in "
        "other lines do. The habit is the readout's P(changes) whatever is perturbed."
    )
    return Section("Open questions", text, tables)


def _counted(score: Score | None) -> str:
    return "" if score is None else f" ({score.rows:,} pairs, {score.value.n} regulators)"


def _cell(score: Score | None, rows: bool = False) -> str:
    if score is None or (score.measure == "within" and score.value.n < FEWEST_REGULATORS):
        return ""
    return f"{score.value} ({score.rows:,})" if rows else str(score.value)


def _signed(value: Estimate | None) -> str:
    return "" if value is None else f"{value.value:+.3f} [{value.low:+.3f}, {value.high:+.3f}]"


def _share(value: Estimate) -> str:
    return f"{value.value:.1%} [{value.low:.1%}, {value.high:.1%}]"
