"""What the page of a scoring of mechanisms says."""

from collections.abc import Iterator

from agent.wording import path_words
from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.resampling import Estimate
from evals.harness.scores import Results, Score, Scores
from evals.harness.tables import Table, shown, signed, table
from evals.mechanism.direction import MEASURE
from evals.mechanism.facts import ALL, Facts, Grounding
from evals.mechanism.faithfulness import CENTRAL, RANDOM
from evals.mechanism.gallery import RULES
from evals.mechanism.pictures import STYLE, gallery_html
from evals.recovery import OURS, RANKED, SIGN
from models.inputs.screens import CELL_LINES

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
OVER = ("shuffled", "rewired", "majority")


def page(record: Record) -> Page:
    """Return the page of a run."""
    facts = record.results.about(Facts)
    how = f"{HOW} Knowledge: {facts.scope}; reasoner: {facts.reasoner}."
    return Page("Mechanisms", (how,), record.made(), sections(record.results), style=STYLE)


def sections(results: Results) -> tuple[Section, ...]:
    """Return the page in order."""
    facts, scores = results.about(Facts), results.scores
    tuning = facts.tuning
    rules = "; ".join(dict.fromkeys(str(rule) for rule in tuning.per_fold))
    return (
        Section("What was learnt", " ".join(findings(results))),
        Section(
            "Do paths point the right way?",
            f"{DIRECTION} {MAJORITY}",
            (
                _agreement(scores, "test", "Official test rows, every path"),
                _agreement(
                    scores, "train", "Training rows, every path (the search does not see them)"
                ),
            ),
        ),
        Section(
            "Before and after tuning",
            f"{TUNED} Least confidences chosen: {tuning.chosen}. In the folds: {rules}.",
            (_tuning(scores), _kinds(scores), _reliability(scores), _doubtful(facts)),
        ),
        Section("Beyond the response model", INFORMATION, (_information(scores),)),
        Section("Are steps grounded?", GROUNDED, _grounding(facts.grounding)),
        Section("Hidden relations", RECOVERY, (_recovery(scores),)),
        Section("Regulators before targets", ORDER, (_order(scores),)),
        Section("Do answers rest on their steps?", FAITHFUL, (_faithfulness(scores),)),
        Section("Gallery", " ".join(RULES.values()), (_gallery(facts),),
                html=gallery_html(facts.gallery)),
    )  # fmt: skip


def summary(results: Results) -> str:
    """Return what a terminal shows: what was learnt, and the directions."""
    return "\n\n".join([*findings(results), _tuning(results.scores).markdown()])


def findings(results: Results) -> Iterator[str]:
    """Iterate over what the figures say, in sentences that follow from them."""
    scores, ground = results.scores, results.about(Facts).grounding
    for loop, words in (("before", "every path"), ("after", "only paths that the rule believes")):
        lines = _headline(scores, loop)
        good = [line for line, one in lines.items() if _verdict(one) == "informs"]
        covered, changed = (
            sum(_count(one, measure) for one in lines.values())
            for measure in ("covered", "changed")
        )
        yield (
            f"With {words}, the signs of cascades beat shuffled signs beyond the interval on "
            f"{len(good)} of {len(lines)} lines ({', '.join(good) or 'none'}; K562 and RPE1 on "
            f"their test rows, the others on training rows), covering "
            f"{covered / max(1, changed):.1%} of the pairs that changed."
        )
    for one in scores.where(about="information", cell_line=ALL, rows="reached").gains:
        task = "whether a readout changes" if one["task"] == "de" else "its direction"
        beyond = one.value.low > 0 or one.value.high < 0
        sure = "" if beyond else ", which is not beyond the interval"
        yield f"Beside the response model, paths move the AUROC of {task} by {signed(one)}{sure}."
    grounded = "none" if ground.grounded is None else f"{ground.grounded.value:.1%}"
    yield (
        f"Of committed steps {grounded} are grounded; {ground.unverified} of "
        f"the steps of {ground.hypotheses} hypotheses were not verified, and {ground.misled} "
        "hypotheses cite evidence of other steps."
    )
    yield from _lesser_findings(scores)


