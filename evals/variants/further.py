"""Further features of a pair, each made without the fold of its row."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from evals.variants.ground import Ground, Seen, seen
from knowledge.parsers.dependencies import read_numbers, read_selective
from knowledge.parsers.networks import (
    RawEdge,
    read_collectri,
    read_kegg_spia,
    read_omnipath_signed,
    read_signor,
    read_trrust,
)
from models.inputs import annotations
from models.inputs.screens import CELL_LINES, IntArray
from models.response.field import N_LINES, FloatArray
from models.response.similarity import SHARPNESS

NEAREST = 32
SUPPORT = 0.05
ELSEWHERE = 0.4
"""What a row of another line counts."""
AXES, SETS, SIBLINGS = 32, 60, 16
TWIN_SUPPORT = 8.0
CHANNELS = ("Mito", "ConA", "DAPI", "WGA", "Phalloidin")
PERISCOPE = "images/image_periscope/HeLa_DMEM_significant_features_expressed_genes.csv"
ESSENTIALITY = "essentiality/essentiality"
NUMBERS = ("CRISPRGeneEffect_A549.csv", "D2_combined_gene_dep_scores_HeLa.csv")
SELECTIVE = "depmap2023_selective_dependencies.csv"
SELECTIVE_LINES = {"K562": "K-562", "HepG2": "Hep G2", "Jurkat": "JURKAT"}
SIGNALLING: Mapping[str, Callable[[Path], Iterable[RawEdge]]] = {
    "networks/signaling/omnipath_signed_directed.tsv": read_omnipath_signed,
    "networks/signaling/signor_phosphosite_signed.tsv.gz": read_signor,
    "networks/signaling/kegg_spia_signed.tsv.gz": read_kegg_spia,
}
REGULONS: Mapping[str, Callable[[Path], Iterable[RawEdge]]] = {
    "networks/regulons/collectri.tsv": read_collectri,
    "networks/regulons/trrust_v2.tsv": read_trrust,
}
FILES = (
    PERISCOPE, *(f"{ESSENTIALITY}/{name}" for name in (*NUMBERS, SELECTIVE)), *SIGNALLING,
    *REGULONS,
)  # fmt: skip


class Extra(NamedTuple):
    """Further features `(rows, more)` and their names."""

    features: FloatArray
    names: tuple[str, ...]


def kinds_apart(ground: Ground, root: Path) -> Extra:
    """Return what relatives by each kind of knowledge did to the readout, a vote for each kind."""
    corpus = ground.corpus
    families = annotations.annotations(root, corpus.vocabulary.genes, corpus.symbols)
    kernels = {
        one.family: _nearest(one.matrix[corpus.vocabulary.perturbations].astype(np.float32))
        for one in families
    }
    return _votes(ground, kernels)


def cell_painting(ground: Ground, root: Path) -> Extra:
    """Return what perturbations did that alter the same channels of HeLa cells (PERISCOPE)."""
    corpus = ground.corpus
    columns = {name: read_numbers(root / PERISCOPE, "Gene", name) for name in CHANNELS}
    profile = _by_gene(columns, corpus.screens.perturbations, ground)
    level = np.log1p(np.nan_to_num(profile))
    level = (level - level.mean(0)) * (level.sum(1, keepdims=True) > 0)
    length = np.linalg.norm(level, axis=1, keepdims=True)
    unit = (level / np.maximum(length, 1e-6)).astype(np.float32)
    return _votes(ground, {"channels": _nearest(sparse.csr_array(unit))})


def dependencies(ground: Ground, root: Path) -> Extra:
    """Return how much A549 and HeLa need both genes, and if the line does more than most."""
    rows, corpus = ground.rows, ground.corpus
    folder = root / ESSENTIALITY
    numbers = {name: read_numbers(folder / name, "Gene", "Effect") for name in NUMBERS}
    selective = read_selective(folder / SELECTIVE)
    columns, names = [], []
    for side, genes, at in (
        ("perturbed", corpus.screens.perturbations, rows.pert),
        ("readout", corpus.screens.readouts, rows.readout),
    ):
        columns += list(_by_gene(numbers, genes, ground)[at].T)
        names += [f"{side}_{name.partition('_')[0]}" for name in NUMBERS]
        needed = np.zeros((len(genes), N_LINES), np.float32)
        for line, theirs in SELECTIVE_LINES.items():
            words = {corpus.symbols.approved(word) for word in selective.get(theirs, ())}
            needed[:, CELL_LINES.index(line)] = [gene in words for gene in genes]
        columns.append(needed[at, rows.line])
        names.append(f"{side}_selective")
    return Extra(np.column_stack(columns).astype(np.float32), tuple(names))


def signed_propagation(ground: Ground, root: Path) -> Extra:
    """Return what the signed networks say of the readout when the perturbed gene is lost.

    A sum over paths: a regulon's edge alone, and after one or two signalling steps; each with its
    signs multiplied, and without signs.
    """
    corpus = ground.corpus
    genes = {gene: i for i, gene in enumerate(corpus.vocabulary.genes)}
    signalling = _adjacency(ground, root, SIGNALLING, genes)
    regulons = _adjacency(ground, root, REGULONS, genes)
    rows = ground.rows
    columns, names = [], []
    for name, change in (("signed", lambda m: m), ("unsigned", abs)):
        steps, last = _spread(change(signalling)), _spread(change(regulons))
        reached = sparse.csr_array(sparse.eye_array(len(genes), dtype=np.float32))
        reached = reached[corpus.vocabulary.perturbations]
        last = last[:, corpus.vocabulary.readouts]
        for step in range(3):
            columns.append(_at(reached @ last, rows.pert, rows.readout))
            names.append(f"{name}_after_{step}")
            reached = sparse.csr_array(reached @ steps)
    return Extra(-np.column_stack(columns).astype(np.float32), tuple(names))


def response_twins(ground: Ground, root: Path) -> Extra:
    """Return what perturbations did here that do the same as this one in other lines."""
    del root
    out, names = _empty(ground, ("de", "up"))
    for visible, asked in _folds(ground):
        signed = seen(ground.corpus, visible, "signed")
        votes = [seen(ground.corpus, visible, question) for question in ("de", "up")]
        for line, here, perts, which in _by_line(ground, asked):
            others = [other for other in range(N_LINES) if other != line]
            kernel = _twins([signed.residual[i] for i in others],
                            [signed.there[i] for i in others], perts)  # fmt: skip
            for column, what in enumerate(votes):
                out[here, column] = _vote(kernel, what, line, which, ground.rows.readout[here])
    return Extra(out, tuple(f"twins_{name}" for name in names))


def sets_first(ground: Ground, root: Path) -> Extra:
    """Return what relatives did to the set of readouts that the readout answers together with.

    Sets are groups on the leading axes of the responses outside the fold: the set is predicted
    first, the gene is told by it.
    """
    del root
    from sklearn.cluster import KMeans

    out, names = _empty(ground, ("de", "up", "signed"))
    kernel = _kernel(ground)
    for visible, asked in _folds(ground):
        axes = _axes(ground, visible, kernel)
        group = KMeans(min(SETS, len(axes)), n_init=1, random_state=ground.seed).fit_predict(axes)
        size = len(group)
        member = sparse.csr_array(
            (np.ones(size, np.float32), (np.arange(size), group)), shape=(size, SETS)
        )
        _through(ground, asked, visible, kernel, member, group, out, names)
    return Extra(out, tuple(f"set_{name}" for name in names))


def siblings(ground: Ground, root: Path) -> Extra:
    """Return what relatives did to the readouts that answer most like the readout.

    Smooths the vote over readouts, all that were measured and not those asked about alone.
    """
    del root
    out, names = _empty(ground, ("de", "up", "signed"))
    kernel = _kernel(ground)
    for visible, asked in _folds(ground):
        axes = _axes(ground, visible, kernel)
        unit = axes / np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-6)
        alike = _nearest(sparse.csr_array(unit.astype(np.float32)), SIBLINGS)
        every = np.arange(len(axes))
        _through(ground, asked, visible, kernel, sparse.csr_array(alike.T), every, out, names)
    return Extra(out, tuple(f"siblings_{name}" for name in names))


def _through(
    ground: Ground,
    asked: IntArray,
    visible: NDArray[np.bool_],
    kernel: sparse.csr_array,
    weights: sparse.csr_array,
    column: IntArray,
    out: FloatArray,
    names: tuple[str, ...],
) -> None:
    """Fill in votes on weighted sums of readouts; `column` says which sum a readout is told by."""
    for number, question in enumerate(names):
        what = seen(ground.corpus, visible, question)
        summed = Seen(
            tuple(sparse.csr_array(one @ weights) for one in what.residual),
            tuple(sparse.csr_array(one @ weights) for one in what.there),
        )
        for line, here, perts, which in _by_line(ground, asked):
            told = _vote(kernel[perts], summed, line, which, column[ground.rows.readout[here]])
            out[here, number] = told


def _votes(ground: Ground, kernels: Mapping[str, sparse.csr_array]) -> Extra:
    questions = ("de", "up")
    names = [f"{kind}_{question}" for kind in kernels for question in questions]
    out = np.zeros((len(ground.rows), len(names)), np.float32)
    for visible, asked in _folds(ground):
        for number, question in enumerate(questions):
            what = seen(ground.corpus, visible, question)
            for line, here, perts, which in _by_line(ground, asked):
                for kind, kernel in enumerate(kernels.values()):
                    told = _vote(kernel[perts], what, line, which, ground.rows.readout[here])
                    out[here, kind * len(questions) + number] = told
    return Extra(out, tuple(names))


def _vote(
    kernel: sparse.csr_array, what: Seen, line: int, which: IntArray, column: IntArray
) -> FloatArray:
    """Return the weighted mean of related rows, of this line and, for less, of others."""
    residual = _joined(what.residual, line)
    there = _joined(what.there, line)
    summed = _at(kernel @ residual, which, column)
    return summed / (_at(kernel @ there, which, column) + np.float32(SUPPORT))


def _joined(lines: tuple[sparse.csr_array, ...], line: int) -> sparse.csr_array:
    others = sum(one for other, one in enumerate(lines) if other != line)
    return sparse.csr_array(lines[line] + np.float32(ELSEWHERE) * others)


def _at(matrix: sparse.csr_array, row: IntArray, column: IntArray) -> FloatArray:
    found = sparse.csr_array(matrix)
    found.sort_indices()
    values: FloatArray = np.asarray(found[row, column], np.float32).ravel()
    return values


def _nearest(profiles: sparse.csr_array, nearest: int = NEAREST) -> sparse.csr_array:
    """Return the cosine of each row's nearest rows, itself left out, sharpened as the model's."""
    alike = np.clip((profiles @ profiles.T).toarray(), 0, 1)
    np.fill_diagonal(alike, 0)
    keep = min(nearest, len(alike) - 1)
    found = np.argpartition(-alike, keep - 1, axis=1)[:, :keep]
    row = np.repeat(np.arange(len(alike)), keep)
    values = (alike[row, found.ravel()] ** SHARPNESS).astype(np.float32)
    kept = sparse.csr_array((values, (row, found.ravel())), shape=alike.shape)
    kept.eliminate_zeros()
    return kept


def _twins(
    residual: list[sparse.csr_array], there: list[sparse.csr_array], perts: IntArray
) -> sparse.csr_array:
    """Return how alike responses are over the readouts that both were asked, shrunk where few."""
    shape = (len(perts), residual[0].shape[0])
    alike, shared = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for values, known in zip(residual, there, strict=True):
        alike += (values[perts] @ values.T).toarray()
        shared += (known[perts] @ known.T).toarray()
    alike = np.clip(alike / (shared + TWIN_SUPPORT), 0, None)
    alike[np.arange(len(perts)), perts] = 0
    keep = min(NEAREST, shape[1] - 1)
    found = np.argpartition(-alike, keep - 1, axis=1)[:, :keep]
    row = np.repeat(np.arange(len(perts)), keep)
    kept = sparse.csr_array((alike[row, found.ravel()], (row, found.ravel())), shape=shape)
    kept.eliminate_zeros()
    return kept


def _axes(ground: Ground, visible: NDArray[np.bool_], kernel: sparse.csr_array) -> FloatArray:
    """Return the readouts on the leading axes of the smoothed responses `(readouts, axes)`."""
    from sklearn.utils.extmath import randomized_svd

    what = seen(ground.corpus, visible, "signed")
    itself = sparse.csr_array(kernel + sparse.eye_array(kernel.shape[0], dtype=np.float32))
    stacked = sparse.csr_array(sparse.vstack([itself @ one for one in what.residual]))
    width = min(AXES, min(stacked.shape) - 1)
    _, scale, axes = randomized_svd(stacked, width, n_iter=2, random_state=ground.seed)
    found: FloatArray = (axes.T * scale).astype(np.float32)
    return found


def _kernel(ground: Ground) -> sparse.csr_array:
    """Return the model's own similarity between perturbations."""
    relatives = ground.corpus.relatives
    return sparse.csr_array(relatives.between(ground.corpus.vocabulary.perturbations))


