"""Four families of proteins; each has its own function, and each function its own phenotypes."""

import numpy as np
from scipy import sparse

from models.genepheno.functions import KernelSettings
from models.genepheno.network import HeadSettings
from models.genepheno.ontology import GeneFunctions, ancestry
from models.genepheno.phenotypes import PhenotypeLabels, TermVocabulary
from models.genepheno.predictor import PhenotypeSettings
from models.genepheno.sequences import RESIDUES, Protein

FAMILIES, MEMBERS, LENGTH = 4, 8, 140
TERMS = ("MP:0", "MP:1", "MP:2", "MP:3", "MP:4", "MP:5")
NAMES = (
    "heart phenotype", "increased heart size", "decreased heart size", "growth phenotype",
    "small organs", "lethality",
)  # fmt: skip
PARENTS = tuple(np.array(rows, np.int64) for rows in ([], [0], [0, 4], [], [3], []))
DIRECT = ((1,), (2,), (4,), ())
"""Phenotypes of each family; the last was examined and nothing was found."""
FUNCTIONS = ("GO:0", "GO:1", "GO:2", "GO:3", "GO:4")
FUNCTION_NAMES = ("pumping", "growing hearts", "shrinking hearts", "building", "resting")
FUNCTION_PARENTS = tuple(np.array(rows, np.int64) for rows in ([], [0], [0], [], []))
SETTINGS = PhenotypeSettings(
    kernel=KernelSettings(waves=256, rank=8, noise=0.1),
    head=HeadSettings(shrinkage=0.1, gain=1.0, epochs=5, batch=8, exclusivity=1.0),
    fewest=2,
)


def proteins(seed: int = 0) -> tuple[Protein, ...]:
    """Members of a family share some seven residues of ten."""
    rng = np.random.default_rng(seed)
    letters = np.array(list(RESIDUES))
    found = []
    for family in range(FAMILIES):
        first = rng.choice(letters, LENGTH)
        for member in range(MEMBERS):
            changed = np.where(rng.random(LENGTH) < 0.3, rng.choice(letters, LENGTH), first)
            name = f"G{family}{member}"
            found.append(Protein(name, "human", "M" + "".join(changed), name, inferred=False))
    return tuple(found)


def functions(extra: tuple[str, ...] = ()) -> GeneFunctions:
    """Each family's function with what is above it; `extra` genes have the first family's."""
    rows = {0: (0, 1), 1: (0, 2), 2: (3,), 3: (4,)}
    genes = [one.gene for one in proteins()]
    matrix = np.zeros((len(genes) + len(extra), len(FUNCTIONS)), bool)
    for row, gene in enumerate(genes):
        matrix[row, list(rows[int(gene[1])])] = True
    matrix[len(genes) :, list(rows[0])] = True
    return GeneFunctions(
        genes=(*genes, *extra),
        terms=FUNCTIONS,
        names=FUNCTION_NAMES,
        aspects=("biological_process",) * len(FUNCTIONS),
        parents=FUNCTION_PARENTS,
        matrix=sparse.csr_array(matrix),
        annotated=np.ones(len(matrix), bool),
    )


def labels(extra: tuple[str, ...] = ()) -> PhenotypeLabels:
    """Phenotypes of every gene; `extra` genes have the first family's."""
    genes = (*(one.gene for one in proteins()), *extra)
    family = [int(gene[1]) if gene not in extra else 0 for gene in genes]
    direct = np.zeros((len(genes), len(TERMS)), bool)
    for row, number in enumerate(family):
        direct[row, list(DIRECT[number])] = True
    propagated = (direct.astype(int) @ ancestry(PARENTS).toarray().astype(int)) > 0
    return PhenotypeLabels(
        collection="mp",
        genes=genes,
        vocabulary=TermVocabulary(
            terms=TERMS,
            names=NAMES,
            parents=PARENTS,
            systems=("heart", "heart", "heart", "growth", "growth", ""),
            exclusive=np.array([[1, 2]], np.int64),
            exclusive_rate=0.0,
        ),
        direct=sparse.csr_array(direct),
        propagated=sparse.csr_array(propagated),
        tested_negative=np.array([number == 3 for number in family]),
    )
