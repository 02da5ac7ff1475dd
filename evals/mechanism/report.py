"""What the page of a scoring of mechanisms says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from agent.wording import path_words
from evals.harness.resampling import Estimate
from evals.mechanism.gallery import RULES
from evals.mechanism.schema import ALL, Agreement, Metrics, Split
from evals.perturbqa.report import Section, Table
from models.response.screens import CELL_LINES

SHOWN_DATABASES = 4
HOW = (
    "A hypothesis is a path of signed steps, so it can be checked without asking whether it sounds "
    "right. Intervals are of 95 %: bootstrap resamples of whole perturbations (of questions or of "
    "sources, where those are asked), the same for everything that is compared. The search and the "
    "agent are blind to the pair asked about: no measurement of it is looked at."
)
DIRECTION = (
    "Pairs that changed and that a cascade reaches: does the product of the signs on the most "
    "confident path agree with the measured direction? Controls on the same pairs: *shuffled*, "
    "signs dealt anew among all relations of the same mechanism, on the same path, a hundred "
    "times; *rewired*, the same search in graphs whose relations of a mechanism have exchanged "
    "targets, degrees kept (no path counts half; 150 perturbations per line and split); "
    "*majority*, the readout's commoner direction among other perturbations of the line. "
    "Informs: the gain over shuffled signs excludes zero. "
    "A mechanism that does not is decoration."
)
MAJORITY = (
    "The readout's commoner direction needs no mechanism and is the control hardest to beat: in a "
    "screen of essential genes most readouts have one way to go. Where a cascade does not beat it, "
    "it may explain a direction, but nobody needs it to predict one."
)
TUNED = (
    "Which paths are believed was tuned on training perturbations. Paths are of three kinds: the "
    "starter pack asserts every step; a step rests on databases alone; a transcript that merely "
    "fell breaks the complex its gene is a part of, as if the gene were lost. Of each kind paths "
    "need some least confidence, the lowest that is right three times in four in the mean over "
    "lines; where there is none, the kind is not believed. *Before* is every path of the search. "
    "*After*, training pairs are judged by the rule of the other four fifths of the perturbations, "
    "test pairs by that of all training perturbations. Thresholds come from training pairs alone; "
    "that these are the kinds to tell apart was seen while training and test figures lay side by "
    "side, and training pairs show it by themselves."
)
INFORMATION = (
    "Change of the macro per-gene AUROC when path features (signed strength, length, whether the "
    "starter pack asserts every step) join the response model's held-out logits, cross-fitted over "
    "perturbations. *Reached*: all rows of readouts that some cascade reaches; *path*: only rows "
    "with a path. Log loss: negative where paths help."
)
RECOVERY = (
    "A tenth of the linked pairs of genes is hidden whole, both ways round and of all databases, "
    "and every gene not linked to a source is ranked as its target from what is left: other "
    "relations, complexes, pathways and processes, and the screens' training rows. Databases "
    "assert many facts of all members of a family at once, which makes this easier than finding "
    "new biology. Sign: whether a hidden relation activates or inhibits."
)
ORDER = (
    "Pairs of a readout that responded and a regulator of it (regulons of the graph) that the same "
    "perturbation's cascade changes somewhere: does the regulator come first? *Known* edges may be "
    "walked by the search, so most are in order by construction. *Hidden* edges were taken out of "
    "the graph before the search, and pairs on one path are left out. Control: regulon edges that "
    "exchanged their targets, on the same "
    "cascades; regulators tend to come early whatever they regulate, so chance is not one half."
)
FAITHFUL = (
    "The step that most hypotheses of an answer share, and another one within the cascade's reach "
    "that leaves a node of about the same degree, are taken out of graph and evidence, and the "
    "question is asked again. Without a language model the agent follows the best paths alone, so "
    "a step that is on none of them cannot move its answer, and the random step is a check that it "
    "does not; probabilities move by as much as the fusion weighs a path."
)
GROUNDED = (
    "Questions asked of the agent through the front door; each step's evidence must stand in the "
    "answer, be about exactly the two nodes, and bear the sign. Committed steps must reach 100 %. "
    "A contradicted step cites the databases that said so beside the measurement that says no; it "
    "stands in no hypothesis."
)


def sections(metrics: Metrics) -> list[Section]:
    """Return the page in order."""
    return [
        Section("What was learnt", " ".join(findings(metrics)), {}),
        Section(
            "Do paths point the right way?",
            f"{DIRECTION} {MAJORITY}",
            {
                "Official test rows, every path": _agreement(metrics, "test", "before"),
                "Training rows, every path (the search does not see them)": _agreement(
                    metrics, "train", "before"
                ),
            },
        ),
        Section(
            "Before and after tuning",
            f"{TUNED} Least confidences chosen: {metrics.tuning.chosen}. In the folds: "
            f"{'; '.join(dict.fromkeys(str(rule) for rule in metrics.tuning.per_fold))}.",
            {
                "": _tuning(metrics),
                "By kind of path": _slices(metrics),
                "Training pairs by the confidence of their cascade": _reliability(metrics),
                "Believed steps that a curator should read again": _doubtful(metrics),
            },
        ),
        Section("Beyond the response model", INFORMATION, {"": _information(metrics)}),
        Section("Are steps grounded?", GROUNDED, _grounding(metrics)),
        Section("Hidden relations", RECOVERY, {"": _recovery(metrics)}),
        Section("Regulators before targets", ORDER, {"": _order(metrics)}),
        Section("Do answers rest on their steps?", FAITHFUL, {"": _faithfulness(metrics)}),
        Section("Gallery", " ".join(RULES.values()), {"": gallery_table(metrics)}),
    ]


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the section of a run.

    Args:
        record: `metrics`, `config` and `timing` of the run folder.
    """
    metrics = Metrics.model_validate(record["metrics"])
    timing, config = record["timing"], record["config"]
    spent = sum(timing["seconds"].values())
    parts = [
        "## Mechanisms",
        f"{HOW} Knowledge: {metrics.scope}; reasoner: {metrics.reasoner}.",
        f"Seed {config['settings']['seed']}, commit `{config['commit'][:10]}`. Time: "
        f"{spent / 60:,.0f} min; peak memory {timing['peak_memory_mib']:,.0f} MiB.",
    ]
    for section in sections(metrics):
        parts += [f"### {section.title}", section.text]
        for caption, table in section.tables.items():
            if table.rows:
                parts += [f"**{caption}**"] if caption else []
                parts.append(table.markdown())
    return "\n\n".join(part for part in parts if part)


