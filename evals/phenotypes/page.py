"""What the page of an evaluation of predicted phenotypes says."""

from collections.abc import Iterator

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section, shown
from evals.harness.scores import Results, Scores
from evals.harness.tables import Table, judged, pivot, table
from evals.phenotypes import plots
from evals.phenotypes.facts import MEASURES, Division, Facts
from evals.phenotypes.predictors import BOTH, BOTH_READ, OURS, READ, REQUIRED
from evals.phenotypes.splits import SplitName
from evals.phenotypes.systems import largest, shown_predictors
from models.genepheno.phenotypes import TITLES, Collection

HOW = (
    "Phenotypes of genes whose labels the predictor never saw, from their protein sequence. "
    "F_max and S_min are gene-centric, as in CAFA: labels and predictions are propagated to "
    "ancestors, 101 thresholds, precision over the genes of which something is predicted; S_min "
    "weighs terms by their information among the genes learnt from, in bits, and less is better. "
    "Macro AUROC and AUPRC are means over the terms that some tested gene has and some has not. "
    "Brackets are 95 % intervals: bootstrap resamples of whole genes, shared by everything that is "
    "compared. Genes that a label file does not hold may be withheld; they are neither learnt from "
    "nor counted as negatives. Genes examined without a finding count as negatives in the ranking "
    "of terms. Settings of the model were chosen on validation genes of the first fold of seed 0, "
    "among some forty; the form of an early prototype was also looked at on test genes of other "
    "splits."
)
SPLITS: dict[SplitName, str] = {
    "random": "genes drawn at random; relatives of tested genes may be learnt from",
    "homology": "whole protein families: no tested protein has a relative of 30 % identity over "
    "half of the shorter one to learn from, by any chain of relatives",
    "temporal": "learnt from the genes of HPO 2014, tested on genes first described since, by "
    "their labels of 2023",
}
CLAIMS: dict[tuple[Collection, SplitName], tuple[str, ...]] = {
    ("mp", "random"): ("f_max", "auroc"),
    ("hpo", "random"): ("f_max", "auroc"),
    ("mp", "homology"): ("auroc",),
    ("hpo", "homology"): ("auroc",),
}
"""Where the model has to beat every one of `REQUIRED`."""
CLAIMED = (
    "Gain over the baselines that have to be beaten, on the same resampled genes. Better or worse: "
    "the interval of the gain leaves out zero."
)
REFERENCE = (
    "The upper reference is told what GO says of the very genes it predicts. Much of GO was "
    "concluded from the phenotypes, so it is no fair opponent: it says what a bottleneck of "
    "functions could carry if functions were known."
)
ABLATIONS = (
    "The model without one of its parts: how much the whole is ahead of what is left. A part that "
    "changes nothing that can be told from noise is level."
)
SYSTEMS = (
    "Macro AUROC over the terms of a top-level system, for the systems with most terms; the best "
    "baseline is the one that is best over all terms."
)
WITH_UNIREP_HOW = (
    "Whether a real protein language model helps: UniRep (Alley et al. 2019; mean hidden state of "
    "its last layer) beside our own profile in the process; and means of the probabilities of the "
    "process and the dense network, with equal weights. Nothing was chosen here. Measures, splits "
    "and intervals as above. UniRep's weights are CC BY-NC 4.0: they are named with `--unirep`, "
    "and nothing that is shipped was made with them."
)
NAMES = {name: str(measure) for name, measure in MEASURES.items()}


def page(record: Record) -> Page:
    """Return the page of a run."""
    settings = record.settings
    made = record.made(f"{settings['folds']} of 5 folds scored", f"{settings['draws']} resamples")
    title = "Phenotypes from sequence"
    return Page(title, (HOW,), made, sections(record.results), ours=OURS)


def summary(results: Results) -> str:
    """Return what a terminal shows: the claims, and every predictor's measures."""
    parts = ["Against the baselines to beat", claim_table(results.scores).markdown()]
    for about in results.about(Facts).divisions:
        parts += [f"**{about.title}**", _scores(results.scores, about).markdown()]
    return "\n\n".join(parts)


