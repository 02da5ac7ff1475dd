"""Texts of genes and terms as vectors: what is read, cut, kept and hidden; and study bias."""

import gzip
import sqlite3

import numpy as np
import pytest

from evals.genen.study_bias import PUBLICATIONS, read_study_bias
from knowledge.errors import DataError
from knowledge.ontology import GeneOntology, Term
from knowledge.sources.genes import HGNC
from knowledge.texts.encoder import load_encoder
from models.genen.labels import read_tasks
from models.genen.texts import (
    FUNCTIONS,
    MASKED,
    SUMMARIES,
    GeneText,
    cache_name,
    embed,
    gene_texts,
    masked,
    passages,
    same_text_groups,
    term_texts,
    text_masks,
)

COLUMNS = (
    "hgnc_id", "symbol", "name", "locus_group", "status", "alias_symbol", "prev_symbol",
    "entrez_id", "ensembl_gene_id", "uniprot_ids",
)  # fmt: skip
ROWS = (
    ("HGNC:1", "TP53", "tumor protein p53", "", "", "7157", "", "P04637"),
    ("HGNC:2", "CHEK2", "checkpoint kinase 2", "", "RAD53", "11200", "", "O96017"),
    ("HGNC:3", "QUIET1", "nobody wrote of it", "", "", "9", "", ""),
)


@pytest.fixture
def mirror(tmp_path):
    """A mirror of three genes, one of them without a description."""
    for folder in ("perturbqa", "knowledge", "networks/mapping"):
        (tmp_path / folder).mkdir(parents=True)
    human = "\t".join(COLUMNS) + "\n"
    for row in ROWS:
        human += "\t".join((*row[:3], "protein-coding gene", "Approved", *row[3:])) + "\n"
    (tmp_path / HGNC).write_bytes(gzip.compress(human.encode()))
    (tmp_path / SUMMARIES).write_text(
        "#tax_id\tGeneID\tSource\tSummary\n9606\t7157\tRefSeq\tAnswers \x1b[31mDNA damage.\n"
    )
    (tmp_path / FUNCTIONS).write_text(
        "Entry\tGene Names (primary)\tFunction [CC]\n"
        "P04637\tTP53\tFUNCTION: Stops the cell cycle {ECO:0000269|PubMed:1}.\n"
        "O96017\tCHEK2\tFUNCTION: Phosphorylates p53.\n"
    )
    (tmp_path / PUBLICATIONS).write_text(
        "gene\tentrez_id\tn_pubmed\nTP53\t7157\t12000\nRAD53\t11200\t3\nCHEK2\t11200\t900\n"
    )
    return tmp_path


def sentences(count, words=20):
    return " ".join(
        f"Sentence {i} says {' '.join(f'w{i}x{j}' for j in range(words - 3))}."
        for i in range(count)
    )


def test_a_gene_is_described_by_name_summary_and_function(mirror):
    p53, chek2, quiet = gene_texts(mirror, ["TP53", "CHEK2", "QUIET1"])
    assert p53.text == "TP53 (tumor protein p53): Answers DNA damage. Stops the cell cycle."
    assert (chek2.summary, chek2.function) == ("", "Phosphorylates p53.")
    assert (quiet.description, quiet.text) == ("", "QUIET1 (nobody wrote of it)")


def test_of_what_is_no_gene_nothing_is_known(mirror):
    assert gene_texts(mirror, ["NOSUCH"]) == (GeneText("NOSUCH"),)


def test_a_term_is_described_by_name_and_definition():
    terms = [
        Term(id="GO:1", name="flight", namespace="biological_process", definition="Moving in air."),
        Term(id="GO:2", name="song", namespace="biological_process"),
    ]
    assert term_texts(GeneOntology(terms, {}, {}), ["GO:2", "GO:1"]) == (
        "song",
        "flight: Moving in air.",
    )


def test_a_long_text_is_cut_between_sentences_and_loses_nothing():
    text = sentences(7)
    pieces = passages(text, words=50)
    assert " ".join(pieces) == text
    assert max(len(piece.split()) for piece in pieces) <= 50
    assert all(piece.startswith("Sentence") for piece in pieces)


def test_a_sentence_longer_than_a_piece_is_cut_between_words():
    text = " ".join(f"w{i}" for i in range(120))
    pieces = passages(text, words=50)
    assert [len(piece.split()) for piece in pieces] == [50, 50, 20]
    assert " ".join(pieces) == text


def test_vectors_are_of_unit_length_and_those_of_empty_texts_are_zero(hash_encoder):
    vectors = embed(["DNA repair", "", sentences(9)], hash_encoder())
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1).tolist() == pytest.approx([1, 0, 1])
    assert not embed(["", ""], hash_encoder()).any()


def test_the_end_of_a_long_text_counts_as_much_as_its_beginning(hash_encoder):
    start, end = sentences(4), "Kinases phosphorylate many proteins of the cell. " * 10
    joined, first, last = embed([f"{start} {end}", start, end.strip()], hash_encoder())
    assert joined @ last > 0.5
    assert joined @ first > 0.3


def test_nothing_is_encoded_a_second_time(hash_encoder, tmp_path):
    encoder = hash_encoder()
    texts = ["DNA repair", "flight", "DNA repair"]
    first = embed(texts, encoder, tmp_path)
    assert encoder.encoded == 2
    assert np.array_equal(embed(texts[:2], encoder, tmp_path), first[:2])
    assert encoder.encoded == 2


def test_new_words_about_one_gene_cost_one_text(hash_encoder, tmp_path):
    encoder = hash_encoder()
    embed([f"G{i} does things" for i in range(50)], encoder, tmp_path)
    before = encoder.encoded
    embed([f"G{i} does {'other ' if i == 7 else ''}things" for i in range(50)], encoder, tmp_path)
    assert encoder.encoded - before == 1


