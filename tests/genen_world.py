"""A world of 84 genes in which texts and neighbours tell the labels, for tests of Genen's model."""

from unittest.mock import patch

import numpy as np

from knowledge.ontology import GeneOntology, Term
from models.genen import heads
from models.genen.graphs import build_graph
from models.genen.interactions import merged
from models.genen.labels import LabelAudit, PropertyTask
from models.genen.shipping import DescribedGenes, train_described
from models.genen.texts import GeneText, embed

NAMED = ("MDM2", "TP53")
UNWRITTEN, ALONE, BLANK = "G80", "G81", "MDM4"
"""Has no text; has no edge; has neither."""
GENES = tuple(sorted({*(f"G{i:02}" for i in range(2, 82)), *NAMED, BLANK, "CDKN1A"}))
SIDE = {gene: row % 2 for row, gene in enumerate(GENES)}
ROOT, BIND, PUMP = "GO:0000001", "GO:0000002", "GO:0000003"
TERMS = (
    Term(id=ROOT, name="molecular function", namespace="molecular_function"),
    Term(id=BIND, name="DNA binding", namespace="molecular_function"),
    Term(id=PUMP, name="ion pump", namespace="molecular_function"),
)
WORDS = ("binds promoters and switches genes on", "pumps ions through membranes of cells")


def texts():
    """Return what is written: genes of a side are described by much the same words."""
    return tuple(
        GeneText(gene, f"gene {gene}")
        if gene in (UNWRITTEN, BLANK)
        else GeneText(gene, f"gene {gene}", f"{WORDS[SIDE[gene]]} in tissue {row % 5}.")
        for row, gene in enumerate(GENES)
    )


def graph():
    """Return a graph in which genes interact and are annotated within their side."""
    rng = np.random.default_rng(0)
    connected = [row for row, gene in enumerate(GENES) if gene not in (ALONE, BLANK)]
    pairs = [(row, other) for row in connected for other in connected if row < other]
    kept = [
        pair
        for pair in pairs
        if rng.random() < (0.2 if SIDE[GENES[pair[0]]] == SIDE[GENES[pair[1]]] else 0.01)
    ]
    first, second = np.array(kept).T
    sure = rng.uniform(0.3, 1, len(kept)).astype(np.float32)
    annotated = {GENES[row]: ((BIND, PUMP)[SIDE[GENES[row]]],) for row in connected}
    ontology = GeneOntology(TERMS, {BIND: (ROOT,), PUMP: (ROOT,)}, annotated)
    return build_graph(GENES, merged({"one": (first, second, sure)}, len(GENES)), ontology)


def task(name, kind, labels, classes=(), genes=GENES):
    return PropertyTask(
        name=name,
        kind=kind,
        title=f"what {name} is",
        genes=tuple(genes),
        labels=np.asarray(labels),
        classes=classes,
        compartment_answers=False,
        audit=LabelAudit(rows=len(genes)),
    )


def tasks():
    """Return one task of each kind: three that can be learnt, and one that is noise."""
    rng = np.random.default_rng(1)
    labelled = [gene for gene in GENES if gene not in (UNWRITTEN, ALONE, BLANK, *NAMED)]
    side = np.array([SIDE[gene] for gene in labelled])
    third = np.where(rng.random(len(labelled)) < 0.3, 2, side)
    return (
        task("solubility", "binary", side, ("soluble", "membrane"), labelled),
        task("localisation", "multiclass", third, ("nucleus", "membrane", "cytoplasm"), labelled),
        task(
            "tf-target-type",
            "multilabel",
            rng.integers(0, 2, (len(labelled), 2)),
            ("first", "second"),
            labelled,
        ),
        task(
            "conservation", "regression", side * 0.5 + rng.normal(0, 0.1, len(side)), (), labelled
        ),
    )


def train(folder, encoder, which=None):
    """Train on the world, with fixed settings, and write a checkpoint; return the figures."""
    written = texts()
    described = np.array([bool(text.description) for text in written])
    vectors = embed([text.text if text.description else "" for text in written], encoder)
    names = {term.id: term.name for term in TERMS}
    world = graph()
    known = DescribedGenes(world, vectors, described, tuple(names[t] for t in world.terms))
    with patch.multiple(heads, PENALTIES=(0.3,), SHARES=(1.0,)):
        return train_described(
            known, which or tasks(), encoder, folder, lambda what, done: None, repeats=1
        )