def _lesser_findings(scores: Scores) -> Iterator[str]:
    hidden = scores.where(about="order", edges="hidden", cell_line=ALL)
    for ahead in hidden.gains:
        verdict = "more often" if ahead.value.low > 0 else "no more often"
        yield (
            f"On {_count(hidden, 'pairs'):,} regulon edges hidden from the search, regulators come "
            f"first {verdict} than exchanged ones do ({signed(ahead)})."
        )
    for measure in scores.where(about="faithfulness").values("measure")[:1]:
        moved = scores.where(about="faithfulness", measure=measure).by("predictor", "than")
        yield (
            f"Without its central step the path of {moved[CENTRAL, ''].value.value:.0%} of "
            "hypotheses changes or is gone, without a random one that of "
            f"{moved[RANDOM, ''].value.value:.0%}."
        )
    found = scores.plain.find(about="recovery", predictor=OURS, measure=RANKED[1])
    if found is not None:
        yield (
            "Hidden relations are found again from what is left with an average precision of "
            f"{found}."
        )


def _headline(scores: Scores, loop: str) -> dict[str, Scores]:
    """Return the figures of each line: of test rows where labels are published, else training."""
    every = scores.where(about="direction", loop=loop, paths=ALL)
    found: dict[str, Scores] = {}
    for line in CELL_LINES:
        for split in ("train", "test"):
            if mine := every.where(cell_line=line, split=split):
                found[line] = mine
    return found


def _count(scores: Scores, measure: str) -> int:
    one = scores.find(measure=measure)
    return 0 if one is None else round(one.value.value)


def _verdict(scores: Scores) -> str:
    """Return whether the mechanisms beat shuffled signs, by the interval of the gain."""
    gain = scores.where(than="shuffled")[0].value
    if gain.low > 0:
        return "informs"
    return "misleads" if gain.high < 0 else "decoration"


def _share(scores: Scores) -> str:
    return f"{_count(scores, 'covered') / _count(scores, 'changed'):.1%}"


def _agreed(scores: Scores, controls: tuple[str, ...], over: tuple[str, ...] = OVER) -> list[str]:
    """Return the cascade, controls beside it, its gains over some, and the verdict."""
    found = scores.where(measure=MEASURE).by("predictor", "than")
    return [
        *(shown(found.get((name, ""))) for name in ("cascade", *controls)),
        *(signed(found.get(("cascade", name))) for name in over),
        _verdict(scores),
    ]


def _agreement(scores: Scores, split: str, caption: str) -> Table:
    every = scores.where(about="direction", split=split, loop="before", paths=ALL)
    header = ("line", "pairs", "coverage", "cascade", *OVER, *(f"over {name}" for name in OVER), "")
    rows = []
    for line in every.values("cell_line"):
        mine = every.where(cell_line=line)
        rows.append((line, f"{_count(mine, 'covered'):,}", _share(mine), *_agreed(mine, OVER)))
    return table(header, rows, caption)


def _tuning(scores: Scores) -> Table:
    rows = []
    for loop in ("before", "after"):
        for line, mine in _headline(scores, loop).items():
            pairs = f"{_count(mine, 'covered'):,} ({_share(mine)})"
            controls = ("shuffled", "majority")
            rows.append((loop, line, mine[0]["split"], pairs, *_agreed(mine, controls)))
    header = ("loop", "line", "rows", "pairs", "cascade", "shuffled", "majority",
              *(f"over {name}" for name in OVER), "")  # fmt: skip
    return table(header, rows)


def _kinds(scores: Scores) -> Table:
    every = scores.where(about="direction", cell_line=ALL)
    rows = []
    for split, loop, paths in every.by("split", "loop", "paths"):
        if paths != ALL:
            mine = every.where(split=split, loop=loop, paths=paths)
            pairs = f"{_count(mine, 'covered'):,}"
            rows.append((split, loop, paths, pairs, *_agreed(mine, ("shuffled",), ("shuffled",))))
    header = ("rows", "loop", "paths", "pairs", "cascade", "shuffled", "over shuffled", "")
    return table(header, rows, "By kind of path")


def _reliability(scores: Scores) -> Table:
    every = scores.where(about="confidence")
    found = every.by("confidence", "predictor", "measure")
    rows = (
        (bounds, f"{found[bounds, 'cascade', 'pairs'].value.value:,.0f}",
         found[bounds, "cascade", MEASURE], found[bounds, "shuffled", MEASURE])
        for bounds in every.values("confidence")
    )  # fmt: skip
    caption = "Training pairs by the confidence of their cascade"
    return table(("confidence", "pairs", "agree", "shuffled"), rows, caption)