def summary(metrics: Metrics) -> str:
    """Return what a terminal shows: what was learnt, and the directions."""
    return "\n\n".join([*findings(metrics), _tuning(metrics).markdown()])


def findings(metrics: Metrics) -> Iterator[str]:
    """Iterate over what the figures say, in sentences that follow from them."""
    for loop, words in (("before", "every path"), ("after", "only paths that the rule believes")):
        lines = _headline(metrics, loop)
        good = [one.cell_line for one in lines if one.verdict == "informs"]
        coverage = sum(one.covered for one in lines) / max(1, sum(one.changed for one in lines))
        yield (
            f"With {words}, the signs of cascades beat shuffled signs beyond the interval on "
            f"{len(good)} of {len(lines)} lines ({', '.join(good) or 'none'}; K562 and RPE1 on "
            f"their test rows, the others on training rows), covering {coverage:.1%} of the pairs "
            "that changed."
        )
    joint = [one for one in metrics.information if one.cell_line == ALL and one.rows == "reached"]
    for one in joint:
        task = "whether a readout changes" if one.task == "de" else "its direction"
        sure = "" if _excludes_zero(one.gain) else ", which is not beyond the interval"
        yield (
            f"Beside the response model, paths move the AUROC of {task} by {_gain(one.gain)}{sure}."
        )
    ground = metrics.grounding
    yield (
        f"Of committed steps {_percent(ground.grounded)} are grounded; {ground.unverified} of "
        f"the steps of {ground.hypotheses} hypotheses were not verified, and {ground.misled} "
        "hypotheses cite evidence of other steps."
    )
    yield from _lesser_findings(metrics)


