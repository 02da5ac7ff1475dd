"""Splits: no gene, orthologue or relative of a tested gene is learnt from."""

from dataclasses import replace

import numpy as np
import pytest

from evals.phenotypes.splits import FOLDS, homology_split, random_split, temporal_split
from knowledge.errors import DataError
from models.genepheno.homology import Hits, families, search
from models.genepheno.phenotypes import read_labels
from models.genepheno.sequences import Protein, by_gene, read_proteins
from tests.models.genepheno_world import mirror  # noqa: F401  # a fixture

GENES = tuple(f"G{number:03d}" for number in range(103))
RESIDUES = np.array(list("ACDEFGHIKLMNPQRSTVWY"))


def drawn_proteins(per_family=4, families=30, length=120, changed=0.4, seed=0):
    """Families of proteins that share about 60 % of the residues of a founder with it."""
    rng = np.random.default_rng(seed)
    proteins = []
    for family in range(families):
        founder = rng.integers(20, size=length)
        for member in range(per_family):
            mine = np.where(rng.random(length) < changed, rng.integers(20, size=length), founder)
            text = "".join(RESIDUES[mine])
            gene = f"F{family:02d}M{member}"
            proteins.append(Protein(gene, "human", text, gene, inferred=False))
    return proteins


@pytest.fixture(scope="module")
def proteins():
    return drawn_proteins()


@pytest.fixture(scope="module")
def hits(proteins):
    sequences = [protein.sequence for protein in proteins]
    return search(sequences, sequences)


def parts_of(split):
    return [set(split.train.tolist()), set(split.validation.tolist()), set(split.test.tolist())]


def check_division(splits, genes):
    """Every gene is tested once, and no row of a split is in two parts or in none."""
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(genes))
    for split in splits:
        train, validation, test = parts_of(split)
        assert len(train) + len(validation) + len(test) == genes
        assert train | validation | test == set(range(genes))


def test_every_gene_is_tested_once_and_never_learnt_from_at_once():
    splits = random_split(GENES, seed=1)
    check_division(splits, len(GENES))
    assert {len(split.test) for split in splits} == {20, 21}
    assert all(len(split.validation) in (10, 11) for split in splits)


def test_a_seed_gives_the_same_split_and_another_one_another():
    first, again, other = (random_split(GENES, seed)[0] for seed in (1, 1, 2))
    assert (first.test == again.test).all()
    assert set(first.test) != set(other.test)


def test_a_gene_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match="tested on itself"):
        random_split((*GENES, GENES[0]), seed=0)


def test_too_few_genes_are_said():
    with pytest.raises(DataError, match=r"finds 5 genes or families; 5 folds need 16"):
        random_split(GENES[:5], seed=0)


def test_relatives_are_found_and_strangers_are_not(proteins, hits):
    family = families(hits)
    assert len(set(family.tolist())) == 30
    assert all(len(set(family[start : start + 4].tolist())) == 1 for start in range(0, 120, 4))


def test_no_tested_protein_has_a_relative_among_those_learnt_from(proteins, hits):
    splits = homology_split(proteins, seed=0, hits=hits)
    check_division(splits, len(proteins))
    for split in splits:
        there = [{proteins[row].gene[:3] for row in part} for part in parts_of(split)]
        assert sum(map(len, there)) == len(set.union(*there))


def test_a_random_split_does_not_spare_relatives(proteins):
    train, _, test = parts_of(random_split([one.gene for one in proteins], seed=0)[0])
    families_of = [{proteins[row].gene[:3] for row in part} for part in (train, test)]
    assert families_of[0] & families_of[1]


def test_families_are_joined_by_chains_and_kept_apart_by_a_short_domain():
    # 0-1 and 1-2 are relatives, 3 shares a small domain with 0, 4 is too distant.
    hits = Hits(
        queries=5,
        targets=5,
        query=np.array([0, 1, 0, 0]),
        target=np.array([1, 2, 3, 4]),
        identity=np.array([0.35, 0.5, 0.9, 0.25], np.float32),
        coverage=np.array([0.8, 0.5, 0.2, 0.9], np.float32),
        bits=np.array([90, 80, 70, 60], np.float32),
    )
    assert families(hits).tolist() == [0, 0, 0, 1, 2]
    assert families(hits, identity=0.2).tolist() == [0, 0, 0, 1, 0]


