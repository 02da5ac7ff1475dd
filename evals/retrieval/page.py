"""What is told of the text index."""

from collections.abc import Iterator

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, pivot, signed, table
from evals.retrieval.asking import MEASURES, WHOLE
from evals.retrieval.facts import Facts
from evals.retrieval.questions import FRAME, SETS
from evals.retrieval.rivals.encoders import OURS
from evals.retrieval.score import ENCODER, SEARCH

HOW = (
    "Questions in words, put to an index as `knockwise index build` makes it; a question counts "
    "by the share of the genes or terms wanted that are among the first 1, 5 or 10 passages. "
    "*index* is all that the product searches by: genes and terms that are named first, then the "
    "fusion of words (BM25) and meaning (vectors). *random*: what passages drawn at random would "
    "have. Intervals are 95 %, over genes, terms or questions, shared by all searches.",
    "No question finds its own text except where it says so: {}. The fixed sentence is "
    f"“{FRAME.format('GENE')}”.",
)
PART = (
    "**Of a part:** {:,} texts, those that answer and others drawn at random, not the whole "
    "corpus: among all of it fewer are found. `--texts` says how many, by default all."
)
ENCODERS = (
    "{:,} of the texts, those that answer among them, and the questions in prose: meaning alone, "
    "by exhaustive search. The shipped encoder computes in bfloat16 where the processor does, as "
    "that of the run, and elsewhere in float32. {}"
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    told = "; ".join(f"*{name}*: {what}" for name, what in SETS.items())
    results = record.results
    limit = record.settings["texts"]
    part = PART.format(results.about(Facts).built.texts) if limit else ""
    return Page(
        "Retrieval",
        (HOW[0], HOW[1].format(told), part),
        record.made(f"at most {record.settings['each']} genes or terms a set", stages=True),
        tuple(_sections(results)),
        WHOLE,
        " (retrieval)",
    )


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return "\n\n".join(text for one in _sections(results) for text in one.markdown() if text)


def _sections(results: Results) -> Iterator[Section]:
    facts, scores = results.about(Facts), results.scores
    mine = scores.where(task=SEARCH)
    yield Section("Recall", "", tuple(_recalls(mine.plain, measure) for measure in MEASURES))
    yield Section(
        "The whole index ahead of each search",
        "On the same resamples.",
        tuple(_ahead(mine, measure) for measure in MEASURES),
    )
    yield Section("What the index takes", "", (_taken(facts),))
    if facts.costs:
        yield from _encoders(facts, scores.where(task=ENCODER))


def _recalls(scores: Scores, measure: str) -> Table:
    return pivot(
        scores.where(measure=measure), "set", "predictor", caption=measure, header="questions"
    )


def _ahead(scores: Scores, measure: str) -> Table:
    gains = Scores(scores.where(measure=measure).gains)
    return pivot(gains, "set", "than", signed, caption=measure, header="questions")


def _taken(facts: Facts) -> Table:
    built = facts.built
    counts = ", ".join(f"{number:,} {kind}" for kind, number in built.counts.items())
    rate = f"{built.encoded / built.cpu_s:,.0f}" if built.encoded and built.cpu_s else ""
    row = (built.encoder, f"{built.texts:,} ({counts})", f"{built.cpu_s:,.0f} s", rate,
           f"{built.mib:,.0f} MiB", f"{facts.ms:,.0f} ms")  # fmt: skip
    header = ("encoder", "texts", "processor time", "texts per second of it", "on disk",
              "of a search, median")  # fmt: skip
    return table(header, [row])


def _encoders(facts: Facts, scores: Scores) -> Iterator[Section]:
    left_out = " ".join(facts.left_out)
    rates = {one.encoder: one.rate for one in facts.costs}
    rows = [(name, f"{rate:,.1f}", f"{rates[OURS] / rate:.2f}") for name, rate in rates.items()]
    yield Section(
        "Encoders",
        ENCODERS.format(facts.costs[0].texts, left_out).strip(),
        (
            table(("encoder", "texts per second of processor time", "time beside ours"), rows),
            *(
                pivot(scores.where(measure=measure).plain, "predictor", "set", caption=measure,
                      header="encoder")
                for measure in MEASURES
            ),
            *(
                pivot(Scores(scores.where(measure=measure).gains), "predictor", "set", signed,
                      caption=f"{measure}, ahead of ours", header="encoder")
                for measure in MEASURES
            ),
        ),
    )  # fmt: skip


BENCHMARK = Benchmark("retrieval", page, summary)
