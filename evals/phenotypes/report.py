"""What the page of an evaluation of predicted phenotypes says."""

from collections.abc import Mapping
from typing import Any

from evals.harness.resampling import Estimate
from evals.perturbqa.report import Section, Table
from evals.phenotypes.predictors import OURS, REQUIRED
from evals.phenotypes.schema import MEASURES, Division, Gain, Measure, Metrics
from models.genepheno.phenotypes import TITLES, Collection
from models.genepheno.splits import SplitName

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
CLAIMS: dict[tuple[Collection, SplitName], tuple[Measure, ...]] = {
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
MOST_SYSTEMS = 14


def as_markdown(record: Mapping[str, Any]) -> str:
    """Return the section of a run.

    Args:
        record: `metrics`, `config` and `timing` of the run folder.
    """
    metrics = Metrics.model_validate(record["metrics"])
    parts = ["## Phenotypes from sequence", HOW, made(record["config"], record["timing"])]
    for section in sections(metrics):
        parts.append(f"### {section.title}")
        parts += [section.text] if section.text else []
        for caption, table in section.tables.items():
            parts.append(f"**{caption}**\n\n{table.markdown()}" if caption else table.markdown())
    return "\n\n".join(parts)


def made(config: Mapping[str, Any], timing: Mapping[str, Any]) -> str:
    """Return how and how long a run was made, in a sentence."""
    settings = config["settings"]
    total = sum(timing["seconds"].values())
    return (
        f"Seed {settings['seed']}, {settings['folds']} of 5 folds scored, {settings['draws']} "
        f"resamples, commit `{config['commit'][:10]}`. Time: {total / 60:,.0f} min; peak memory "
        f"{timing['peak_memory_mib']:,.0f} MiB."
    )


def summary(metrics: Metrics) -> str:
    """Return what a terminal shows: the claims, and every predictor's measures."""
    parts = ["Against the baselines to beat", claim_table(metrics).markdown()]
    for about in metrics.divisions:
        parts += [f"**{title(about)}**", score_table(metrics, about).markdown()]
    return "\n\n".join(part for part in parts if part)


def sections(metrics: Metrics) -> list[Section]:
    """Return the page in order; parts that were not measured are left out."""
    found = [Section("Against the baselines to beat", CLAIMED, {"": claim_table(metrics)})]
    for about in metrics.divisions:
        tables = {"": score_table(metrics, about), "What ours gains over each": gain_table(
            metrics, about
        )}  # fmt: skip
        said = f"{TITLES[about.collection].capitalize()}; {SPLITS[about.split]}. " + REFERENCE
        said += (
            f" {about.learnt:,} genes learnt from, {about.genes:,} tested, {about.terms:,} terms, "
            f"of which {about.ranked:,} can be ranked."
        )
        found.append(
            Section(title(about), said, tables, (f"curve-{about.collection}-{about.split}",))
        )
    found.append(Section("Without its parts", ABLATIONS, {"": ablation_table(metrics)}))
    for about in metrics.divisions:
        table = system_table(metrics, about)
        name = f"systems-{about.collection}-{about.split}"
        found.append(Section(f"Systems: {title(about)}", SYSTEMS, {"": table}, (name,)))
    for one in metrics.bottlenecks:
        found.append(
            Section(
                f"Bottleneck: {one.collection}",
                "Which functions carry the phenotypes of which systems.",
                {},
                (f"bottleneck-{one.collection}",),
            )
        )
    return [s for s in found if s.plots or any(table.rows for table in s.tables.values())]


def title(about: Division) -> str:
    """Return a division as a heading."""
    return f"{about.collection}, {about.split} split"


def claim_table(metrics: Metrics) -> Table:
    """Return ours against each baseline that has to be beaten, where it has to be."""
    found = {(g.collection, g.split, g.measure, g.over): g for g in metrics.gains
             if g.predictor == OURS}  # fmt: skip
    rows = []
    for (collection, split), measures in CLAIMS.items():
        for measure in measures:
            gains = [found.get((collection, split, measure, name)) for name in REQUIRED]
            if all(gains):
                cells = [_gain(one) for one in gains]
                rows.append((collection, split, MEASURES[measure], *cells))
    return Table(("collection", "split", "measure", *REQUIRED), tuple(rows))


def score_table(metrics: Metrics, about: Division) -> Table:
    """Return every predictor's measures under one division, ablations left out."""
    scores = [s for s in metrics.scores if _same(s, about) and s.role != "ablation"]
    found = {(s.predictor, s.measure): s.value for s in scores}
    rows = [
        (name, *(_value(found.get((name, measure))) for measure in MEASURES))
        for name in dict.fromkeys(s.predictor for s in scores)
    ]
    return Table(("predictor", *MEASURES.values()), tuple(rows))


def gain_table(metrics: Metrics, about: Division) -> Table:
    """Return how far ours is ahead of every other predictor under one division."""
    ablated = {s.predictor for s in metrics.scores if s.role == "ablation"}
    gains = [g for g in metrics.gains if _same(g, about) and g.over not in ablated]
    return Table(("over", *MEASURES.values()), _gains(gains))


def ablation_table(metrics: Metrics) -> Table:
    """Return how far ours is ahead of what is left without each of its parts."""
    ablated = {s.predictor for s in metrics.scores if s.role == "ablation"}
    rows: list[tuple[str, ...]] = []
    for about in metrics.divisions:
        gains = [g for g in metrics.gains if _same(g, about) and g.over in ablated]
        rows += [(title(about), *cells) for cells in _gains(gains)]
    return Table(("", "without", *MEASURES.values()), tuple(rows))


def system_table(metrics: Metrics, about: Division) -> Table:
    """Return ours, the best baseline and the reference in the systems with most terms."""
    mine = [s for s in metrics.systems if _same(s, about)]
    names = shown_predictors(metrics, about)
    found = {(s.system, s.predictor): s for s in mine}
    sizes = {s.system: s.terms for s in mine}
    order = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST_SYSTEMS]
    rows = []
    for system in order:
        cells = [found.get((system, name)) for name in names]
        rows.append((system, str(sizes[system]), *(_value(c.auroc if c else None) for c in cells)))
    return Table(("system", "terms", *names), tuple(rows))


def shown_predictors(metrics: Metrics, about: Division) -> tuple[str, ...]:
    """Return ours, the baseline with the best AUROC and the reference, those that there are."""
    scores = [s for s in metrics.scores if _same(s, about) and s.measure == "auroc"]
    baselines = [s for s in scores if s.role == "baseline"]
    best = max(baselines, key=lambda s: s.value.value).predictor if baselines else ""
    chosen = [s.predictor for s in scores if s.role == "ours"]
    chosen += [best] if best else []
    return (*chosen, *(s.predictor for s in scores if s.role == "reference"))


def _gains(gains: list[Gain]) -> tuple[tuple[str, ...], ...]:
    found = {(g.over, g.measure): g for g in gains}
    return tuple(
        (name, *(_gain(found.get((name, measure))) for measure in MEASURES))
        for name in dict.fromkeys(g.over for g in gains)
    )


def _same(one: Any, about: Division) -> bool:  # noqa: ANN401  # any record of a division
    return (one.collection, one.split) == (about.collection, about.split)


def _gain(one: Gain | None) -> str:
    if one is None:
        return ""
    gain = one.gain
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] {one.verdict}"


def _value(one: Estimate | None) -> str:
    return "" if one is None else str(one)
