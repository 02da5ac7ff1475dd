"""Single cells: quality, counts summed by sample where samples are named, else tests of cells.

Cells of one animal or dish are not replicates (Squair et al. 2021): where samples are named, their
counts are summed and tested as bulk; where none are, every p-value says so.
"""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from knowledge.errors import QuestionError
from tools.counts.contrast import Wanted, contrast_of, levels_of
from tools.counts.design import Design
from tools.counts.differential import called, quietly
from tools.counts.matrix import CountTable, counts_of, whole

if TYPE_CHECKING:
    from anndata import AnnData

# scanpy's and Seurat's usual cut for cells that are hardly there, and for dying ones.
LEAST_GENES = 200
MOST_MITOCHONDRIAL = 20.0
LEAST_CELLS = 10
MOST_CELLS = 20_000
SEED = 0


@dataclass(frozen=True)
class CellData:
    """Cells that passed quality control.

    Attributes:
        data: Raw counts in `X`.
        notes: What was left out and why, each a sentence.
    """

    data: "AnnData"
    notes: tuple[str, ...]


def checked(data: "AnnData", layer: str | None, source: str) -> CellData:
    """Return the cells worth testing, with raw counts.

    Raises:
        QuestionError: There are no raw counts.
    """
    import scanpy
    from scipy import sparse

    values, name = counts_of(data, layer)
    if not whole(values):
        raise QuestionError(
            f"{source} holds no whole numbers in {name}: these are normalised or logarithms; keep "
            "the raw counts in a layer `counts`, or name theirs with --layer."
        )
    cells = data.copy()
    cells.layers.clear()
    cells.raw = None
    cells.X = sparse.csr_matrix(values, dtype=np.float32)
    named = pd.Index(symbols_of(cells))
    cells.var["mt"] = named.str.upper().str.startswith(("MT-", "MT."))
    with warnings.catch_warnings(), quietly():
        warnings.simplefilter("ignore")
        scanpy.pp.calculate_qc_metrics(cells, qc_vars=["mt"], inplace=True, percent_top=None)
    thin = cells.obs["n_genes_by_counts"] < min(LEAST_GENES, 0.2 * cells.n_vars)
    dying = cells.obs["pct_counts_mt"] > MOST_MITOCHONDRIAL
    kept = cells[~(thin | dying).to_numpy()].copy()
    if kept.n_obs < 2 * LEAST_CELLS:
        raise QuestionError(
            f"Of {cells.n_obs:,} cells of {source} only {kept.n_obs:,} pass quality control "
            f"({int(thin.sum()):,} show too few genes, {int(dying.sum()):,} are mostly "
            "mitochondrial); check that these are cells and not empty droplets."
        )
    notes = [
        f"{kept.n_obs:,} of {cells.n_obs:,} cells pass quality control: {int(thin.sum()):,} show "
        f"fewer than {min(LEAST_GENES, int(0.2 * cells.n_vars))} genes, {int(dying.sum()):,} have "
        f"more than {MOST_MITOCHONDRIAL:.0f} % mitochondrial counts."
    ]
    return CellData(kept, tuple(notes))


def symbols_of(data: "AnnData") -> list[str]:
    """Return the names of genes as the file has them, symbols where it does."""
    for name in ("symbol", "gene_symbols", "gene_name", "feature_name", "gene"):
        if name in data.var:
            return [str(one) for one in data.var[name]]
    return [str(one) for one in data.var_names]


def chosen(cells: CellData, cluster: str | None, of: str | None) -> CellData:
    """Return the cells of the one cluster that is asked for.

    Raises:
        QuestionError: There is no such column or cluster.
    """
    if of is None:
        return cells
    if cluster is None or cluster not in cells.data.obs:
        raise QuestionError(
            f"Name with --cluster the column that {of!r} is a group of; the cells have "
            f"{', '.join(map(str, cells.data.obs.columns[:8]))}."
        )
    mine = cells.data.obs[cluster].astype(str) == of
    if not mine.any():
        raise QuestionError(
            f"No cell is {of!r} by {cluster}; there are "
            f"{', '.join(levels_of(cells.data.obs[cluster])[:8])}."
        )
    note = f"Only the {int(mine.sum()):,} cells with {cluster} {of} are compared."
    return CellData(cells.data[mine.to_numpy()].copy(), (*cells.notes, note))


