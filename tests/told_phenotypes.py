"""A phenotype model that says what it was told of a few genes, and of any sequence."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from models.genepheno.sequences import Protein
from models.inputs.genes import UnknownGeneError

TERMS = {
    "mp": (
        # term, name, parents, system
        ("MP:1", "skeleton phenotype", (), "MP:1"),
        ("MP:2", "abnormal bone", (0,), "MP:1"),
        ("MP:3", "short bone", (1,), "MP:1"),
        ("MP:4", "hearing phenotype", (), "MP:4"),
        ("MP:5", "deafness", (3,), "MP:4"),
        ("MP:6", "pale fur", (), ""),
    ),
    "hpo": (
        ("HP:1", "Abnormality of growth", (), "HP:1"),
        ("HP:2", "Short stature", (0,), "HP:1"),
    ),
    "komp": (("MP:1", "skeleton phenotype", (), "MP:1"),),
    "gwas": (("height", "height", (), ""),),
}
P = {"mp": (0.9, 0.8, 0.7, 0.5, 0.4, 0.01), "hpo": (0.6, 0.5), "komp": (0.3,), "gwas": (0.2,)}
PRIORS = {"mp": (0.5, 0.2, 0.05, 0.3, 0.1, 0.02), "hpo": (0.3, 0.1), "komp": (0.2,), "gwas": (0.3,)}
KNOWN = {
    ("MDM2", "mp"): ("MP:3", "MP:2", "MP:5"),
    ("TP53", "mp"): ("MP:5",),
    ("CDKN1A", "mp"): (),
}


class Function(NamedTuple):
    go: str
    name: str
    activation: float
    weight: float


class Neighbour(NamedTuple):
    gene: str
    species: str
    identity: float
    score: float


FUNCTIONS = (Function("GO:1", "bone growth", 0.9, 2.0), Function("GO:2", "kinase", 0.5, 1.0))


class ToldPhenotypes:
    """MDM2, TP53 and CDKN1A have sequences, MDM4 curated functions, others neither."""

    version = "told"
    collections = ("mp", "hpo", "komp", "gwas")
    genes = ("MDM2", "TP53", "CDKN1A", "FGFR3")

    def __init__(self):
        self.asked = []

    def vocabulary(self, collection):
        terms, names, parents, systems = zip(*TERMS[collection], strict=True)
        rows = tuple(np.array(one, np.int64) for one in parents)
        return SimpleNamespace(terms=terms, names=names, parents=rows, systems=systems)

    def known(self, gene, collection):
        return KNOWN.get((gene, collection))

    def protein(self, gene):
        if gene not in self.genes:
            raise UnknownGeneError(f"{gene} has no sequence here; give one with --fasta.")
        return Protein(gene, "human", "MKV", "told", False)

    def predict(self, protein, collection):
        self.asked.append((protein if isinstance(protein, str) else protein.gene, collection))
        return self._said(collection, "sequence")

    def predict_curated(self, gene, collection):
        if gene != "MDM4":
            raise UnknownGeneError(f"{gene} has no curated functions either.")
        self.asked.append((gene, collection))
        return self._said(collection, "curated functions")

    def probabilities(self, sequences):
        return {name: np.tile(np.array(P[name], np.float32), (len(sequences), 1)) for name in TERMS}

    def _said(self, collection, basis):
        vocabulary = self.vocabulary(collection)
        near = (Neighbour("MDM4", "mouse", 0.62, 0.5),) if basis == "sequence" else ()
        return SimpleNamespace(
            collection=collection,
            basis=basis,
            terms=vocabulary.terms,
            names=vocabulary.names,
            probabilities=np.array(P[collection], np.float32),
            priors=np.array(PRIORS[collection], np.float32),
            neighbours=near,
            functions=lambda row, most=3: FUNCTIONS[:most],
        )
