"""A small world with a known answer: complexes whose members change the same readouts."""

import numpy as np
import pytest
from scipy import sparse

from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from models.inputs.annotations import Annotations
from models.inputs.screens import UNKNOWN, Rows, Screens
from models.response.corpus import Corpus, GeneVocabulary
from models.response.features import GeneFacts
from models.response.settings import TrainingSettings
from models.response.similarity import relatives

N_COMPLEXES, PER_COMPLEX, N_READOUTS, N_LINES = 12, 6, 60, 4
WEIGHTS = {"complex": 1.0}


def synthetic_corpus(seed: int = 0, shuffled: bool = False) -> Corpus:
    """Members of a complex change the same fifth of the readouts, in the same direction."""
    rng = np.random.default_rng(seed)
    n_perts = N_COMPLEXES * PER_COMPLEX
    genes = tuple(
        sorted(
            [f"P{i:03d}" for i in range(n_perts)]
            + [f"R{i:03d}" for i in range(N_READOUTS)]
            + ["LONER"]
        )
    )
    index = {gene: i for i, gene in enumerate(genes)}
    complex_of = np.arange(n_perts) // PER_COMPLEX
    changes = rng.random((N_COMPLEXES, N_READOUTS)) < 0.25
    goes_up = rng.random((N_COMPLEXES, N_READOUTS)) < 0.5
    line, pert, readout = (
        x.ravel()
        for x in np.meshgrid(
            np.arange(N_LINES), np.arange(n_perts), np.arange(N_READOUTS), indexing="ij"
        )
    )
    keep = rng.random(len(line)) < 0.4
    line, pert, readout = line[keep], pert[keep], readout[keep]
    noise = rng.random(len(line))
    de = np.where(noise < 0.1, 1, changes[complex_of[pert], readout].astype(int))
    up = goes_up[complex_of[pert], readout].astype(int)
    if shuffled:
        order = rng.permutation(len(de))
        de, up = de[order], up[order]
    rows = Rows(line, pert, readout, de, np.where(de == 1, up, UNKNOWN))
    perturbations = np.array([index[f"P{i:03d}"] for i in range(n_perts)])
    members = sparse.lil_array((len(genes), N_COMPLEXES), dtype=np.float32)
    for i in range(n_perts):
        members[perturbations[i], complex_of[i]] = 1.0
    family = Annotations(
        "complex", tuple(f"complex {i}" for i in range(N_COMPLEXES)), members.tocsr()
    )
    facts = GeneFacts(
        rng.normal(4, 1, (len(genes), 6)).astype(np.float32),
        rng.random((len(genes), 3)).astype(np.float32),
    )
    return Corpus(
        Screens(
            rows,
            tuple(genes[i] for i in perturbations),
            tuple(f"R{i:03d}" for i in range(N_READOUTS)),
            {"P000": ("OLD0",)},
        ),
        SymbolTable(Gene(symbol=gene) for gene in genes),
        GeneVocabulary(
            genes, perturbations, np.array([index[f"R{i:03d}"] for i in range(N_READOUTS)])
        ),
        facts,
        relatives([family], perturbations, WEIGHTS, 1.0, 16),
    )


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return synthetic_corpus()


@pytest.fixture(scope="session")
def quick() -> TrainingSettings:
    return TrainingSettings(folds=3, threads=1, rounds=30, rank=8)


@pytest.fixture(scope="session")
def shuffled_corpus() -> Corpus:
    return synthetic_corpus(1, shuffled=True)