def sections(results: Results) -> tuple[Section, ...]:
    """Return the page in order; parts that were not measured are left out."""
    facts, scores = results.about(Facts), results.scores
    found = [Section("Against the baselines to beat", CLAIMED, (claim_table(scores),))]
    for about in facts.divisions:
        said = (
            f"{TITLES[about.collection].capitalize()}; {SPLITS[about.split]}. {REFERENCE} "
            f"{about.learnt:,} genes learnt from, {about.genes:,} tested, {about.terms:,} terms, "
            f"of which {about.ranked:,} can be ranked."
        )
        plot = f"curve-{about.collection}-{about.split}"
        tables = (_scores(scores, about), _gains(scores, about))
        found.append(Section(about.title, said, tables, (plot,)))
    found.append(Section("Without its parts", ABLATIONS, (_ablations(scores, facts),)))
    for about in facts.divisions:
        plot = f"systems-{about.collection}-{about.split}"
        if (told := _systems(scores, about)).rows:
            found.append(Section(f"Systems: {about.title}", SYSTEMS, (told,), (plot,)))
    for one in facts.bottlenecks:
        said = "Which functions carry the phenotypes of which systems."
        plot = f"bottleneck-{one.collection}"
        found.append(Section(f"Bottleneck: {one.collection}", said, (), (plot,)))
    return tuple(one for one in found if one.told)


def claim_table(scores: Scores) -> Table:
    """Return ours against each baseline that has to be beaten, where it has to be."""
    found = scores.where(predictor=OURS).by("collection", "split", "measure", "than")
    rows = []
    for (collection, split), measures in CLAIMS.items():
        for measure in measures:
            gains = [found.get((collection, split, measure, name)) for name in REQUIRED]
            if all(gains):
                rows.append((collection, split, NAMES[measure], *map(judged, gains)))
    return table(("collection", "split", "measure", *REQUIRED), rows)


def _scores(scores: Scores, about: Division) -> Table:
    """Return every predictor's measures under one division, ablations left out."""
    roles = ("baseline", "reference", "ours")
    told = scores.plain.where(role=roles, system=None, **about.keys)
    return pivot(told, "predictor", "measure", order=list(MEASURES), names=NAMES)


def _ablated(scores: Scores) -> list[str]:
    return scores.where(role="ablation").values("predictor")


def _gains(scores: Scores, about: Division, name: str = "ours") -> Table:
    """Return how far ours is ahead of every other predictor under one division."""
    ablated = _ablated(scores)
    told = Scores(one for one in scores.where(**about.keys).gains if one.than not in ablated)
    return pivot(
        told, "than", "measure", judged, order=list(MEASURES), names=NAMES, header="over",
        caption=f"What {name} gains over each",
    )  # fmt: skip


def _ablations(scores: Scores, facts: Facts) -> Table:
    """Return how far ours is ahead of what is left without each of its parts."""
    titles = {(one.collection, one.split): one.title for one in facts.divisions}
    told = pivot(
        Scores(scores.where(than=_ablated(scores)).gains),
        ("collection", "split", "than"),
        "measure",
        judged,
        order=list(MEASURES),
    )
    rows = ((titles[c, s], *cells) for c, s, *cells in told.rows)  # type: ignore[index]
    return table(("", "without", *NAMES.values()), rows)


def _systems(scores: Scores, about: Division) -> Table:
    """Return ours, the best baseline and the reference in the systems with most terms."""
    names = shown_predictors(scores, about)
    found = scores.plain.where(measure="auroc", **about.keys).by("system", "predictor")
    rows = (
        (system, terms, *(found.get((system, name)) for name in names))
        for system, terms in largest(scores, about).items()
    )
    return table(("system", "terms", *names), rows)


def page_with_unirep(record: Record) -> Page:
    """Return the page of a run that compares what a protein language model adds."""
    settings = record.settings
    made = record.made(f"{settings['folds']} of 5 folds scored", f"{settings['draws']} resamples")
    title = "Phenotypes from sequence, with a protein language model"
    sections = tuple(_with_unirep(record.results))
    return Page(title, (WITH_UNIREP_HOW,), made, sections, ours=BOTH_READ)


def summary_with_unirep(results: Results) -> str:
    """Return what a terminal shows of it."""
    return shown(_with_unirep(results))


def _with_unirep(results: Results) -> Iterator[Section]:
    for about in results.about(Facts).divisions:
        said = (
            f"{TITLES[about.collection].capitalize()}; {SPLITS[about.split]}. {about.learnt:,} "
            f"genes learnt from in each fold, {about.genes:,} tested in all."
        )
        scores = results.scores
        gains = [
            _gains(Scores(one for one in scores if one.predictor == name), about, name)
            for name in (READ, BOTH, BOTH_READ)
        ]
        yield Section(about.title, said, (_scores(scores, about), *gains))


BENCHMARK = Benchmark("genepheno", page, summary, plots.drawn)
WITH_UNIREP = Benchmark("genepheno-unirep", page_with_unirep, summary_with_unirep)