def pseudobulk(cells: CellData, sample: str, source: str) -> tuple[CountTable, pd.DataFrame]:
    """Return the counts of each sample, summed over its cells, and what is known of it.

    Raises:
        QuestionError: There is no such column, or too few samples have cells enough.
    """
    from scipy import sparse

    obs = cells.data.obs
    if sample not in obs:
        raise QuestionError(
            f"The cells have no column {sample!r}; they have "
            f"{', '.join(map(str, obs.columns[:8]))}."
        )
    names = obs[sample].astype(str)
    sizes = names.value_counts()
    few = sorted(sizes.index[sizes < LEAST_CELLS])
    used = [name for name in dict.fromkeys(names) if name not in few]
    if len(used) < 2:
        raise QuestionError(
            f"Fewer than two samples by {sample} have {LEAST_CELLS} cells or more; nothing can be "
            "compared."
        )
    member = sparse.csr_matrix(
        (names.to_numpy()[None, :] == np.array(used)[:, None]).astype(np.float32)
    )
    values = np.asarray((member @ cells.data.X).todense()).T
    counts = pd.DataFrame(values, index=cells.data.var_names.astype(str), columns=used)
    constant = {
        column: obs.groupby(names, observed=True)[column].first().reindex(used).astype(str)
        for column in obs.columns
        if column != sample
        and not pd.api.types.is_float_dtype(obs[column])
        and (obs.groupby(names, observed=True)[column].nunique() <= 1).all()
    }
    notes = [
        *cells.notes,
        f"Counts of {int(sizes[used].sum()):,} cells are summed by {sample} to {len(used)} samples "
        f"({int(sizes[used].min()):,} to {int(sizes[used].max()):,} cells each) and tested as "
        "bulk: samples, not cells, are the replicates.",
    ]
    if few:
        notes.append(f"{', '.join(few)} have fewer than {LEAST_CELLS} cells and are left out.")
    symbols = pd.Series(symbols_of(cells.data), counts.index)
    table = CountTable(counts, source, "summed cells", symbols, None, tuple(notes))
    samples = pd.DataFrame(constant, index=used)
    return table, samples.rename_axis("sample").reset_index()


def cell_design(cells: CellData, wanted: Wanted, cluster: str | None) -> Design:
    """Return what is compared between cells: a column of `obs`, or a cluster against the rest.

    Raises:
        QuestionError: It cannot be made out.
    """
    obs = cells.data.obs
    words = pd.DataFrame(
        {
            str(c): obs[c].astype(str)
            for c in obs.columns
            if not pd.api.types.is_float_dtype(obs[c]) and obs[c].nunique() <= 60
        },
        index=obs.index,
    )
    single = wanted.contrast and cluster and wanted.contrast in set(words.get(cluster, ()))
    if single:
        column = str(cluster)
        test, reference = str(wanted.contrast), "the other cells"
        groups = words[column].where(words[column] == test, reference)
        notes: list[str] = []
    else:
        column, test, reference, notes = contrast_of(words, wanted)
        if not test:
            raise QuestionError(f"{column} is a measurement; cells are compared by groups.")
        groups = words[column]
    kept = groups.isin([test, reference])
    samples = pd.DataFrame({column: pd.Categorical(groups[kept], [reference, test])},
                           index=obs.index[kept])  # fmt: skip
    notes.append(
        f"Cells are tested against cells ({int((groups == test).sum()):,} of {test}, "
        f"{int((groups == reference).sum()):,} of {reference}): cells of one sample are no "
        "replicates, so p-values are far too small and say nothing of other samples; name the "
        "column of samples with --sample if there is one."
    )
    return Design(samples, column, test, reference, f"~ {column}", pd.DataFrame(), "",
                  notes=tuple(notes))  # fmt: skip


