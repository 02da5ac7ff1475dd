"""Holds out hits of PERISCOPE, by gene and by complex, and predicts what they alter."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from evals.images.facts import NEAREST, OURS, SHUFFLED, TEN, TERMS, TRAITS
from knowledge.sources.genes import read_symbols
from models.morphology.features import GeneFeatures, gene_features
from models.morphology.kernel import ChannelKernel
from models.morphology.periscope import CHANNELS, Channel, Periscope, read_periscope

PRIOR = 5.0
"""Pseudo-counts of the channel's share behind a term's frequency."""
LARGEST_COMPLEX = 60
TRUTHS: dict[str, tuple[Channel, str]] = {
    "COPI coat": ("WGA", r"COP(A|B1|B2|D|E|G1|G2|Z1|Z2)|ARCN1"),
    "COG complex": ("WGA", r"COG[1-8]"),
    "mitochondrial ribosome": ("Mito", r"MRP[LS]\d+\w*"),
    "mitochondrial ribosome, in actin": ("Phalloidin", r"MRP[LS]\d+\w*"),
    "ARP2/3 complex": ("Phalloidin", r"ARPC\w+|ACTR[23]B?"),
}


def read(root: Path, embedded: tuple[Sequence[str], NDArray[np.floating]], seed: int
         ) -> tuple[Periscope, GeneFeatures]:  # fmt: skip
    """Return the hits, and what is known of them."""
    symbols = read_symbols(root)
    screen = read_periscope(root, symbols)
    found = gene_features(root, screen.hits().genes, symbols, embedded, seed)
    return screen, found


def groups_of(features: GeneFeatures, seed: int) -> NDArray[np.int64]:
    """Return a group for each gene, so that most complexes lie within one: Louvain communities."""
    import networkx as nx

    own = _complexes(features)
    shared = sparse.triu(own @ own.T, k=1).tocoo()
    graph = nx.Graph()
    graph.add_nodes_from(range(len(features.genes)))
    graph.add_weighted_edges_from(zip(shared.row.tolist(), shared.col.tolist(),
                                      shared.data.tolist(), strict=True))  # fmt: skip
    found = nx.community.louvain_communities(graph, seed=seed)
    out = np.zeros(len(features.genes), np.int64)
    for number, members in enumerate(sorted(found, key=min)):
        out[list(members)] = number
    return out


def _complexes(features: GeneFeatures) -> sparse.csr_array:
    sizes = np.asarray(features.complexes.sum(axis=0)).ravel()
    return sparse.csr_array(features.complexes[:, sizes <= LARGEST_COMPLEX])


def folds_by_gene(genes: int, folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each gene."""
    return np.asarray(np.random.default_rng(seed).permutation(genes) % folds)


def folds_by_group(groups: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each gene, whole groups in one; the largest are dealt first."""
    sizes = np.bincount(groups)
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(sizes)), -sizes))
    load = np.zeros(folds)
    fold_of = np.zeros(len(sizes), np.int64)
    for group in order:
        fold_of[group] = int(load.argmin())
        load[fold_of[group]] += sizes[group]
    return np.asarray(fold_of[groups])


def purged(
    features: GeneFeatures, train: NDArray[np.int64], test: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the genes to learn from that share no complex with a tested one."""
    own = _complexes(features)
    touched = np.asarray(own[test].sum(axis=0)).ravel() > 0
    shares = np.asarray((own[train] @ touched.astype(np.float32)) > 0).ravel()
    return np.asarray(train[~shares], np.int64)


def predicted(
    features: GeneFeatures,
    altered: NDArray[np.bool_],
    fold: NDArray[np.int64],
    seed: int,
    *,
    purge: bool,
) -> pd.DataFrame:
    """Return a row for each hit, predictor and channel: fold, label, score, learnt (how many)."""
    rows = []
    for number in sorted(set(fold.tolist())):
        test, train = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        if purge:
            train = purged(features, train, test)
        for predictor, scores in _predictors(features, altered, train, test, seed):
            for channel, name in enumerate(CHANNELS):
                rows.append(pd.DataFrame({
                    "gene": test, "fold": number, "predictor": predictor, "channel": name,
                    "label": altered[test, channel], "score": scores[:, channel],
                    "learnt": len(train),
                }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def _predictors(
    features: GeneFeatures,
    altered: NDArray[np.bool_],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    seed: int,
) -> Iterator[tuple[str, NDArray[np.floating]]]:
    known, traits, labels = features.vectors, features.traits, altered[train].astype(np.float64)
    ours = ChannelKernel.fit(known[train], traits[train], altered[train])
    yield OURS, ours.scores(known[test], traits[test])
    nothing = np.zeros_like(known)
    alone = ChannelKernel.fit(nothing[train], traits[train], altered[train])
    yield TRAITS, alone.scores(nothing[test], traits[test])
    mixed = np.random.default_rng(seed).permutation(train)
    other = ChannelKernel.fit(known[mixed], traits[mixed], altered[train])
    yield SHUFFLED, other.scores(known[test], traits[test])
    near = np.asarray((features.whole[test] @ features.whole[train].T).toarray())
    for name, count in ((NEAREST, 1), (TEN, 10)):
        order = np.argsort(-near, axis=1, kind="stable")[:, :count]
        weight = np.take_along_axis(near, order, axis=1)[:, :, None] + 1e-6
        yield name, (weight * labels[order]).sum(axis=1) / weight.sum(axis=1)
    terms = features.terms
    have = np.asarray(terms[train].sum(axis=0)).ravel()
    mean = labels.mean(axis=0)
    often = (terms[train].T @ labels + PRIOR * mean) / (have[:, None] + PRIOR)
    own = np.asarray(terms[test].sum(axis=1)).ravel()
    yield (
        TERMS,
        np.where(own[:, None] > 0, (terms[test] @ often) / np.maximum(own, 1)[:, None], mean),
    )