def _doubtful(facts: Facts) -> Table:
    rows = (
        (
            f"{one.source} {'activates' if one.sign > 0 else 'inhibits'} {one.target}",
            ", ".join(one.databases[:SHOWN_DATABASES]),
            one.pairs,
            one.perturbations,
            f"{one.agreement:.2f}",
        )
        for one in facts.doubtful
    )
    header = ("step", "asserted by", "pairs", "perturbations", "agree")
    return table(header, rows, "Believed steps that a curator should read again")


def _information(scores: Scores) -> Table:
    every = scores.where(about="information")
    rows = []
    for task, which, line in every.by("task", "rows", "cell_line"):
        found = every.where(task=task, rows=which, cell_line=line).by(
            "predictor", "than", "measure"
        )
        rows.append(
            (
                {"de": "changes", "dir": "direction"}[task],
                which,
                line,
                found["response", "", "auroc"],
                found["with paths", "", "auroc"],
                signed(found["with paths", "response", "auroc"], 4),
                signed(found["with paths", "", "change of log loss"], 4),
            )
        )
    return table(("task", "rows", "line", "response", "with paths", "gain", "log loss"), rows)


def _grounding(found: Grounding) -> tuple[Table, ...]:
    rows = (
        (one.proposer, one.status, one.steps,
         *(f"{value / one.steps:.1%}" for value in (one.resolves, one.about, one.sign)))
        for one in found.counts
    )  # fmt: skip
    nonsense = (
        ("a committed step with its sign turned", _refused(found.flipped)),
        ("a made-up step between nodes that nothing links", _refused(found.invented)),
    )
    header = ("proposed by", "status", "steps", "resolves", "about both", "bears the sign")
    caption = f"{found.questions} questions, {found.hypotheses} hypotheses"
    return (
        table(header, rows, caption),
        table(("proposal", "refused"), nonsense, "What verification refuses"),
    )


def _refused(value: Estimate | None) -> str:
    return "" if value is None else f"{value.value:.1%} of the steps of {value.n} questions"


def _recovery(scores: Scores) -> Table:
    every = scores.where(about="recovery")
    found = every.by("predictor", "than", "measure")
    about = ""
    if every:
        relations, candidates = (_count(every, name) for name in ("relations", "candidates"))
        about = f"{relations:,} hidden, {candidates:,.0f} candidates each"
    rows = (
        (
            name,
            *(shown(found.get((name, "", measure))) for measure in RANKED),
            signed(found.get((OURS, name, RANKED[1]))),
            shown(found.get((name, "", SIGN))),
        )
        for name in every.values("predictor")
    )
    return table((about, *RANKED, "ours ahead", SIGN), rows)


def _order(scores: Scores) -> Table:
    every = scores.where(about="order")
    rows = []
    for edges, line in every.by("edges", "cell_line"):
        found = every.where(edges=edges, cell_line=line).by("predictor", "than", "measure")

        def told(measure: str, found: dict[tuple[str, ...], Score] = found) -> float:
            return found["cascade", "", measure].value.value

        rows.append(
            (edges, line, f"{told('pairs'):,.0f}", f"{told('on one path'):.0%}",
             found["cascade", "", "in order"], found["exchanged", "", "in order"],
             signed(found["cascade", "exchanged", "in order"]))
        )  # fmt: skip
    header = ("edges", "line", "pairs", "on one path", "in order", "exchanged", "ahead")
    return table(header, rows)


def _faithfulness(scores: Scores) -> Table:
    every = scores.where(about="faithfulness")
    found = every.by("measure", "predictor", "than")
    rows = (
        (one, found[one, CENTRAL, ""].value.n, found[one, CENTRAL, ""], found[one, RANDOM, ""],
         signed(found[one, CENTRAL, RANDOM]))
        for one in every.values("measure")
    )  # fmt: skip
    return table(("", "answers", CENTRAL, RANDOM, "difference"), rows)


def _gallery(facts: Facts) -> Table:
    rows = (
        (
            one.why,
            f"{one.pert} in {one.cell_line} ({one.split})",
            path_words(one.steps),
            f"{one.confidence:.2f}{'' if one.believed else ', not believed'}",
            f"{one.readout} {one.measured}",
            "agrees" if one.measured == one.direction else "contradicted",
            f"{one.p_de:.2f}, {one.p_up:.2f}",
        )
        for one in facts.gallery
    )
    header = ("chosen as", "knockdown", "path", "confidence", "measured", "", "P(changes), P(up)")
    return table(header, rows)


BENCHMARK = Benchmark("mechanism", page, summary)
