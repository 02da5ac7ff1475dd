"""What a statistician looks at before believing a comparison: counts, replicates, labels, outliers.

A check is a sentence with its level: an error stops the analysis, a warning stands at the head of
the report, a remark below it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from knowledge.errors import QuestionError
from knowledge.schema import Frozen
from tools.counts.design import Design, nested
from tools.counts.frames import columns_of

FEMALE = ("XIST", "TSIX")
MALE = ("RPS4Y1", "DDX3Y", "KDM5D", "UTY", "EIF1AY", "USP9Y", "ZFY", "TXLNGY", "NLGN4Y")
# The same genes by their Ensembl ids, for tables that are read without the full data.
SEX_IDS: Mapping[str, str] = {
    "ENSG00000229807": "XIST", "ENSG00000270641": "TSIX", "ENSG00000129824": "RPS4Y1",
    "ENSG00000067048": "DDX3Y", "ENSG00000012817": "KDM5D", "ENSG00000183878": "UTY",
    "ENSG00000198692": "EIF1AY", "ENSG00000114374": "USP9Y", "ENSG00000067646": "ZFY",
    "ENSG00000131002": "TXLNGY", "ENSG00000165246": "NLGN4Y",
}  # fmt: skip
_SEX_WORDS = {
    "f": "female", "female": "female", "woman": "female", "w": "female", "xx": "female",
    "m": "male", "male": "male", "man": "male", "xy": "male",
}  # fmt: skip
_SEX_COLUMN = re.compile(r"sex|gender", re.IGNORECASE)
# Counts per million from which a sex gene is there, and below which it is not.
_THERE, _GONE = 2.0, 0.5
_FEW_READS = 1e6
_UNEVEN = 3.0
# An outlier lies this many robust standard deviations off, as scater and others use.
_FAR = 5.0
TOP_VARIABLE = 500
SAMPLE_COLUMNS = ("group", "library", "detected", "pc1", "pc2", "sex", "remark")
SHOWN = 4
# A sample this far from the other group's centre, its own at 1, is told.
NEARER = 0.4
Level = Literal["error", "warning", "remark"]


class Check(Frozen):
    """A sentence about the data: what is amiss, and what to do.

    Attributes:
        name: What was checked.
        level: How much it matters.
        text: The sentence.
        samples: Which samples it is about.
        numbers: What its figures are, so that they can be confirmed.
    """

    name: str
    level: Level
    text: str
    samples: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True)
class SampleCheck:
    """What the samples are like.

    Attributes:
        table: By sample: group, library, detected, pc1, pc2, sex, remark.
        explained: Share of variance of the first two components.
        log: `(genes, samples)` log2 counts per million, for pictures.
        checks: Everything worth a sentence.
    """

    table: pd.DataFrame
    explained: tuple[float, float]
    log: pd.DataFrame
    checks: tuple[Check, ...]


def check_samples(
    counts: pd.DataFrame, names: Sequence[str], design: Design, perturbed: Sequence[str] = ()
) -> SampleCheck:
    """Return what the samples are like, and what is amiss.

    Args:
        counts: `(features, samples)`.
        names: Approved symbol of each feature, "" where none is known.
        design: What is compared.
        perturbed: Genes that were lost in the group of interest, whose level should tell.
    """
    library = counts.sum(axis=0)
    if (library == 0).any():
        empty = library.index[library == 0][0]
        raise QuestionError(f"The sample {empty} has no count at all; leave it out.")
    million = counts / library * 1e6
    log = pd.DataFrame(np.log2(million.to_numpy() + 1), million.index, million.columns)
    places, explained = components(log)
    symbols = pd.Series(list(names), counts.index)
    sex = _sex(million, symbols)
    table = pd.DataFrame(
        {
            "group": design.groups,
            "library": library.round().astype(int),
            "detected": (counts > 0).sum(axis=0),
            "pc1": places[:, 0],
            "pc2": places[:, 1],
            "sex": sex,
        },
        index=counts.columns,
    )
    table.index.name = "sample"
    found = [
        *_replicates(design),
        *_libraries(table),
        *_outliers(table, explained),
        *_sexes(sex, design),
        *_swapped(log, design),
        *_shadows(table, design),
        *_targets(million, symbols, design, perturbed),
    ]
    order = {"error": 0, "warning": 1, "remark": 2}
    found.sort(key=lambda one: order[one.level])
    said = {
        sample: "; ".join(dict.fromkeys(one.name for one in found if sample in one.samples))
        for sample in table.index
    }
    table["remark"] = pd.Series(said)
    return SampleCheck(table, explained, log, tuple(found))


def components(log: pd.DataFrame) -> tuple[np.ndarray, tuple[float, float]]:
    """Return the first two components of the most variable genes, and their share of variance."""
    from sklearn.decomposition import PCA

    variable = log.var(axis=1).nlargest(TOP_VARIABLE).index
    values = log.loc[variable].T.to_numpy()
    count = min(2, *values.shape)
    model = PCA(count, svd_solver="full").fit(values)
    places = np.zeros((len(values), 2))
    places[:, :count] = model.transform(values)
    shares = [*map(float, model.explained_variance_ratio_), 0.0]
    return places, (shares[0], shares[1])


def _replicates(design: Design) -> Iterator[Check]:
    if not design.test:
        return
    sizes = {one: design.members(one) for one in (design.test, design.reference)}
    counted = tuple(float(len(some)) for some in sizes.values())
    least = min(counted)
    told = " and ".join(f"{len(some)} of {name}" for name, some in sizes.items())
    if least == 1:
        text = (
            f"One group has a single sample ({told}): its own noise cannot be seen, so every "
            "p-value leans on the other group."
        )
        yield Check(name="replicates", level="warning", text=text, numbers=counted)
    elif least == 2:
        text = (
            f"There are {told}: with two replicates only large changes can be found, and one odd "
            "sample can make a finding; three or more would be safer."
        )
        yield Check(name="replicates", level="warning", text=text, numbers=counted)


def _libraries(table: pd.DataFrame) -> Iterator[Check]:
    library = table["library"]
    median = float(library.median())
    small = library[(library < median / _UNEVEN) | (library < _FEW_READS / 10)]
    if len(small):
        told = ", ".join(f"{name} {value:,.0f}" for name, value in list(small.items())[:SHOWN])
        yield Check(
            name="library size",
            level="warning",
            text=f"{told} counts are few beside the median of {median:,.0f}: what is rare is not "
            "seen there, and no normalisation brings it back.",
            samples=tuple(map(str, small.index)),
            numbers=(median, *map(float, small)),
        )
    groups = table.groupby("group", observed=True)["library"].median()
    if len(groups) == 2 and groups.max() > _UNEVEN * groups.min():
        low, high = groups.idxmin(), groups.idxmax()
        yield Check(
            name="library size",
            level="warning",
            text=f"The groups were sequenced to different depths (median {groups[high]:,.0f} "
            f"counts of {high}, {groups[low]:,.0f} of {low}): weak genes may seem to change.",
            numbers=tuple(map(float, groups)),
        )


def _outliers(table: pd.DataFrame, explained: tuple[float, float]) -> Iterator[Check]:
    """Yield samples that lie far from their own group, beside how far the others do."""
    places = table[["pc1", "pc2"]]
    if len(table) < 5:
        return
    own = places - places.groupby(table["group"]).transform("median")
    far = np.sqrt((own**2).sum(axis=1))
    middle = float(far.median())
    spread = 1.4826 * float((far - middle).abs().median())
    if spread <= 0:
        return
    off = far[(far - middle > _FAR * spread) & (far > 0.25 * far.sum())]
    if len(off):
        yield Check(
            name="outlier",
            level="warning",
            text=f"{', '.join(map(str, off.index))} lies far from the other samples of its group "
            f"in the principal components ({100 * sum(explained):.0f} % of the variance): look at "
            "its quality, and see with --leave-out whether the findings stand without it.",
            samples=tuple(map(str, off.index)),
            numbers=(100 * sum(explained),),
        )


def _sex(million: pd.DataFrame, symbols: pd.Series) -> pd.Series:
    """Return female, male, unclear or "" (no sex gene is in the table) of each sample."""
    named = symbols.where(symbols != "", pd.Series(symbols.index, symbols.index))
    bare = named.astype(str).str.replace(r"\.\d+$", "", regex=True)
    named = bare.map(lambda one: SEX_IDS.get(one, one)).str.upper()
    female = million[named.isin(FEMALE)].max(axis=0)
    male = million[named.isin(MALE)].sum(axis=0)
    if not named.isin(MALE).any() or not named.isin(FEMALE).any():
        if not named.isin(MALE).any():
            return pd.Series("", million.columns)
        # A table of proteins has no XIST: the Y alone tells.
        middle = float(male.max())
        said = np.where(male > _THERE * 4, "male", np.where(male < _GONE * 4, "female", "unclear"))
        return pd.Series(said if middle > _THERE * 4 else "", million.columns)
    male_there, female_there = male > _THERE * 4, female > _THERE
    said = np.select(
        [male_there & ~female_there, female_there & ~male_there, male_there & female_there],
        ["male", "female", "both"],
        "unclear",
    )
    return pd.Series(said, million.columns)


def _sexes(sex: pd.Series, design: Design) -> Iterator[Check]:
    sure = sex[sex.isin(["male", "female"])]
    column = next((c for c in columns_of(design.samples) if _SEX_COLUMN.search(c)), None)
    if column is not None:
        said = design.samples[column].astype(str).str.casefold().map(_SEX_WORDS)
        wrong = [one for one in sure.index if said[one] in ("male", "female")
                 and said[one] != sure[one]]  # fmt: skip
        if wrong:
            told = ", ".join(f"{one} ({said[one]} by the design)" for one in wrong[:SHOWN])
            yield Check(
                name="sex",
                level="warning",
                text=f"The sex genes (XIST, and those of the Y chromosome) contradict the design "
                f"in {told}: samples may be swapped; check them before anything is believed.",
                samples=tuple(wrong),
            )
    if design.pairs:
        pairs = design.samples[design.pairs].astype(str)
        for pair, mine in sure.groupby(pairs[sure.index]):
            if mine.nunique() > 1:
                told = " and ".join(f"{name} {one}" for name, one in mine.items())
                yield Check(
                    name="sex",
                    level="warning",
                    text=f"The samples of {design.pairs} {pair} are of different sex by their sex "
                    f"genes ({told}): they are not of one person, so a label is wrong.",
                    samples=tuple(map(str, mine.index)),
                )
    elif design.test and len(sure) == len(sex) and sure.nunique() == 2:
        table = pd.crosstab(design.groups, sure)
        if ((table > 0).sum(axis=1) == 1).all():
            yield Check(
                name="sex",
                level="warning",
                text=f"By their sex genes all samples of {design.test} are "
                f"{sure[design.members(design.test)[0]]} and all of {design.reference} "
                f"{sure[design.members(design.reference)[0]]}: sex and {design.column} are "
                "confounded, and genes of the sex chromosomes will be among the findings.",
            )
    if both := [str(name) for name in sex.index if sex[name] == "both"]:
        yield Check(
            name="sex",
            level="remark",
            text=f"{', '.join(both[:SHOWN])} shows XIST and genes of the Y chromosome together, as "
            "a mixture of two people, or a tumour, can.",
            samples=tuple(both),
        )


def _swapped(log: pd.DataFrame, design: Design) -> Iterator[Check]:
    """Yield samples that look like the other group when they are left out of it."""
    if not design.test:
        return
    members = [design.members(one) for one in (design.test, design.reference)]
    if min(map(len, members)) < 3:
        return
    mine = [*members[0], *members[1]]
    values = log.loc[log[mine].var(axis=1).nlargest(TOP_VARIABLE).index]
    leaning = {}
    for sample in mine:
        own, other = members if sample in members[0] else members[::-1]
        near = values[[one for one in own if one != sample]].median(axis=1)
        far = values[other].median(axis=1)
        axis = near - far
        # 1 at its own group's centre, 0 at the other's.
        along = np.dot(values[sample] - far, axis)
        leaning[sample] = float(along / max(float(np.dot(axis, axis)), 1e-9))
    right = np.mean([value > 0.5 for value in leaning.values()])
    odd = [sample for sample in mine if leaning[sample] < NEARER]
    if odd and right >= 0.7:
        told = ", ".join(f"{one} ({design.groups[one]} by the design)" for one in odd[:SHOWN])
        yield Check(
            name="swapped label",
            level="warning",
            text=f"{told} lies nearer the other group by its {len(values)} most variable genes, "
            f"while {100 * right:.0f} % of the samples lie nearer their own: a label may be "
            "swapped, or the sample be a mixture; check it, and see with --leave-out whether the "
            "findings stand without it.",
            samples=tuple(odd),
            numbers=(float(len(values)), 100 * float(right)),
        )


def _shadows(table: pd.DataFrame, design: Design) -> Iterator[Check]:
    """Yield other columns that split the samples as the contrast does, or that PCA shows."""
    from scipy.stats import f_oneway

    for name in columns_of(design.samples):
        if name == design.column or not isinstance(design.samples[name].dtype, pd.CategoricalDtype):
            continue
        if design.test and nested(design.samples, name, design.column):
            count = design.samples[name].nunique()
            if count == 2:
                yield Check(
                    name="confounding",
                    level="warning",
                    text=f"{name} splits the samples exactly as {design.column} does: every "
                    f"finding may be an effect of {name} as well, and no analysis can tell them "
                    "apart.",
                )
                continue
        if name in design.terms:
            continue
        groups = [table.loc[part, "pc1"] for part in design.samples.groupby(name, observed=True)
                  .groups.values() if len(part) > 1]  # fmt: skip
        if 1 < len(groups) < len(table) / 2:
            p = float(f_oneway(*groups).pvalue)
            own = [table.loc[design.members(one), "pc1"] for one in (design.test, design.reference)]
            mine = float(f_oneway(*own).pvalue) if design.test else 1.0
            if p < 0.01 and p < mine:
                yield Check(
                    name="batch",
                    level="warning",
                    text=f"The first principal component follows {name} (p = {p:.2g}) rather than "
                    f"{design.column}: take it out with --batch {name}.",
                    numbers=(p,),
                )


def _targets(
    million: pd.DataFrame, symbols: pd.Series, design: Design, perturbed: Sequence[str]
) -> Iterator[Check]:
    """Yield perturbed genes whose transcript does not fall."""
    for gene in perturbed:
        rows = million[symbols == gene]
        if rows.empty or not design.test:
            continue
        values = rows.sum(axis=0)
        test = float(values[design.members(design.test)].mean())
        reference = float(values[design.members(design.reference)].mean())
        told = f"{gene}: {test:.1f} counts per million in {design.test}, {reference:.1f} in "
        told += design.reference
        if reference > 1 and test > 1.3 * reference:
            yield Check(
                name="perturbed gene",
                level="warning",
                text=f"{told}: it is higher where it should be lost; the groups may be swapped, or "
                "the contrast turned round.",
                numbers=(test, reference),
            )
        elif reference > 1 and test > 0.8 * reference:
            yield Check(
                name="perturbed gene",
                level="remark",
                text=f"{told}: its transcript is hardly lower, as after a knockout that leaves the "
                "transcript or one that has not worked; the counts cannot say which.",
                numbers=(test, reference),
            )
