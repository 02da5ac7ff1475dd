"""What is told of the roles of a language model: of one model, or of several side by side."""

from collections.abc import Iterator, Sequence

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Score, Scores
from evals.harness.tables import Table, table
from evals.roles.facts import Facts, Role, Spent, Test
from evals.roles.score import CHANCE, EVIDENCE, POPULAR, RULES, TEMPLATES, VERDICTS

SURE = 0.05
HOW = (
    "`knockwise eval roles` asks an endpoint what Knockwise wants a model for, each beside "
    "what answers without one, on the same cases. Shares have Wilson's 95 % intervals; p is "
    "McNemar's exact test of the two on the same cases. The cases are few: a gain that this many "
    "cannot show may still be there, and a small one is."
)
READING = (
    "The rules read first; where they find no perturbation, `ask` lets the model read, which must "
    "copy words of the question and is read by the rules again. *Fresh phrasings* were written for "
    "this and nothing was mended for them; *textbook* are the mirror's questions, for which the "
    "rules were mended. A refusal of what cannot be answered is right. About fresh ones the model "
    "is also asked after refusals that `ask` leaves as they are. The test counts right readings "
    "alone, and a question misread is worse than one refused: look at *wrong* too. Two things were "
    "changed after replies had been seen: the order of the prompt's examples, and one reading that "
    "is now accepted beside the one first written down."
)
BRANCHES = (
    "A gene is lost, a readout is to be reached: which of up to five steps that databases offer "
    "is the textbook's, or the built-in pathways'? The built-in pathways are taken out of the "
    "graph, so the evidence does not know them; it takes the step with the most trusted path to "
    "the readout. The model answers with one token, without seeing any trust. A model that takes "
    "the first whatever it is knows nothing: levelled, the mean of each place over all cases is "
    "taken out, without labels. Together is the sum of both logarithms, unweighted. Databases "
    "hold what textbooks hold, so the evidence is no blind opponent."
)
STEPS = (
    "A tenth of the signed pairs is hidden, as in `eval mechanism`. The model names up to three "
    "targets of a gene beside those that it is shown; right is what was hidden. Precision is of "
    "proposals that are genes and not among the relations left; true relations that no database "
    "has count as wrong, for everybody. The evidence is the best guess from the clues left in the "
    "knowledge; the genes acted on most are the same for nearly every gene; chance draws any gene "
    "that is not linked."
)
STORIES = (
    "Answers on the built-in pathways, told part by part as `report --reasoner llm` does: each "
    "sentence must follow from the facts it cites, what fails goes back once, what fails again is "
    "dropped. Facts told counts different facts in the sentences that stand. Of those, copied are "
    "word for word a fact or the prompt's example. The templates' sentences all pass, by design."
)
NAMES: dict[Role, str] = {
    "reading": "reading",
    "branches": "choosing the branch",
    "steps": "proposing steps",
    "stories": "telling the story",
}


def page(record: Record) -> Page:
    """Return the page of a run."""
    return together([record])