def _lesser_findings(metrics: Metrics) -> Iterator[str]:
    hidden = [one for one in metrics.order if one.pairs == "hidden" and one.cell_line == ALL]
    for order in hidden:
        verdict = "more often" if order.ahead.low > 0 else "no more often"
        yield (
            f"On {order.count:,} regulon edges hidden from the search, regulators come first "
            f"{verdict} than exchanged ones do ({_gain(order.ahead)})."
        )
    for moved in metrics.faithfulness[:1]:
        yield (
            f"Without its central step the path of {moved.central.value:.0%} of hypotheses changes "
            f"or is gone, without a random one that of {moved.random.value:.0%}."
        )
    for found in metrics.recovery[:1]:
        if found.average_precision is not None:
            yield (
                "Hidden relations are found again from what is left with an average precision of "
                f"{found.average_precision}."
            )


def gallery_table(metrics: Metrics) -> Table:
    """Return the gallery as rows of text."""
    rows = [
        (
            one.why,
            f"{one.pert} in {one.cell_line} ({one.split})",
            path_words(one.steps),
            f"{one.confidence:.2f}{'' if one.believed else ', not believed'}",
            f"{one.readout} {one.measured}",
            "agrees" if one.measured == one.direction else "contradicted",
            f"{one.p_de:.2f}, {one.p_up:.2f}",
        )
        for one in metrics.gallery
    ]
    header = ("chosen as", "knockdown", "path", "confidence", "measured", "", "P(changes), P(up)")
    return Table(header, tuple(rows))


def _headline(metrics: Metrics, loop: str) -> list[Agreement]:
    """Return one figure per line: test rows where labels are published, else training rows."""
    found: dict[str, Agreement] = {}
    for split in ("train", "test"):
        for one in _picked(metrics, split, loop):
            if one.cell_line != ALL:
                found[one.cell_line] = one
    return [found[line] for line in CELL_LINES if line in found]


def _picked(metrics: Metrics, split: str, loop: str) -> list[Agreement]:
    return [
        one for one in metrics.agreement if (one.split, one.loop, one.slice) == (split, loop, ALL)
    ]


def _agreement(metrics: Metrics, split: Split, loop: str) -> Table:
    return Table(
        ("line", "pairs", "coverage", "cascade", "shuffled", "rewired", "majority",
         "over shuffled", "over rewired", "over majority", ""),
        tuple(
            (
                one.cell_line,
                f"{one.covered:,}",
                f"{one.covered / one.changed:.1%}",
                str(one.cascade),
                str(one.shuffled),
                _plain(one.rewired),
                str(one.majority),
                _gain(one.over_shuffled),
                _gain(one.over_rewired),
                _gain(one.over_majority),
                one.verdict,
            )
            for one in _picked(metrics, split, loop)
        ),
    )  # fmt: skip


def _tuning(metrics: Metrics) -> Table:
    rows = []
    for loop in ("before", "after"):
        for one in _headline(metrics, loop):
            rows.append(
                (
                    loop,
                    one.cell_line,
                    one.split,
                    f"{one.covered:,} ({one.covered / one.changed:.1%})",
                    str(one.cascade),
                    str(one.shuffled),
                    str(one.majority),
                    _gain(one.over_shuffled),
                    _gain(one.over_rewired),
                    _gain(one.over_majority),
                    one.verdict,
                )
            )
    header = ("loop", "line", "rows", "pairs", "cascade", "shuffled", "majority", "over shuffled",
              "over rewired", "over majority", "")  # fmt: skip
    return Table(header, tuple(rows))


def _slices(metrics: Metrics) -> Table:
    rows = [
        (one.split, one.loop, one.slice, f"{one.covered:,}", str(one.cascade), str(one.shuffled),
         _gain(one.over_shuffled), one.verdict)
        for one in metrics.agreement
        if one.cell_line == ALL and one.slice != ALL
    ]  # fmt: skip
    header = ("rows", "loop", "paths", "pairs", "cascade", "shuffled", "over shuffled", "")
    return Table(header, tuple(rows))


