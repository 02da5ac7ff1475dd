"""What the page of an evaluation of subtypes says."""

import math
from collections.abc import Iterator

from evals.harness.benchmark import Benchmark
from evals.harness.page import Page, Record, Section
from evals.harness.scores import Results, Score, Scores
from evals.harness.tables import Table, pivot, table

STANDS, RULE = "stands", "rule alone"
HOW = (
    "Each method is a configuration that was declared before labels were looked at, and is run in "
    "one harness; nothing but the score reads a label. One came later: `ica` was added after `pca` "
    "was seen to miss both groups of leukaemia, chosen among three (also density clustering and "
    "k-means nested in halves) by stability beside data without groups, before its own groups were "
    "compared with a label. Leukaemia: Chiaretti 2004, 128 patients, "
    "12,625 probes; E2A/PBX1 is 3.9 % of them and ALL1/AF4 7.8 %. Colorectal: 92 tumours of TCGA; "
    "microsatellite-instable (MSIH) 14 %, CMS1 13 % of those with a subtype, so that rare is "
    "below 20 % there. Renal: KIRC of TCGA, 124 patients as principal components, with survival.",
    "A group is a cluster that is rare (below 10 %, three samples or more) and stable (a mean "
    "Jaccard of .60 over runs). It stands where its false-discovery rate is at most 5 % beside "
    "both kinds of data without groups: each gene permuted on its own, and samples turned at "
    "random so that the covariance of genes stays. A known group is found where a group's Jaccard "
    "with it is at least .50. Methods that take long (`paper`; `nmf`, "
    "`consensus` and `autoencoder` where they were run) have fewer data sets without groups, too "
    "few for one group alone to stand: what they find by the rule alone is beside it.",
    "The published procedure (autoencoder, k-means, seeds) is `paper`. Its own figures are of the "
    "KIRC samples of a data set of UCI that cannot be had here, and no file of this project holds "
    "them: none is quoted, and the KIRC patients here are others in part.",
)
CHANCE = (
    "Share of data sets without groups in which a method finds a rare and stable cluster by the "
    "published rule, and in which one passes the false-discovery rate: there the data set is left "
    "out of those it is compared with. Wilson's 95 % intervals."
)


def page(record: Record) -> Page:
    """Return the page of a run."""
    told = (
        f"{record.settings['permutations']} data sets without groups of each kind, "
        f"{record.settings['costly']} for slow methods"
    )
    return Page("Rare subtypes", HOW, record.made(told), tuple(_sections(record.results.scores)))


def summary(results: Results) -> str:
    """Return what a terminal shows."""
    return "\n\n".join(
        text for section in _sections(results.scores) for text in section.markdown() if text
    )


def _sections(scores: Scores) -> Iterator[Section]:
    sought = scores.where(task="sought")
    yield Section(
        "Known rare groups",
        "Of the groups that stand, and of all that the rule alone calls rare and stable, the one "
        "nearest to the known group. Intervals: Wilson's, 95 %.",
        tuple(
            _found(
                sought.where(cohort=cohort, group=group, role=role), f"{cohort}, {group}: {said}"
            )
            for cohort in sought.values("cohort")
            for group in sought.where(cohort=cohort).values("group")
            for role, said in ((STANDS, "groups that stand"), (RULE, "by the rule alone"))
        ),
    )
    chance = scores.where(task="chance")
    yield Section(
        "Where nothing is",
        CHANCE,
        tuple(
            pivot(chance.where(cohort=cohort), "predictor", ("data", "measure"), _share,
                  names=lambda head: f"{head[0]}: {head[1]}", header="method", caption=cohort)
            for cohort in chance.values("cohort")
        ),
    )  # fmt: skip
    groups, levels = scores.where(task="groups"), scores.where(task="levels")
    yield Section(
        "Groups and partitions",
        "Rare and stable groups, those beyond chance, and the share of split halves that both have "
        "them. The partition is the level whose clusters are most stable beside data of the same "
        "covariance; adjusted Rand against the molecular class (leukaemia) or the consensus "
        "subtype (colorectal), with 95 % intervals over samples.",
        tuple(
            pivot(Scores([*groups.where(cohort=cohort), *levels.where(cohort=cohort)]),
                  "predictor", "measure", _plain, header="method", caption=cohort)
            for cohort in groups.values("cohort")
        ),
    )  # fmt: skip
    survival = scores.where(task="survival")
    yield Section(
        "Survival of the groups that stand",
        "Beside the rest; not corrected for the number of groups.",
        tuple(
            pivot(survival.where(cohort=cohort), ("predictor", "group"), "measure", _plain,
                  header=("method", "group"), caption=cohort)
            for cohort in survival.values("cohort")
        ),
    )  # fmt: skip


def _found(scores: Scores, caption: str) -> Table:
    rows = []
    for name in scores.values("predictor"):
        mine = {one.measure: one for one in scores.where(predictor=name)}
        got = mine["jaccard"].value.value > 0
        rows.append(
            [
                name,
                "found" if mine["found"].value.value else "missed",
                *(str(mine[one]) if got else "" for one in ("recall", "precision")),
                *(_number(mine[one]) if got else "" for one in ("jaccard", "stability", "rate")),
                _number(mine["markers hold"]) if "markers hold" in mine else "",
            ]
        )
    header = ("method", "", "recall", "precision", "Jaccard", "stability", "false-discovery rate",
              "markers hold")  # fmt: skip
    return table(header, rows, caption)


def _number(score: Score) -> str:
    return "" if math.isnan(score.value.value) else f"{score.value.value:.3f}"


def _plain(score: Score) -> str:
    value = score.value
    if not math.isnan(value.low):
        return str(value)
    return f"{value.value:g}" if value.value == round(value.value) else f"{value.value:.3g}"


def _share(score: Score) -> str:
    value = score.value
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


BENCHMARK = Benchmark("subtypes", page, summary)
