"""Which regulators' targets move together: activity by decoupler on the project's own regulons."""

import warnings

import numpy as np
import pandas as pd

from knowledge.graph import SignedGraph
from tools.counts.differential import quietly

LEAST_TARGETS = 8
MOST_NAMED = 5
COLUMNS = {
    "regulator": "Approved symbol of the regulator.",
    "score": "T-value of a univariate linear model of the statistics on signed targets; positive "
    "is more active.",
    "padj": "Its p-value adjusted by Benjamini and Hochberg.",
    "targets": "Targets that were tested.",
    "agreeing": "Targets that changed the way this activity says.",
    "opposing": "Targets that changed the other way.",
    "leading": "Agreeing targets, the largest statistic first.",
}


def regulons(graph: SignedGraph, tested: set[str]) -> pd.DataFrame:
    """Return `source`, `target` and `weight` of every regulator with enough tested targets.

    A weight is the sign of the relation times its trust.
    """
    sources = {edge.source for edge in graph.edges if edge.changes_expression and edge.sign}
    rows = []
    for source in sorted(sources):
        if graph.kind(source) != "gene":
            continue
        for one in graph.out_relations(source):
            if one.expression and one.target in tested and one.target != source:
                rows.append((source, one.target, one.sign * max(one.trust, 0.05)))
    net = pd.DataFrame(rows, columns=["source", "target", "weight"])
    counts = net.groupby("source")["target"].transform("count")
    return net[counts >= LEAST_TARGETS].reset_index(drop=True)


def activities(table: pd.DataFrame, net: pd.DataFrame) -> pd.DataFrame:
    """Return the activity of every regulator, the most significant first.

    Args:
        table: A differential table with a row for each gene (`by_gene`).
        net: Of `regulons`.
    """
    if net.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    import decoupler
    from scipy.stats import false_discovery_control, t

    tested = table[table["stat"].notna()].set_index("gene")
    stats = tested["stat"].astype(float)
    data = pd.DataFrame([stats.to_numpy()], index=["contrast"], columns=stats.index)
    with warnings.catch_warnings(), quietly():
        warnings.simplefilter("ignore")
        scores, _ = decoupler.mt.ulm(data=data, net=net, tmin=LEAST_TARGETS, verbose=False)
    # Its own p-values are zero where they are small; the score is a t-value, whose tail is known.
    tails = 2 * t.sf(np.abs(scores.iloc[0].to_numpy(float)), len(stats) - 2)
    padj = pd.Series(false_discovery_control(tails), scores.columns)
    mine = net.assign(stat=net["target"].map(stats), call=net["target"].map(tested["call"]))
    rows = []
    for name, some in mine.groupby("source"):
        if name not in scores.columns:
            continue
        score = float(scores[name].iloc[0])
        way = np.sign(some["weight"]) * np.sign(score)
        moved = some["call"].map({"up": 1, "down": -1}).fillna(0)
        agreeing = some[way * moved > 0]
        leading = agreeing.reindex(agreeing["stat"].abs().sort_values(ascending=False).index)
        rows.append(
            {
                "regulator": name,
                "score": score,
                "padj": float(padj[name]),
                "targets": len(some),
                "agreeing": len(agreeing),
                "opposing": int((way * moved < 0).sum()),
                "leading": ";".join(leading["target"]),
            }
        )
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    order = found.assign(_size=-found["score"].abs()).sort_values(["padj", "_size"]).index
    return found.loc[order]