def test_orthologues_stay_in_one_fold_even_when_they_resemble_too_little(proteins, hits):
    # The mouse's sequence of the first gene of each family is that of a stranger.
    strangers = drawn_proteins(per_family=1, families=30, seed=7)
    mice = [
        replace(stranger, gene=proteins[4 * row].gene, species="mouse")
        for row, stranger in enumerate(strangers)
    ]
    both = [*proteins, *mice]
    size = len(both)
    wider = replace(hits, queries=size, targets=size)
    for split in homology_split(both, seed=0, hits=wider):
        where = {row: part for part, rows in enumerate(parts_of(split)) for row in rows}
        assert all(where[4 * row] == where[len(proteins) + row] for row in range(30))


def test_alignments_of_other_proteins_are_refused(proteins, hits):
    with pytest.raises(ValueError, match="alignments of 120 proteins, expected 119"):
        homology_split(proteins[:-1], seed=0, hits=hits)


def test_alignments_are_kept_and_picked_by_row(hits, tmp_path):
    hits.save(tmp_path / "hits.parquet")
    again = Hits.load(tmp_path / "hits.parquet")
    assert (again.scores() != hits.scores()).nnz == 0
    rows = np.array([5, 0, 3])
    few = again.among(rows, rows[:2]).scores().toarray()
    assert (few == hits.scores().toarray()[np.ix_(rows, rows[:2])]).all()
    (tmp_path / "hits.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DataError, match=r"hits\.parquet holds no alignments"):
        Hits.load(tmp_path / "hits.parquet")


def test_a_search_without_matches_or_sequences_finds_nothing():
    assert len(search([], ["MKWVTFISLLFLFSSAYSRG"])) == 0
    found = search(["WWWWWWCCCCCCWWWWWWCCCCCC"], ["MKLLPTAAAGLLLLAAQPAMARDE"])
    assert (len(found), found.scores().shape) == (0, (1, 1))


def test_what_was_found_later_is_tested_with_the_columns_of_then(mirror):  # noqa: F811
    old = read_labels(mirror, "hpo-2014", min_genes=1)
    new = read_labels(mirror, "hpo", min_genes=1)
    with pytest.raises(DataError, match="hpo describes no gene"):
        temporal_split(new, new, seed=0)
    labels, split = temporal_split(old, new, seed=0)
    assert labels.genes == ("SOX6", "GATA1", "QARS1")
    assert labels.vocabulary.terms == ("HP:0000707",)
    assert split.test.tolist() == [1, 2]
    assert parts_of(split)[0] | parts_of(split)[1] == {0}
    # What is known of SOX6 today, seizures, is not told to a model of 2014.
    assert labels.propagated.toarray().tolist() == [[True], [True], [True]]
    assert labels.direct.toarray().tolist() == [[True], [False], [True]]


@pytest.mark.data
@pytest.mark.slow
def test_on_the_mirror_genes_of_a_homology_fold_have_no_close_relative_outside(data_mirror):
    found = by_gene(read_proteins(data_mirror))
    proteins = [found[gene] for gene in sorted(found)][::10]
    sequences = [protein.sequence for protein in proteins]
    hits = search(sequences, sequences, sensitivity=4)
    near = (hits.identity >= 0.3) & (hits.coverage >= 0.5) & (hits.query != hits.target)
    assert near.sum() > 50
    splits = homology_split(proteins, seed=0, hits=hits)
    assert len(splits) == FOLDS
    fold = np.zeros(len(proteins), int)
    for split in splits:
        fold[split.test] = split.fold
        assert 0.15 < len(split.test) / len(proteins) < 0.25
    assert (fold[hits.query[near]] == fold[hits.target[near]]).all()