def test_another_encoder_has_vectors_of_its_own_and_the_first_keeps_its(hash_encoder, tmp_path):
    one, other = hash_encoder("one"), hash_encoder("other")
    first = embed(["DNA repair"], one, tmp_path)
    assert not np.allclose(embed(["DNA repair"], other, tmp_path), first)
    assert other.encoded == 1
    embed(["DNA repair"], one, tmp_path)
    assert one.encoded == 1


def test_an_interrupted_run_goes_on_where_it_stopped(hash_encoder, tmp_path):
    class Interrupted(hash_encoder):
        def encode(self, texts):
            if self.encoded >= 256:
                raise KeyboardInterrupt
            return super().encode(texts)

    texts, interrupted = [f"gene number {i}" for i in range(600)], Interrupted()
    with pytest.raises(KeyboardInterrupt):
        embed(texts, interrupted, tmp_path)
    encoder, shares = hash_encoder(), []
    vectors = embed(texts, encoder, tmp_path, lambda _, share: shares.append(share))
    assert interrupted.encoded >= 256
    assert encoder.encoded == 600 - interrupted.encoded
    assert shares == sorted(shares)
    assert shares[0] > interrupted.encoded / 600
    assert shares[-1] == 1
    assert np.array_equal(vectors, embed(texts, hash_encoder()))


def test_progress_says_how_many_texts_are_encoded(hash_encoder, tmp_path):
    told = []
    embed(["one", "two"], hash_encoder(), tmp_path, lambda what, _: told.append(what))
    embed(["one", "two"], hash_encoder(), tmp_path, lambda what, _: told.append(what))
    assert told == ["encoding texts (2 of 2)", "every text is encoded"]


def test_a_corrupted_cache_is_an_error_that_names_the_file(hash_encoder, tmp_path):
    encoder = hash_encoder()
    (tmp_path / cache_name(encoder)).write_bytes(b"no database" * 1000)
    with pytest.raises(DataError, match=r"\.sqlite cannot hold embeddings") as caught:
        embed(["DNA repair"], encoder, tmp_path)
    assert isinstance(caught.value.__cause__, sqlite3.Error)


def test_each_mask_hides_its_share_and_what_smaller_ones_hide():
    present = np.ones(1000, bool)
    present[:200] = False
    masks = text_masks(present, seed=3)
    assert tuple(masks) == MASKED
    assert [mask.sum() for mask in masks.values()] == [0, 200, 400, 600]
    assert not any((mask & ~present).any() for mask in masks.values())
    assert not (masks[0.25] & ~masks[0.5]).any()
    assert not (masks[0.5] & ~masks[0.75]).any()


def test_masks_are_the_same_for_one_seed_and_others_for_another():
    present = np.ones(100, bool)
    one, same, other = (text_masks(present, seed)[0.5] for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ValueError, match="from 0 to 1"):
        text_masks(np.ones(3, bool), 0, [75])


def test_a_hidden_text_looks_like_none_and_the_vectors_stay_as_they_were(hash_encoder):
    vectors = embed(["DNA repair", "flight"], hash_encoder())
    hidden = masked(vectors, np.array([True, False]))
    assert not hidden[0].any()
    assert np.array_equal(hidden[1], vectors[1])
    assert vectors[0].any()


def test_genes_of_one_description_share_a_group_and_undescribed_ones_do_not():
    texts = [
        GeneText("ZNF1", summary="May regulate transcription."),
        GeneText("ZNF2", "another name", function="May regulate transcription."),
        GeneText("A"),
        GeneText("B"),
    ]
    groups = same_text_groups(texts)
    assert groups[0] == groups[1]
    assert len(set(groups.tolist())) == 3


def test_study_bias_is_the_length_of_the_summary_and_the_number_of_papers(mirror):
    bias = read_study_bias(mirror, gene_texts(mirror, ["TP53", "CHEK2", "QUIET1"]))
    assert bias.words.tolist() == [3, 0, 0]
    assert bias.publications.tolist() == [12000, 900, 0]
    assert bias.well_studied().tolist() == [True, False, False]
    assert bias.well_studied("publications").tolist() == [True, False, False]


def test_a_missing_table_of_papers_names_what_to_run(mirror):
    (mirror / PUBLICATIONS).unlink()
    with pytest.raises(DataError, match="knockwise data pull networks"):
        read_study_bias(mirror, ())


@pytest.mark.data
def test_most_labelled_genes_have_a_text(data_mirror):
    tasks = read_tasks(data_mirror, ["dosage-sensitivity", "localisation", "solubility"])
    genes = sorted({gene for task in tasks for gene in task.genes})
    of = {text.symbol: text for text in gene_texts(data_mirror, genes)}
    assert list(of) == genes
    assert all(text.name for text in of.values())
    for task in tasks:
        assert np.mean([bool(of[gene].description) for gene in task.genes]) > 0.95, task.name


@pytest.mark.data
def test_hundreds_of_localised_genes_share_their_text_with_others(data_mirror):
    (task,) = read_tasks(data_mirror, ["localisation"])
    sizes = np.bincount(same_text_groups(gene_texts(data_mirror, task.genes)))
    assert sizes.max() > 100
    assert sizes[sizes > 1].sum() > 500


@pytest.mark.data
def test_real_words_about_related_genes_lie_close(data_mirror, tmp_path):
    genes = ["CHEK1", "CHEK2", "OR1A1", "OR1A2"]
    texts = [text.text for text in gene_texts(data_mirror, genes)]
    one, two, three, four = embed(texts, load_encoder(), tmp_path)
    assert min(one @ two, three @ four) > max(one @ three, one @ four, two @ three, two @ four)
