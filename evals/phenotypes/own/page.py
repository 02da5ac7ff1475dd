"""What is told of predicted phenotypes that somebody brings."""

from evals.harness.benchmark import Benchmark
from evals.harness.brought import Coverage
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Scores
from evals.harness.tables import judged, pivot
from evals.phenotypes.facts import MEASURES
from knowledge.schema import Frozen

YOURS = "yours"
HOW = (
    "Your numbers for the tested genes of each fold beside those of the run, on the same resampled "
    "genes (95 % intervals). As in CAFA, a term that is not given for a gene counts as predicted "
    "with 0, and so does one without a single number; how many those are is told here and never "
    "passed over. Your model must not have learnt from the fold that it answers."
)
NAMES = {name: str(measure) for name, measure in MEASURES.items()}


class Facts(Frozen):
    """What a file answers.

    Attributes:
        file: Its name.
        coverage: Of each collection and split, in rows of a gene and a term.
        silent: Tested genes of which it says nothing at all, by collection and split.
    """

    file: str
    coverage: tuple[Coverage, ...]
    silent: dict[str, int]

    def __str__(self) -> str:
        told = [str(one) for one in self.coverage]
        told += [f"{where}: nothing of {count:,} tested genes."
                 for where, count in self.silent.items() if count]  # fmt: skip
        return "\n".join(told)


def page(record: Record) -> Page:
    """Return the page of a run."""
    facts = record.results.about(Facts)
    how = (HOW, *str(facts).splitlines())
    title = f"Phenotypes from sequence: {facts.file}"
    return Page(title, how, record.made(), sections(record.results.scores), YOURS, " (own)")


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    told = [text for one in sections(results.scores) for text in one.markdown()]
    return "\n\n".join([str(results.about(Facts)), *told])


def sections(scores: Scores) -> tuple[Section, ...]:
    """Return the page in order."""
    found = []
    for collection, split in scores.by("collection", "split"):
        mine = scores.where(collection=collection, split=split)
        made = pivot(mine.plain, "predictor", "measure", order=list(MEASURES), names=NAMES)
        ahead = pivot(
            Scores(mine.gains), "than", "measure", judged, order=list(MEASURES), names=NAMES,
            header="yours over", caption="What yours gains",
        )  # fmt: skip
        found.append(Section(f"{collection}, {split} split", "", (made, ahead)))
    return tuple(found)


BENCHMARK = Benchmark("own-genepheno", page, summary)