def _folds(ground: Ground) -> Iterable[tuple[NDArray[np.bool_], IntArray]]:
    """Yield, per fold, the rows that its features may see and its own that are used."""
    for k in np.unique(ground.fold):
        yield ground.fold != k, np.flatnonzero((ground.fold == k) & ground.used)


def _by_line(ground: Ground, asked: IntArray) -> Iterable[tuple[int, IntArray, IntArray, IntArray]]:
    """Yield each line, its rows, their perturbations, and which of these each row has."""
    for line in np.unique(ground.rows.line[asked]):
        here = asked[ground.rows.line[asked] == line]
        perts, which = np.unique(ground.rows.pert[here], return_inverse=True)
        yield int(line), here, perts, which


def _empty(ground: Ground, names: tuple[str, ...]) -> tuple[FloatArray, tuple[str, ...]]:
    return np.zeros((len(ground.rows), len(names)), np.float32), names


def _by_gene(
    numbers: Mapping[str, Mapping[str, float]], genes: tuple[str, ...], ground: Ground
) -> FloatArray:
    """Return numbers `(genes, columns)`, nan where there is none."""
    out = np.full((len(genes), len(numbers)), np.nan, np.float32)
    at = {gene: i for i, gene in enumerate(genes)}
    for column, found in enumerate(numbers.values()):
        for word, value in found.items():
            if (gene := ground.corpus.symbols.approved(word)) in at:
                out[at[gene], column] = value
    return out


def _adjacency(
    ground: Ground,
    root: Path,
    files: Mapping[str, Callable[[Path], Iterable[RawEdge]]],
    genes: Mapping[str, int],
) -> sparse.csr_array:
    """Return the sign of each edge between two genes `(genes, genes)`."""
    found: dict[tuple[int, int], int] = {}
    for name, read in files.items():
        for edge in read(root / name):
            ends = [genes.get(ground.corpus.symbols.approved(word) or "", -1)
                    for word in (edge.source, edge.target)]  # fmt: skip
            if edge.sign and min(ends) >= 0 and ends[0] != ends[1]:
                pair = (ends[0], ends[1])
                found[pair] = found.get(pair, 0) + edge.sign
    rows, columns = np.array(list(found), np.int64).reshape(-1, 2).T
    values = np.sign(np.fromiter(found.values(), np.float32, len(found)))
    size = len(genes)
    return sparse.csr_array((values, (rows, columns)), shape=(size, size))


def _spread(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return edges divided by the root of how many leave their source."""
    leaving = np.maximum(abs(matrix).sum(1), 1)
    return sparse.csr_array(sparse.diags_array(1 / np.sqrt(leaving)) @ matrix)
