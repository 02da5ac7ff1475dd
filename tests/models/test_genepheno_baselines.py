"""Baselines of GenePheno: each learns what it says, and nothing of the genes that it predicts."""

import numpy as np
import pytest
import torch
from scipy import sparse

from models.genepheno.baselines import (
    AllAgainstAll,
    CompositionLogistic,
    DenseNetwork,
    HomologyTransfer,
    NearestSequence,
    TermFrequency,
    TrueFunctions,
)
from models.genepheno.composition import composition
from models.genepheno.homology import Hits
from models.genepheno.ontology import GeneFunctions, ancestry
from models.genepheno.phenotypes import PhenotypeLabels, TermVocabulary
from models.genepheno.sequences import RESIDUES, Protein

PARENTS = (np.array([], int), np.array([0]), np.array([0]), np.array([], int))
TERMS = ("top", "left", "right", "other")
FAMILIES, MEMBERS = 12, 10


def labelled(genes, rows):
    """Labels of four terms; `left` and `right` are under `top`."""
    direct = sparse.csr_array(np.array(rows, bool))
    whole = (direct.astype(int) @ ancestry(PARENTS).astype(int)).astype(bool).tocsr()
    vocabulary = TermVocabulary(TERMS, TERMS, PARENTS, ("",) * 4, np.array([[1, 2]]), 0.0)
    return PhenotypeLabels(
        "mp", tuple(genes), vocabulary, direct, whole, np.zeros(len(genes), bool)
    )


@pytest.fixture(scope="module")
def world():
    """Families of proteins with one phenotype each; members resemble each other in the hits."""
    rng = np.random.default_rng(0)
    letters = np.array(list(RESIDUES))
    proteins, rows, family = [], [], []
    for number in range(FAMILIES):
        rates = rng.dirichlet(np.full(20, 0.6))
        for member in range(MEMBERS):
            text = "".join(letters[rng.choice(20, size=150, p=rates)])
            gene = f"F{number:02d}M{member}"
            proteins.append(Protein(gene, "human", text, gene, inferred=False))
            rows.append([False, number % 3 == 0, number % 3 == 1, number % 3 == 2])
            family.append(number)
    same = np.equal.outer(family, family)
    query, target = np.nonzero(same)
    score = np.where(query == target, 300, 100).astype(np.float32)
    one = np.ones(len(query), np.float32)
    hits = Hits(len(proteins), len(proteins), query, target, one, one, score)
    labels = labelled([protein.gene for protein in proteins], rows)
    matrix = sparse.csr_array(np.eye(FAMILIES, dtype=bool)[family])
    functions = GeneFunctions(
        labels.genes,
        tuple(f"GO:{number}" for number in range(FAMILIES)),
        tuple(f"function {number}" for number in range(FAMILIES)),
        ("molecular_function",) * FAMILIES,
        (np.array([], int),) * FAMILIES,
        matrix,
        np.ones(len(proteins), bool),
    )
    held = np.arange(len(proteins)) % MEMBERS >= MEMBERS - 2
    return proteins, labels, AllAgainstAll(proteins, hits), functions, held


def predictors(world):
    _, _, align, functions, _ = world
    return [
        TermFrequency(),
        NearestSequence(align),
        HomologyTransfer(align),
        CompositionLogistic(),
        TrueFunctions(functions),
        DenseNetwork(functions, align),
    ]


def predicted(world, predictor):
    """Return what a predictor that learns from the others says of the held-out members."""
    proteins, labels, _, _, held = world
    known = [proteins[row] for row in np.flatnonzero(~held)]
    asked = [proteins[row] for row in np.flatnonzero(held)]
    found = predictor.fit(known, labels.taking(np.flatnonzero(~held))).predict(asked)
    return found, labels.propagated.toarray()[held]


@pytest.fixture(scope="module")
def told(world):
    """What every baseline says of the held-out members, by its name: fitted once for all tests."""
    return {one.name: predicted(world, one)[0] for one in predictors(world)}


@pytest.fixture(scope="module")
def truth(world):
    """The labels of the held-out members."""
    _, labels, _, _, held = world
    return labels.propagated.toarray()[held]


def test_every_baseline_gives_every_term_a_probability(told, truth):
    for name, scores in told.items():
        assert scores.shape == truth.shape, name
        assert scores.dtype == np.float32, name
        assert ((scores >= 0) & (scores <= 1)).all(), name


def test_all_but_term_frequency_tell_families_apart(told, truth):
    for name, scores in told.items():
        if name != TermFrequency().name:
            assert scores[truth].mean() > scores[~truth].mean() + 0.3, name


def test_the_dense_network_never_puts_a_term_above_its_parent(world, told):
    scores = told[predictors(world)[-1].name]
    assert (scores[:, 0] >= scores[:, 1:3].max(axis=1)).all()


def test_term_frequency_is_the_share_of_training_genes(world):
    scores, _ = predicted(world, TermFrequency())
    assert scores[0] == pytest.approx([8 / 12, 4 / 12, 4 / 12, 4 / 12])
    assert (scores == scores[0]).all()