def cell_test(
    cells: CellData, design: Design, names: list[str], alpha: float, least_effect: float
) -> pd.DataFrame:
    """Return a differential table of cells, by scanpy's Wilcoxon test."""
    import scanpy

    data = cells.data[design.samples.index].copy()
    data.obs["_group"] = design.groups.to_numpy()
    counts = np.asarray(data.X.sum(axis=0)).ravel()
    with warnings.catch_warnings(), quietly():
        warnings.simplefilter("ignore")
        scanpy.pp.normalize_total(data, target_sum=1e4)
        normal = data.X.copy()
        scanpy.pp.log1p(data)
        scanpy.tl.rank_genes_groups(
            data, "_group", groups=[design.test], reference=design.reference, method="wilcoxon"
        )
        found = scanpy.get.rank_genes_groups_df(data, group=design.test).set_index("names")
    found = found.reindex(data.var_names)
    mine = (data.obs["_group"] == design.test).to_numpy()
    test = np.asarray(normal[mine].mean(axis=0)).ravel()
    reference = np.asarray(normal[~mine].mean(axis=0)).ravel()
    change = np.log2((test + 0.01) / (reference + 0.01))
    symbols = pd.Series(names, data.var_names.astype(str))
    tested = counts >= LEAST_CELLS
    table = pd.DataFrame(
        {
            "gene": [symbols[one] or one for one in symbols.index],
            "id": symbols.index,
            "base_mean": (test + reference) / 2,
            "log2_fold_change": change,
            "lfc_se": np.nan,
            "stat": found["scores"].to_numpy(float),
            "pvalue": found["pvals"].to_numpy(float),
            "padj": found["pvals_adj"].to_numpy(float),
            "shrunken": change,
            "mean_test": test,
            "mean_reference": reference,
        },
        index=symbols.index,
    )
    return called(table[tested], alpha, least_effect)


def pseudotime(cells: CellData, root: str, column: str) -> tuple[pd.DataFrame, list[str]]:
    """Return diffusion pseudotime and places of each cell, begun at the group `root`.

    Haghverdi et al. 2016. The first cell is the one of `root` that lies farthest out.
    """
    import scanpy

    data = cells.data.copy()
    notes = []
    if data.n_obs > MOST_CELLS:
        rng = np.random.default_rng(SEED)
        data = data[np.sort(rng.choice(data.n_obs, MOST_CELLS, replace=False))].copy()
        notes.append(f"Pseudotime is of {MOST_CELLS:,} cells drawn at random.")
    with warnings.catch_warnings(), quietly():
        warnings.simplefilter("ignore")
        scanpy.pp.normalize_total(data, target_sum=1e4)
        scanpy.pp.log1p(data)
        scanpy.pp.highly_variable_genes(data, n_top_genes=min(2000, data.n_vars))
        count = min(30, data.n_obs - 1, data.n_vars - 1)
        scanpy.pp.pca(data, n_comps=count, random_state=SEED)
        scanpy.pp.neighbors(
            data,
            n_neighbors=15,
            n_pcs=count,
            random_state=SEED,
            method="gauss",
            transformer="sklearn",
        )
        scanpy.tl.diffmap(data, n_comps=min(10, count))
        of = (data.obs[column].astype(str) == root).to_numpy()
        places = data.obsm["X_diffmap"]
        axis = places[:, 1]
        sign = 1 if axis[of].mean() < axis[~of].mean() else -1
        start = np.where(of, sign * axis, np.inf).argmin()
        data.uns["iroot"] = int(start)
        scanpy.tl.dpt(data)
    table = pd.DataFrame(
        {
            "cell": data.obs_names.astype(str),
            "group": data.obs[column].astype(str).to_numpy(),
            "pseudotime": data.obs["dpt_pseudotime"].to_numpy(float),
            "diffusion1": places[:, 1],
            "diffusion2": places[:, min(2, places.shape[1] - 1)],
        }
    )
    notes.append(
        f"Diffusion pseudotime begins at {root}: it orders cells by likeness, and is no time and "
        "no proof of a course."
    )
    return table, notes