def _reliability(metrics: Metrics) -> Table:
    rows = [
        (f"{one.low:g} to {one.high:g}", f"{one.pairs:,}", str(one.agreement), str(one.shuffled))
        for one in metrics.reliability
    ]
    return Table(("confidence", "pairs", "agree", "shuffled"), tuple(rows))


def _doubtful(metrics: Metrics) -> Table:
    rows = [
        (
            f"{one.source} {'activates' if one.sign > 0 else 'inhibits'} {one.target}",
            ", ".join(one.databases[:SHOWN_DATABASES]),
            str(one.pairs),
            str(one.perturbations),
            f"{one.agreement:.2f}",
        )
        for one in metrics.doubtful
    ]
    return Table(("step", "asserted by", "pairs", "perturbations", "agree"), tuple(rows))


def _information(metrics: Metrics) -> Table:
    rows = [
        (
            {"de": "changes", "dir": "direction"}[one.task],
            one.rows,
            one.cell_line,
            str(one.response),
            str(one.joint),
            _gain(one.gain, 4),
            _gain(one.log_loss, 4),
        )
        for one in metrics.information
    ]
    header = ("task", "rows", "line", "response", "with paths", "gain", "log loss")
    return Table(header, tuple(rows))


def _grounding(metrics: Metrics) -> dict[str, Table]:
    found = metrics.grounding
    rows = [
        (one.proposer, one.status, str(one.steps), *(
            f"{value / one.steps:.1%}" for value in (one.resolves, one.about, one.sign)
        ))
        for one in found.counts
    ]  # fmt: skip
    nonsense = (
        ("a committed step with its sign turned", _share(found.flipped)),
        ("a made-up step between nodes that nothing links", _share(found.invented)),
    )
    return {
        f"{found.questions} questions, {found.hypotheses} hypotheses": Table(
            ("proposed by", "status", "steps", "resolves", "about both", "bears the sign"),
            tuple(rows),
        ),
        "What verification refuses": Table(("proposal", "refused"), nonsense),
    }


def _recovery(metrics: Metrics) -> Table:
    rows = [
        (
            one.proposer,
            _plain(one.precision),
            _plain(one.average_precision),
            "" if one.ahead is None else _gain(one.ahead),
            _plain(one.sign),
        )
        for one in metrics.recovery
    ]
    told = metrics.recovery[0] if metrics.recovery else None
    about = f"{told.relations:,} hidden, {told.candidates:,.0f} candidates each" if told else ""
    header = (about, "precision at 10", "average precision", "ours ahead", "right sign")
    return Table(header, tuple(rows))


def _order(metrics: Metrics) -> Table:
    rows = [
        (one.pairs, one.cell_line, f"{one.count:,}", f"{one.by_construction:.0%}",
         str(one.accuracy), str(one.shuffled), _gain(one.ahead))
        for one in metrics.order
    ]  # fmt: skip
    header = ("edges", "line", "pairs", "on one path", "in order", "exchanged", "ahead")
    return Table(header, tuple(rows))


def _faithfulness(metrics: Metrics) -> Table:
    rows = [
        (one.measure, str(one.questions), str(one.central), str(one.random), _gain(one.ahead))
        for one in metrics.faithfulness
    ]
    return Table(("", "answers", "central step", "random step", "difference"), tuple(rows))


def _gain(value: Estimate | None, digits: int = 3) -> str:
    if value is None:
        return ""
    return f"{value.value:+.{digits}f} [{value.low:+.{digits}f}, {value.high:+.{digits}f}]"


def _plain(value: Estimate | None) -> str:
    return "" if value is None else str(value)


def _share(value: Estimate | None) -> str:
    return "" if value is None else f"{value.value:.1%} of the steps of {value.n} questions"


def _percent(value: Estimate | None) -> str:
    return "none" if value is None else f"{value.value:.1%}"


def _excludes_zero(value: Estimate) -> bool:
    return value.low > 0 or value.high < 0


def provenance(config: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return the files behind the figures and the beginnings of their hashes."""
    rows: Iterable[tuple[str, str]] = config["data"].items()
    return [(name, digest[:24]) for name, digest in rows]
