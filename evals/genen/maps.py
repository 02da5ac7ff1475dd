"""Maps of genes before and after message passing, and how alike neighbours are on them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.genen.facts import Neighbourhood
from evals.genen.inputs import GeneInputs
from evals.genen.rivals.propagation import adjacency, symmetric
from models.genen.labels import PropertyTask, TaskName

MAPPED: tuple[TaskName, ...] = ("localisation", "solubility", "dosage-sensitivity")
"""Tasks whose genes are drawn; the others have no classes, or ones that no map shows."""
BEFORE, AFTER = "text", "text after message passing"
GENES = 2000
"""Genes of a map at most; t-SNE takes seconds then, and dots can be told apart."""
NEAREST = 10
SMALLEST = 10
"""Members that a pathway has on the map at least, to be named as over-represented."""
_COMPONENTS = 50
_FEW = 300


def draw_map(
    task: PropertyTask,
    inputs: GeneInputs,
    pathways: Mapping[str, frozenset[str]],
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, tuple[Neighbourhood, Neighbourhood]]:
    """Return where genes of a task lie before and after message passing, and what that shows.

    No label enters either map. Genes without a text are left out, as they lie at zero before.

    Args:
        task: Its genes are drawn, at most `GENES` of them, and its classes told apart.
        inputs: The graph and the texts.
        pathways: Genes of each pathway; the one most over-represented in a class is told apart.
        rng: Chooses the genes, and where t-SNE begins.

    Returns:
        A row per gene with `gene`, `label`, `member` of the pathway, and `x` and `y` of either map;
        and how often neighbours are alike in the two spaces, t-SNE aside.
    """
    rows = inputs.graph.rows(task.genes)
    written = np.flatnonzero(inputs.described[rows])
    chosen = np.sort(rng.permutation(written)[:GENES])
    genes = [task.genes[row] for row in chosen]
    label = np.asarray(task.labels)[chosen]
    pathway, enriched, odds = most_enriched(genes, label, pathways)
    member = np.array([gene in pathways.get(pathway, ()) for gene in genes])
    table = pd.DataFrame(
        {"gene": genes, "label": [task.classes[code] for code in label], "member": member}
    )
    found = []
    for space, vectors in ((BEFORE, inputs.gene_x), (AFTER, passed(inputs))):
        mine = vectors[rows[chosen]]
        same, chance = alike(mine, label)
        near, drawn = _company(mine, member)
        found.append(
            Neighbourhood(
                task=task.name,
                genes=len(genes),
                space=space,
                same_label=same,
                label_by_chance=chance,
                pathway=pathway,
                enriched_in=task.classes[enriched],
                odds=odds,
                same_pathway=near,
                pathway_by_chance=drawn,
            )
        )
        table[[f"{space} x", f"{space} y"]] = _tsne(mine, rng)
    return table, (found[0], found[1])


def passed(inputs: GeneInputs) -> NDArray[np.float32]:
    """Return every gene's text after two steps of message passing without weights `(genes, d)`.

    What a graph convolution does before it learns anything (SGC; Wu et al., 2019).
    """
    step = symmetric(adjacency(inputs.graph))
    vectors = step @ (step @ np.concatenate([inputs.gene_x, inputs.term_x]))
    return np.asarray(vectors[: len(inputs.graph.genes)], np.float32)


def most_enriched(
    genes: list[str], label: NDArray[Any], pathways: Mapping[str, frozenset[str]]
) -> tuple[str, int, float]:
    """Return the pathway most over-represented in one class, that class, and the odds ratio.

    By the hypergeometric tail (Fisher's exact test, one-sided); half a gene is added to each
    count of the odds ratio. Without a pathway of `SMALLEST` genes the name is empty.
    """
    from scipy.stats import hypergeom

    best = ("", 0, 1.0)
    least = np.inf
    classes, sizes = np.unique(label, return_counts=True)
    place = {gene: row for row, gene in enumerate(genes)}
    for name, members in pathways.items():
        held = [place[gene] for gene in members if gene in place]
        if len(held) < SMALLEST:
            continue
        for code, size in zip(classes, sizes, strict=True):
            inside = int(np.count_nonzero(label[held] == code))
            tail = float(hypergeom.logsf(inside - 1, len(genes), len(held), size))
            if tail < least:
                outside, others = len(held) - inside, len(genes) - size
                odds = (inside + 0.5) * (others - outside + 0.5)
                odds /= (outside + 0.5) * (size - inside + 0.5)
                least, best = tail, (name, int(code), float(odds))
    return best


def alike(vectors: NDArray[np.floating], label: NDArray[Any]) -> tuple[float, float]:
    """Return the share of the nearest genes with a gene's own label, and the same by chance.

    The mean over classes, so that a rare class counts as much as a common one.
    """
    nearest = _nearest(vectors)
    same = (label[nearest] == label[:, None]).mean(axis=1)
    classes = np.unique(label)
    found = np.mean([same[label == code].mean() for code in classes])
    chance = np.mean([(np.sum(label == code) - 1) / (len(label) - 1) for code in classes])
    return float(found), float(chance)


def _company(vectors: NDArray[np.floating], member: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the share of a member's nearest genes that are members, and the same by chance."""
    if not member.any():
        return 0.0, 0.0
    near = member[_nearest(vectors)[member]].mean()
    return float(near), float((member.sum() - 1) / (len(member) - 1))


def _nearest(vectors: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the `NEAREST` genes of each by cosine, itself left out `(genes, nearest)`."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -np.inf)
    count = min(NEAREST, len(vectors) - 1)
    return np.asarray(np.argpartition(-likeness, count - 1, axis=1)[:, :count], np.int64)


def _tsne(vectors: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return places in the plane by t-SNE of the first components (van der Maaten, 2008)."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    seed = int(rng.integers(2**31))
    size = min(_COMPONENTS, *vectors.shape)
    components = PCA(size, random_state=seed).fit_transform(vectors)
    drawing = TSNE(
        perplexity=min(30.0, (len(vectors) - 1) / 3),
        init="pca",
        random_state=seed,
        n_jobs=1,
        method="exact" if len(vectors) < _FEW else "barnes_hut",
    )
    return np.asarray(drawing.fit_transform(components), np.float32)
