"""Which gene sets move together: GSEA on the whole ranking, over-representation in what changed."""

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from knowledge.base import Knowledge
from knowledge.gene_sets import GeneSet
from tools.counts.differential import quietly
from tools.counts.frames import series_of

LEAST, MOST = 10, 500
# Sets of this many tested genes are ranked; larger ones say little.
LEAST_RANKED, MOST_RANKED = 15, 300
SEED = 1
BATCH = 250
FDR = 0.05
# What adaptive multilevel splitting (Korotkevich et al. 2021) is asked to tell from zero.
FLOOR = 1e-50
COLUMNS = {
    "set": "Id of the gene set.",
    "name": "Its name.",
    "source": "The database it is from.",
    "reference": "Its identifier there.",
    "size": "Genes of the set that were tested.",
    "es": "Enrichment score of GSEA.",
    "nes": "The score over that of random sets of the size; positive is up.",
    "p": "Nominal p-value of GSEA.",
    "fdr": "P-values of GSEA adjusted by Benjamini and Hochberg.",
    "leading": "Genes that carry the score, the first foremost.",
    "changed": "Genes of the set that changed the way the set goes.",
    "expected": "Genes of the set that would by chance.",
    "padj": "Adjusted p-value of that over-representation (hypergeometric).",
    "genes": "Which these are.",
}
_SOURCES = {"starter": "built-in pathways"}


def sets_of(knowledge: Knowledge, *, ontology: bool) -> list[GeneSet]:
    """Return pathways, processes and (`ontology`) terms of the Gene Ontology as gene sets."""
    found = [one for one in knowledge.gene_sets if one.kind != "complex"]
    if ontology and knowledge.ontology is not None:
        members: dict[str, list[str]] = defaultdict(list)
        for gene in knowledge.symbols:
            for above in knowledge.ontology.annotations(gene.symbol, propagate=True):
                members[above].append(gene.symbol)
        for term in knowledge.ontology:
            genes = members.get(term.id, ())
            if term.namespace == "biological_process" and LEAST <= len(genes) <= MOST:
                name, number = term.name, term.id
                found.append(
                    GeneSet(
                        id=number,
                        name=name,
                        kind="process",
                        source="GO",
                        reference=number,
                        members=tuple(genes),
                    )
                )
    return found


def enriched(
    table: pd.DataFrame, ranked: Sequence[GeneSet], counted: Sequence[GeneSet], jobs: int = 2
) -> pd.DataFrame:
    """Return every gene set that could be tested, the most significant first.

    Args:
        table: A differential table with a row for each gene (`by_gene`).
        ranked: Sets for GSEA.
        counted: Sets for over-representation.
        jobs: Threads.
    """
    tested = table[table["stat"].notna()]
    ranks = tested["stat"].groupby(tested["gene"]).first()
    known = set(ranks.index)
    sets = {one.id: one for one in (*ranked, *counted)}
    sizes = {one.id: sum(gene in known for gene in one.members) for one in sets.values()}
    fit = {name for name, size in sizes.items() if LEAST <= size <= MOST}
    within = {name for name in fit if LEAST_RANKED <= sizes[name] <= MOST_RANKED}
    gsea = _gsea(ranks, [one for one in ranked if one.id in within], jobs)
    rows = []
    for way, sign in (("up", 1), ("down", -1)):
        changed = table.loc[table["call"] == way, "gene"]
        rows.append(
            _over(list(changed), [one for one in counted if one.id in fit], list(known)).assign(
                sign=sign
            )
        )
    over = pd.concat(rows) if rows else pd.DataFrame()
    return _joined(gsea, over, sets, sizes)


def _gsea(ranks: pd.Series, sets: Sequence[GeneSet], jobs: int) -> pd.DataFrame:
    if not sets or len(ranks) < LEAST:
        return pd.DataFrame(columns=["set", "es", "nes", "p", "fdr", "leading"])
    import gseapy
    from scipy.stats import false_discovery_control

    # Equal statistics are put in one order whatever the table's.
    order = ranks.sort_index().sort_values(ascending=False, kind="stable")
    parts = []
    # A result holds a running sum over all genes for each set: a few hundred at a time are enough.
    for start in range(0, len(sets), BATCH):
        some = {one.id: list(one.members) for one in sets[start : start + BATCH]}
        with warnings.catch_warnings(), quietly():
            warnings.simplefilter("ignore")
            done = gseapy.prerank(
                rnk=order, gene_sets=some, min_size=LEAST_RANKED, max_size=MOST_RANKED,
                method="multilevel", eps=FLOOR, threads=jobs, seed=SEED, outdir=None,
                no_plot=True, verbose=False,
            )  # fmt: skip
        parts.append(done.res2d[["Term", "ES", "NES", "NOM p-val", "Lead_genes"]])
        del done
    found = pd.concat(parts, ignore_index=True)
    p = found["NOM p-val"].astype(float)
    return pd.DataFrame(
        {
            "set": found["Term"].astype(str),
            "es": found["ES"].astype(float),
            "nes": found["NES"].astype(float),
            "p": p,
            "fdr": false_discovery_control(p.clip(0, 1).fillna(1.0)),
            "leading": found["Lead_genes"].astype(str),
        }
    )