def together(records: Sequence[Record]) -> Page:
    """Return one page of the runs of several models."""
    facts = [one.results.about(Facts) for one in records]
    scores = _joined(records)
    tests = [test for one in facts for test in one.tests]
    models = " and ".join(f"`{one.model}`" for one in facts)
    made = " ".join(f"{one.model}: {record.made()}" for one, record in zip(facts, records,
                                                                          strict=True))  # fmt: skip
    return Page(
        "What a language model is for",
        (HOW, f"Asked: {models}. {_verdict(tests, [one.model for one in facts])}"),
        made,
        (
            Section("Reading odd questions", READING, (_reading(scores),)),
            Section("Choosing the branch", BRANCHES, (_branches(scores),)),
            Section("Proposing steps that are missing", STEPS, (_steps(scores),)),
            Section("Telling the story", STORIES, (_stories(scores), _dropped(facts))),
            Section("On the same cases", "", (_tests(tests),)),
            Section("Cost", "", (_costs(facts),)),
        ),
        suffix=" (language model)",
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    facts = results.about(Facts)
    shown = (_reading, _branches, _steps, _stories)
    told = [one(results.scores) for one in shown]
    tables = [*told, _tests(facts.tests), _costs([facts])]
    parts = [f"{one.caption}\n\n{one.markdown()}" for one in tables if one.rows]
    return "\n\n".join([*parts, _verdict(facts.tests, [facts.model])])


def _joined(records: Sequence[Record]) -> Scores:
    """Return the scores of all runs, what does not depend on the model once."""
    found: dict[tuple[str, ...], Score] = {}
    for record in records:
        for one in record.results.scores:
            key = (one["about"], one["part"], one.predictor, one.measure)
            found.setdefault(key, one)
    return Scores(found.values())


def _verdict(tests: Sequence[Test], models: Sequence[str]) -> str:
    """Return in words in which roles a model is better, level or worse than what is there."""
    told = []
    for model in models:
        mine = [one for one in tests if model in one.who]
        better = [one for one in mine if one.p < SURE and one.better > one.worse]
        worse = [one for one in mine if one.p < SURE and one.better < one.worse]
        level = [one for one in mine if one.p >= SURE]
        parts = [
            f"{word} {_places(some)}"
            for word, some in (("better", better), ("worse", worse), ("not told apart", level))
            if some
        ]
        told.append(f"{model} (p < {SURE}): {'; '.join(parts)}.")
    return " ".join(told)


def _places(tests: Sequence[Test]) -> str:
    counted = {"reading": ", where right ones alone count and wrong ones stand in the table,"}
    return ", ".join(
        f"in {NAMES[one.about]}{counted.get(one.about, '')} ({one.who} beside {one.than}; "
        f"{one.part})"
        for one in tests
    )


def _predictors(scores: Scores, about: Role) -> Iterator[tuple[str, str, dict[str, Score]]]:
    """Yield the scores of each part and predictor by measure."""
    mine = scores.where(about=about)
    for part in mine.values("part"):
        here = mine.where(part=part)
        for name in sorted(here.values("predictor"), key=_place):
            yield part, name, {one.measure: one for one in here.where(predictor=name)}


def _place(name: str) -> int:
    """Return where a predictor stands in tables: what needs no model first."""
    order = (CHANCE, POPULAR, RULES, EVIDENCE, TEMPLATES)
    return order.index(name) if name in order else len(order)


def _reading(scores: Scores) -> Table:
    rows = (
        (part, name, found["right"].value.n, *(found[one] for one in VERDICTS),
         _count(found.get("asked")))
        for part, name, found in _predictors(scores, "reading")
    )  # fmt: skip
    header = ("questions", "who", "n", "right", "wrong", "refused", "asked of the model")
    return table(header, rows, "Questions read")


def _branches(scores: Scores) -> Table:
    rows = (
        (part, name, found["right"].value.n or "", found["right"], found.get("chose the first"))
        for part, name, found in _predictors(scores, "branches")
    )
    header = ("right by", "who", "n", "chose it", "chose the first option")
    return table(header, rows, "First steps chosen")


def _steps(scores: Scores) -> Table:
    rows = (
        (
            name,
            _count(found.get("proposed")),
            _count(found.get("known")),
            _count(found.get("no gene")),
            (found["precision"].value.n or "") if "precision" in found else "",
            found.get("precision"),
            found.get("sign"),
            _count(found.get("failed")),
        )
        for _, name, found in _predictors(scores, "steps")
    )
    header = (
        *("who", "proposed", "known already", "no gene", "new", "of the new, right"),
        *("of these, right sign", "no usable answer"),
    )
    return table(header, rows, "Relations proposed")


def _stories(scores: Scores) -> Table:
    rows = (
        (
            part,
            name,
            _count(found.get("written")),
            *(found.get(one) for one in ("accepted", "rewritten", "dropped", "copied")),
            _count(found.get("told")),
            _count(found.get("sections")),
            _count(found.get("no story")),
        )
        for part, name, found in _predictors(scores, "stories")
    )
    header = (
        *("stories", "who", "sentences", "accepted at once", "when rewritten", "dropped"),
        *("copied", "facts told", "parts told", "stories without any"),
    )
    return table(header, rows, "Sentences of stories")


def _dropped(facts: Sequence[Facts]) -> Table:
    rows = [(one.model, why, n) for one in facts for why, n in one.dropped.items()]
    return table(("who", "why a sentence was dropped", "sentences"), rows, "Dropped")


def _tests(tests: Sequence[Test]) -> Table:
    header = ("role", "cases", "who", "than", "n", "better", "worse", "p")
    return table(
        header,
        (
            (NAMES[one.about], one.part, one.who, one.than, one.cases, one.better, one.worse,
             f"{one.p:.3f}")
            for one in tests
        ),
        "Paired, case by case",
    )  # fmt: skip


def _costs(facts: Sequence[Facts]) -> Table:
    header = ("model", "role", "requests", "prompt tokens", "cached", "written", "seconds waited")
    rows = [(one.model, *_cost(spent)) for one in facts for spent in one.spent]
    return table(header, rows, "Cost; seconds are the sum over requests that ran side by side")


def _cost(one: Spent) -> tuple[str, ...]:
    usage = one.usage
    counts = (usage.requests, usage.prompt, usage.cached, usage.completion)
    return (NAMES[one.about], *(f"{count:,}" for count in counts), f"{usage.seconds:,.0f}")


def _count(score: Score | None) -> str:
    return "" if score is None else f"{score.value.value:.0f}"


BENCHMARK = Benchmark("roles", page, summary)