def test_the_same_seed_learns_the_same_and_leaves_global_randomness_alone(world, told):
    _, _, align, functions, _ = world
    before = torch.get_rng_state()
    network = DenseNetwork(functions, align)
    again = predicted(world, network)[0]
    other = predicted(world, DenseNetwork(functions, align, seed=4))[0]
    assert (told[network.name] == again).all()
    assert (told[network.name] != other).any()
    assert (torch.get_rng_state() == before).all()


def test_a_protein_like_no_other_gets_the_term_frequencies(world):
    proteins, labels, _, _, _ = world
    stranger = Protein("NEW", "human", "WWWWWWWWWWWWWWWWWWWWWW", "NEW", inferred=False)
    none = np.zeros(0, np.int64)
    empty = np.zeros(0, np.float32)
    for kind in (NearestSequence, HomologyTransfer):

        def align(queries, targets):
            return Hits(len(queries), len(targets), none, none, empty, empty, empty)

        found = kind(align).fit(proteins, labels).predict([stranger])
        assert found[0] == pytest.approx(labels.frequencies())


def test_homology_transfer_weighs_relatives_by_bits():
    proteins = [Protein(g, "human", "MKV" * 9, g, inferred=False) for g in "ABCQ"]
    labels = labelled(["A", "B", "C"], [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])

    def align(queries, targets):
        rows, one = np.array([0, 0]), np.ones(2, np.float32)
        bits = np.array([300, 100], np.float32)
        return Hits(1, 3, rows, np.array([0, 1]), one, one, bits)

    plain = HomologyTransfer(align, prior_bits=0).fit(proteins[:3], labels)
    assert plain.predict(proteins[3:])[0] == pytest.approx([1, 0.75, 0.25, 0])
    shrunk = HomologyTransfer(align, prior_bits=400).fit(proteins[:3], labels)
    want = [(1 + 2 / 3) / 2, (0.75 + 1 / 3) / 2, (0.25 + 1 / 3) / 2, 1 / 6]
    assert shrunk.predict(proteins[3:])[0] == pytest.approx(want)
    nearest = NearestSequence(align).fit(proteins[:3], labels)
    assert nearest.predict(proteins[3:])[0].tolist() == [1, 1, 0, 0]


def test_a_protein_does_not_learn_from_its_own_gene(world):
    proteins, labels, align, _, _ = world
    one = [row for row in range(len(proteins)) if row % MEMBERS == 0]
    alone = NearestSequence(align).fit([proteins[r] for r in one], labels.taking(np.array(one)))
    found = alone.predict([proteins[0]])
    # Its family has no other member here, so nothing resembles it.
    assert found[0] == pytest.approx(labels.taking(np.array(one)).frequencies())


def test_functions_of_predicted_genes_reach_only_the_reference_that_says_so(world, told):
    _, _, align, functions, held = world
    wrong = functions.matrix.toarray()
    wrong[held] = wrong[held][:, ::-1]
    swapped = GeneFunctions(
        *(getattr(functions, name) for name in ("genes", "terms", "names", "aspects", "parents")),
        sparse.csr_array(wrong),
        functions.annotated,
    )
    dense, true = DenseNetwork(swapped, align), TrueFunctions(swapped)
    assert (told[dense.name] == predicted(world, dense)[0]).all()
    assert (told[true.name] != predicted(world, true)[0]).any()


def test_labels_of_predicted_genes_are_never_looked_at(world, told):
    proteins, labels, align, functions, held = world
    for predictor in predictors(world):
        scores = told[predictor.name]
        flipped = labels.propagated.toarray()
        flipped[held] = ~flipped[held]
        other = labelled(labels.genes, flipped)
        other = PhenotypeLabels(
            "mp", labels.genes, labels.vocabulary, other.direct,
            sparse.csr_array(flipped), labels.tested_negative,
        )  # fmt: skip
        again, _ = predicted((proteins, other, align, functions, held), predictor)
        assert (scores == again).all(), predictor.name


def test_a_protein_that_was_not_aligned_is_no_silent_stranger(world):
    proteins, _, align, _, _ = world
    stranger = Protein("NEW", "human", "MKV", "NEW", inferred=False)
    with pytest.raises(KeyError):
        align([stranger], proteins)


def test_composition_counts_residues_pairs_and_triads():
    found = composition(["AAC", "", "XXAAXX"])
    assert found.shape == (3, 20 + 400 + 343 + 1)
    assert found[0, :2] ** 2 == pytest.approx([2 / 3, 1 / 3])  # A and C
    assert found[0, 20:22] ** 2 == pytest.approx([1 / 2, 1 / 2])  # AA and AC
    assert found[0, 420:763].max() == 1
    assert found[0, -1] == pytest.approx(np.log10(3))
    assert not found[1].any()
    assert found[2, 20] == 1  # no pair across X