def _over(changed: Sequence[str], sets: Sequence[GeneSet], background: Sequence[str]) -> (
    pd.DataFrame
):  # fmt: skip
    empty = pd.DataFrame(columns=["set", "changed", "expected", "padj", "genes"])
    if not changed or not sets:
        return empty
    import gseapy

    with warnings.catch_warnings(), quietly():
        warnings.simplefilter("ignore")
        found = gseapy.enrich(
            gene_list=list(changed), gene_sets={one.id: list(one.members) for one in sets},
            background=list(background), outdir=None, cutoff=1.0, no_plot=True, verbose=False,
        ).res2d  # fmt: skip
    if found is None or not len(found):
        return empty
    overlap = found["Overlap"].astype(str).str.split("/", expand=True).astype(int)
    return pd.DataFrame(
        {
            "set": found["Term"].astype(str),
            "changed": overlap[0],
            "expected": overlap[1] * len(changed) / len(background),
            "padj": found["Adjusted P-value"].astype(float),
            "genes": found["Genes"].astype(str),
        }
    )


def _joined(
    gsea: pd.DataFrame,
    over: pd.DataFrame,
    sets: Mapping[str, GeneSet],
    sizes: Mapping[str, int],
) -> pd.DataFrame:
    """Return a row for each set: GSEA, and over-representation on the side the set goes to."""
    by_set = {str(row["set"]): row for row in series_of(gsea)}
    sides: dict[str, list[pd.Series]] = defaultdict(list)
    for row in series_of(over):
        sides[str(row["set"])].append(row)
    rows = []
    for name in dict.fromkeys([*by_set, *sides]):
        one, mine = sets[name], by_set.get(name)
        candidates = sides.get(name, [])
        if mine is not None:
            candidates = [row for row in candidates if row["sign"] * mine["nes"] > 0]
        best = min(candidates, key=lambda row: row["padj"], default=None)
        rows.append(
            {
                "set": name,
                "name": one.name,
                "source": _SOURCES.get(one.source, one.source),
                "reference": one.reference,
                "size": sizes[name],
                "es": mine["es"] if mine is not None else None,
                "nes": mine["nes"] if mine is not None else None,
                "p": mine["p"] if mine is not None else None,
                "fdr": mine["fdr"] if mine is not None else None,
                "leading": mine["leading"] if mine is not None else "",
                "sign": _sign(mine, best),
                "changed": int(best["changed"]) if best is not None else 0,
                "expected": float(best["expected"]) if best is not None else None,
                "padj": float(best["padj"]) if best is not None else None,
                "genes": str(best["genes"]) if best is not None else "",
            }
        )
    found = pd.DataFrame(rows, columns=[*COLUMNS, "sign"])
    numbers = ["es", "nes", "p", "fdr", "expected", "padj"]
    found[numbers] = found[numbers].apply(pd.to_numeric)
    found["_first"] = found["fdr"].fillna(found["padj"]).fillna(1.0)
    found["_size"] = -found["nes"].abs().fillna(0.0)
    return found.sort_values(["_first", "_size", "padj", "set"]).drop(columns=["_first", "_size"])


def _sign(gsea: "pd.Series | None", over: "pd.Series | None") -> int:
    if gsea is not None:
        return 1 if gsea["nes"] > 0 else -1
    return int(over["sign"]) if over is not None else 0


def distinct(
    table: pd.DataFrame, keep: Callable[[pd.Series], bool], most: int, overlap: float = 0.4
) -> pd.DataFrame:
    """Return the foremost sets of which none tells again what one before it told.

    Args:
        table: Of `enriched`.
        keep: Which sets may be told.
        most: How many.
        overlap: The share of carrying genes, of the smaller set, from which two tell the same.
    """
    told: list[tuple[int, set[str]]] = []
    rows = []
    for at, row in zip(table.index, series_of(table), strict=True):
        if not keep(row):
            continue
        genes = set(_genes(row))
        if any(
            sign == row["sign"] and len(genes & other) > overlap * min(len(genes), len(other))
            for sign, other in told
        ):
            continue
        told.append((int(row["sign"]), genes))
        rows.append(at)
        if len(rows) == most:
            break
    return table.loc[rows]


def _genes(row: pd.Series) -> Iterable[str]:
    return [one for one in str(row["leading"] or row["genes"]).split(";") if one]


def write_sets(sets: Iterable[GeneSet], path: Path) -> None:
    """Write sets as GMT, for the notebook and for other programs."""
    lines = ["\t".join([one.id, one.name, *one.members]) for one in sets]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
