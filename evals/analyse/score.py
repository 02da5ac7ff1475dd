"""Agreement with R, named genes of a carcinoma, and sentences that a checker confirms."""

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, pearsonr, spearmanr, ttest_ind

from evals.harness.resampling import Estimate, Resampler
from evals.harness.scores import Score
from tools.counts.facts import MARK, QUOTE, Facts

# Eikrem et al. 2016 (PLoS ONE 11:e0149743) and the genes of VHL's loss in the issue.
RAISED, LOWERED = ("CA9", "NDUFA4L2", "VEGFA", "NPTX2"), ("UMOD", "SLC12A1")
_FIGURE = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])|(?<![\w.,])\d{2,}(?![\w.,])")
_WAYS = {"higher": "lower", "lower": "higher", "more active": "less active",
         "less active": "more active", "goes up": "goes down", "goes down": "goes up"}  # fmt: skip


def agreement(
    name: str, table: pd.DataFrame, reference: pd.DataFrame, alpha: float, seed: int, draws: int
) -> list[Score]:
    """Return how far a differential table agrees with that of R on the genes that both tested."""
    theirs = reference.drop_duplicates("ensembl_gene_id").set_index("ensembl_gene_id")
    theirs = theirs.rename(columns={"padj": "padj_of_r", "pvalue": "p_of_r", "stat": "stat_of_r"})
    mine = table.set_index("id").join(theirs, how="inner")
    mine = mine.dropna(subset=["log2FoldChange", "log2_fold_change"])
    keys = {"task": "airway against R"}
    ours, r = mine["log2_fold_change"], mine["log2FoldChange"]
    both = mine.dropna(subset=["pvalue", "p_of_r"])
    ranks = spearmanr(both["stat"].abs(), both["stat_of_r"].abs()).statistic
    held, known = mine["padj"] <= alpha, mine["padj_of_r"] <= alpha
    draw = Resampler(mine.index, seed, draws)
    shared = draw.mean(mine.index, (held & known).astype(float))
    union = draw.mean(mine.index, (held | known).astype(float))
    return [
        Score(name, "genes that both tested", float(len(mine)), **keys),
        Score(name, "r of log2 fold changes", float(pearsonr(ours, r).statistic), **keys),
        Score(name, "median difference of log2 fold changes", float((ours - r).abs().median()),
              **keys),
        Score(name, "rank agreement of the size of statistics", float(ranks), **keys),
        Score(name, "significant here", float(held.sum()), **keys),
        Score(name, "significant in R", float(known.sum()), **keys),
        Score(name, "Jaccard of significant genes", shared / union, **keys),
        Score(name, "with a p-value in both", float(len(both)), **keys),
    ]  # fmt: skip


def plain_test(counts: Path, design: Path) -> pd.DataFrame:
    """Return Welch's t of log counts per million, as a plain test would have it."""
    table = pd.read_csv(counts, index_col=0)
    groups = pd.read_csv(design, index_col=0)["dex"]
    table = table[table.sum(axis=1) >= 10]
    log = np.log2(table / table.sum() * 1e6 + 0.5)
    treated, control = (log[list(groups.index[groups == g])] for g in ("treated", "control"))
    with warnings.catch_warnings():
        # Of genes whose counts are all the same, which have no t.
        warnings.simplefilter("ignore", RuntimeWarning)
        stat, p = ttest_ind(treated, control, axis=1, equal_var=False)
    return pd.DataFrame(
        {
            "id": table.index,
            "log2_fold_change": (treated.mean(axis=1) - control.mean(axis=1)).to_numpy(),
            "stat": stat,
            "pvalue": p,
            "padj": false_discovery_control(np.nan_to_num(p, nan=1.0)),
        }
    )


def carcinoma_scores(folder: Path) -> Iterator[Score]:
    """Yield what became of the named genes, and how many are explained through HIF."""
    told = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    texts = [s for one in told["findings"] for s in one["sentences"]]
    table = pd.read_csv(folder / "differential.csv").set_index("gene")
    paths = pd.read_csv(folder / "explained.csv").set_index("gene")
    for gene, way in [*((g, "up") for g in RAISED), *((g, "down") for g in LOWERED)]:
        keys = {"task": "renal carcinoma", "gene": gene, "published": way}
        row = table.loc[gene]
        yield Score("knockwise analyse", "log2 fold change", float(row["log2_fold_change"]), **keys)
        yield Score("knockwise analyse", "called so", float(str(row["call"]) == way), **keys)
        size = table[table["call"] == way]["log2_fold_change"].abs()
        rank = int((size > abs(row["log2_fold_change"])).sum()) + 1
        yield Score("knockwise analyse", "rank by size", float(rank), **keys)
        mark = f"[gene {gene}]"
        yield Score("knockwise analyse", "in the findings", float(any(mark in t for t in texts)),
                    **keys)  # fmt: skip
        path = str(paths["path"].get(gene, "")) if gene in paths.index else ""
        yield Score("knockwise analyse", "explained from VHL",
                    float(gene in paths.index and paths.at[gene, "verdict"] == "explained"),
                    **keys)  # fmt: skip
        through = "HIF1A" in path or "EPAS1" in path
        yield Score("knockwise analyse", "path through HIF", float(through), **keys)


def sentence_scores(report: str, rows: pd.DataFrame) -> Iterator[Score]:
    """Yield the share of sentences that are confirmed, and of altered ones that are refused."""
    keys = {"task": "sentences", "report": report}
    written = rows[rows["how"] == "as written"]
    yield Score("as written", "confirmed", _share(written["confirmed"]), **keys)
    for how, some in rows[rows["how"] != "as written"].groupby("how"):
        yield Score(str(how), "refused", _share(~some["confirmed"]), **keys)


def _share(values: pd.Series) -> Estimate:
    return Estimate(value=float(values.mean()), n=len(values))


def altered(text: str, facts: Facts, seed: int) -> Iterator[tuple[str, str]]:
    """Yield a sentence with a wrong number, a wrong direction, and another gene's row."""
    bare = QUOTE.sub(lambda m: "“" + " " * (len(m[0]) - 2) + "”", MARK.sub(_blank, text))
    figures = [m for m in _FIGURE.finditer(bare) if not _named(bare, m, facts)]
    if figures:
        one = figures[seed % len(figures)]
        wrong = f"{float(one[0]) * 1.37 + 3:.{len(one[0].partition('.')[2])}f}"
        yield "wrong number", text[: one.start()] + wrong + text[one.end() :]
    for word, other in _WAYS.items():
        if re.search(rf"\b{word}\b", bare) and re.search(r"\[(gene|set|regulator) ", text):
            yield "wrong direction", re.sub(rf"\b{word}\b", other, text)
            break
    genes = [name for kind, name in MARK.findall(text) if kind == "gene"]
    if genes:
        names = sorted(facts.genes)
        rng = np.random.default_rng([seed, len(text)])
        for _ in range(20):
            other = names[int(rng.integers(len(names)))]
            if other not in text:
                yield "another gene", re.sub(rf"(?<!\w){re.escape(genes[0])}(?!\w)", other, text)
                break


def _blank(found: "re.Match[str]") -> str:
    return " " * len(found[0])


def _named(text: str, found: "re.Match[str]", facts: Facts) -> bool:
    """Return whether digits stand in a name that is no figure."""
    around = text[max(0, found.start() - 12) : found.end() + 12]
    return any(found[0] in name and name in around for name in facts.neutral)
