"""Small graphs and properties for the tests of Genen's predictors."""

import numpy as np

from evals.genen.inputs import GeneInputs
from models.genen.graphs import PropertyGraph, Relation
from models.genen.labels import LabelAudit, PropertyTask


def relation(source, name, target, pairs, weight=None, features=None):
    """Return a relation with these edges, source first."""
    index = np.array(pairs, np.int64).reshape(-1, 2).T
    weight = np.ones(index.shape[1], np.float32) if weight is None else np.float32(weight)
    features = weight[:, None] if features is None else np.float32(features)
    channels = tuple(f"channel {i}" for i in range(features.shape[1]))
    return Relation(source, name, target, index, weight, channels, features)


def interactions(pairs, weight=None, features=None):
    """Return interactions, each pair in both directions."""
    both = [*pairs, *((b, a) for a, b in pairs)]
    twice = (None if part is None else [*part, *part] for part in (weight, features))
    return relation("gene", "interacts", "gene", both, *twice)


def names(size):
    """Return so many gene symbols, in order."""
    return tuple(f"G{number:04}" for number in range(size))


def graph_of(size, *relations, terms=()):
    """Return a graph of `size` genes."""
    kinds = {r.name for r in relations}
    kind = "ppi" if kinds == {"interacts"} else "go+ppi" if "interacts" in kinds else "go"
    return PropertyGraph(kind, names(size), tuple(terms), False, tuple(relations))


def inputs_of(graph, gene_x, texts=None, term_x=None):
    """Return inputs with these features; a gene without features has no text."""
    gene_x = np.float32(gene_x)
    told = gene_x.any(axis=1)
    texts = texts or tuple(f"gene number {i}" if here else "" for i, here in enumerate(told))
    if term_x is None:
        term_x = np.zeros((len(graph.terms), gene_x.shape[1]))
    return GeneInputs(graph, gene_x, np.float32(term_x), tuple(texts))


def task_of(labels, kind="binary", classes=("no", "yes"), genes=None):
    """Return a property of the first genes."""
    labels = np.asarray(labels)
    return PropertyTask(
        "dosage-sensitivity",
        kind,
        "a property",
        genes or names(len(labels)),
        labels,
        () if kind == "regression" else tuple(classes),
        False,
        LabelAudit(len(labels)),
    )


def planted(rng, genes=120, inside=0.12, outside=0.01, noise=3.0, terms=6):
    """Return a graph of two communities, noisy features of both, and the community of each gene.

    The features alone tell little; the mean over the neighbours, all of one community, tells all.
    Every gene also has a term, which tells nothing.
    """
    community = rng.integers(0, 2, genes)
    first, second = np.triu_indices(genes, 1)
    chance = np.where(community[first] == community[second], inside, outside)
    drawn = rng.random(len(first)) < chance
    pairs = np.column_stack([first, second])[drawn]
    held = np.column_stack([np.arange(genes), rng.integers(0, terms, genes)])
    edges = (
        interactions(pairs.tolist()),
        relation("gene", "annotated", "term", held),
        relation("term", "annotates", "gene", held[:, ::-1]),
        relation("term", "specialises", "term", [(i, 0) for i in range(1, terms)]),
        relation("term", "generalises", "term", [(0, i) for i in range(1, terms)]),
    )
    graph = graph_of(genes, *edges, terms=[f"GO:{i:07}" for i in range(terms)])
    x = rng.normal(size=(genes, 8)) * noise
    x[:, 0] += 2 * community - 1
    words = np.array(["alpha", "beta", "gamma", "delta"])
    texts = [" ".join(rng.choice(words, 3)) for _ in range(genes)]
    inputs = inputs_of(graph, x, texts, rng.normal(size=(terms, 8)))
    return inputs, task_of(community)
