"""Naming a list of genes, and how names are compared with those people gave."""

import json

import numpy as np
import pytest
from scipy.stats import hypergeom

from evals.genesets.enrichment import enriched
from evals.genesets.library import Library, ontology_sets, usable
from evals.genesets.namer import Rules, name_genes, tidy, words
from evals.genesets.naming import (
    NAMERS,
    leave_one_out,
    name_clusters,
    read_clusters,
    score_names,
)
from evals.genesets.page import summary
from evals.genesets.wording import compare
from evals.harness.scores import Results, Scores
from knowledge.errors import DataError
from knowledge.gene_sets import GeneSet
from knowledge.ontology import GeneOntology, Term
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable


def gene_set(name: str, *members: str, kind: str = "pathway") -> GeneSet:
    return GeneSet(id=name, name=name, kind=kind, source="made up", members=members)


PROTEASOME = tuple(f"PSM{i}" for i in range(8))
RIBOSOME = tuple(f"RPL{i}" for i in range(8))
OTHERS = tuple(f"X{i}" for i in range(200))


@pytest.fixture(scope="module")
def library() -> Library:
    sets = [
        gene_set("26S proteasome complex (human)", *PROTEASOME, kind="complex"),
        gene_set("Regulation of ornithine decarboxylase", *PROTEASOME, "X0"),
        gene_set("PROTEASOME", *PROTEASOME, "X1", "X2"),
        gene_set("proteasome assembly", *PROTEASOME[:6], "X3"),
        gene_set("cytosolic large ribosomal subunit", *RIBOSOME, kind="complex"),
        gene_set("large background", *OTHERS),
    ]
    genes = [Gene(symbol=g) for g in (*PROTEASOME[1:], *RIBOSOME, *OTHERS)]
    genes.append(Gene(symbol="PSM0", previous_symbols=("OLD0",)))
    return Library(tuple(sets), SymbolTable(genes))


def test_enrichment_is_the_hypergeometric_test(library):
    hits = {hit.term.name: hit for hit in enriched(["OLD0", "PSM1", "PSM2", "NOGENE"], library)}
    size = len(library.background)
    found = hits["proteasome assembly"]
    assert found.shared == ("PSM0", "PSM1", "PSM2")
    assert found.p == pytest.approx(hypergeom.sf(2, size, 7, 3), rel=1e-6)
    assert "large background" not in hits


def test_a_list_is_named_after_what_its_terms_agree_on(library):
    named = name_genes([*PROTEASOME, "NOGENE"], library)
    assert named.name == "26S proteasome complex"
    assert named.confident
    assert named.unnamed == ("NOGENE",)


def test_two_machines_in_one_list_get_two_names(library):
    both = name_genes([*PROTEASOME, *RIBOSOME[:5]], library)
    assert both.name == "26S proteasome complex and cytosolic large ribosomal subunit"
    one = name_genes([*PROTEASOME, *RIBOSOME[:5]], library, Rules(most_names=1))
    assert one.name == "26S proteasome complex"


def test_a_guess_is_marked_as_one(library):
    assert not name_genes(["PSM1", "X7", "X8"], library).confident
    nothing = name_genes(["NOGENE"], library)
    assert nothing.name == "no known function shared"
    assert nothing.terms == ()


def test_names_are_tidied_but_symbols_keep_their_capitals():
    assert tidy("OXIDATIVE PHOSPHORYLATION") == "oxidative phosphorylation"
    assert tidy("COP9 signalosome variant 1") == "COP9 signalosome"
    assert tidy("SAGA complex, KAT2B variant") == "SAGA complex"
    assert tidy("Unfolded Protein Response (UPR)") == "Unfolded Protein Response"
    assert words("Proteasomes and the proteasome") == ("proteasome",)


def test_terms_above_carry_the_genes_below_and_only_processes_and_complexes_count():
    terms = [
        Term(id="GO:1", name="translation", namespace="biological_process"),
        Term(id="GO:2", name="elongation", namespace="biological_process"),
        Term(id="GO:0032991", name="complex", namespace="cellular_component"),
        Term(id="GO:3", name="ribosome", namespace="cellular_component"),
        Term(id="GO:4", name="cytosol", namespace="cellular_component"),
    ]
    parents = {"GO:2": ("GO:1",), "GO:3": ("GO:0032991",)}
    annotated = {"A": ("GO:2", "GO:4"), "B": ("GO:1", "GO:3")}
    sets = {s.name: s for s in ontology_sets(GeneOntology(terms, parents, annotated), annotated)}
    assert sets["translation"].members == ("A", "B")
    assert sets["ribosome"].kind == "complex"
    assert "cytosol" not in sets
    assert [s.name for s in usable(tuple(sets.values()))] == ["translation"]


def test_rouge_counts_the_label_words_that_were_said(hash_encoder):
    encoder = hash_encoder("a")
    scores = compare(
        ["proteasome complexes", "histone"], ["proteasome complex", "DNA repair"], encoder
    )
    assert scores["rouge_recall"].tolist() == [1.0, 0.0]
    same = compare(["heat shock"], ["heat shock"], encoder)
    assert same["similarity"][0] == pytest.approx(1, abs=1e-5)
    assert same["cosine"][0] == pytest.approx(1, abs=1e-5)


def test_a_cluster_never_chooses_its_own_taste():
    worth = np.array([[1.0, 0.0, 0.0], [0.0, 0.6, 0.6]])
    # Without itself, the first cluster prefers taste 1; the others see 1.0 + 0 against 0 + 0.6.
    assert leave_one_out(worth, np.ones(3, bool)) == [1, 0, 0]
    assert leave_one_out(worth, np.array([False, True, True])) == [1, 1, 1]


def test_clusters_without_a_label_are_named_but_not_scored(library, hash_encoder, tmp_path):
    (tmp_path / "perturbqa").mkdir()
    clusters = [
        {"genes": list(PROTEASOME), "label": "proteasome"},
        {"genes": list(RIBOSOME), "label": "large ribosomal subunit"},
        {"genes": ["X1", "X2"], "label": None},
    ]
    for name in ("pert", "gene"):
        path = tmp_path / "perturbqa" / f"k562_{name}-gse.json"
        path.write_text(json.dumps(clusters))
    encoder, rng = hash_encoder("a"), np.random.default_rng(0)
    table = name_clusters(read_clusters(tmp_path), library, encoder, rng, lambda *_: None)
    assert len(table) == len(NAMERS) * 6
    assert table[table.label.isna()].rouge_recall.isna().all()
    scores = Scores(score_names(table, 0, draws=20))
    recall = scores.plain.where(kind="gene clusters", measure="rouge_recall").by("predictor")
    ours = recall["knockwise, default",].value
    assert (ours.value, ours.n) == (1.0, 2)
    assert recall["random term",].value.value < 1.0
    page = summary(Results("genesets", scores, {"encoder": "a"}))
    assert "| knockwise, default | 1.000" in page


def test_missing_clusters_say_what_to_do(tmp_path):
    with pytest.raises(DataError, match="knockwise data pull"):
        read_clusters(tmp_path)


@pytest.mark.data
def test_the_mirror_names_known_machines(data_mirror):
    from evals.genesets.library import read_library

    library = read_library(data_mirror)
    assert len(library.sets) > 15_000
    named = name_genes(["COPS2", "COPS3", "COPS4", "COPS5", "COPS6", "COPS8", "GPS1"], library)
    assert "COP9 signalosome" in named.name
    assert named.confident
