import numpy as np
import pytest

from knowledge.errors import KnockwiseError
from models.genepheno.alignment import SequenceIndex, self_bits
from models.genepheno.descriptors import descriptors
from models.genepheno.encoder import encoder, family_weights
from models.genepheno.sequences import RESIDUES
from tests.models.genepheno_families import FAMILIES, MEMBERS, proteins


def test_every_sequence_gets_a_finite_vector_of_one_width():
    sequences = ["M", "MK", "X" * 40, "MKWVTFISLLFLFSSAYS", RESIDUES * 5, "ACDEFGHIKL" * 3500]
    vectors = encoder().encode(sequences)
    assert vectors.shape == (len(sequences), len(family_weights()))
    assert np.isfinite(vectors).all()


def test_a_vector_depends_on_its_sequence_alone():
    alone = encoder().encode(["MKWVTFISLL"])
    assert (encoder().encode(["ACDE", "MKWVTFISLL"])[1:] == alone).all()


def test_a_membrane_protein_is_seen_as_one():
    loop, segment = "KDESTNQGKRDE" * 3, "LLIVFALVGLLIVAFLLIVA"
    spans = [descriptors((loop + segment) * count + loop)["membrane"][0] for count in (0, 1, 7)]
    assert spans == [0, 1, 7]


def test_composition_counts_residues_and_leaves_unknown_ones_out():
    found = descriptors("AACX")["composition"]
    assert found[RESIDUES.index("A")] == pytest.approx(0.5)
    assert found.sum() == pytest.approx(0.75)


def test_a_protein_language_model_is_loaded_by_name(tmp_path):
    from transformers import EsmConfig, EsmModel, EsmTokenizer

    tokens = ["<cls>", "<pad>", "<eos>", "<unk>", *RESIDUES, "X", "<mask>"]
    (tmp_path / "vocab.txt").write_text("\n".join(tokens))
    EsmTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    config = EsmConfig(
        vocab_size=len(tokens), mask_token_id=len(tokens) - 1, pad_token_id=1, hidden_size=8,
        num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        position_embedding_type="rotary",
    )  # fmt: skip
    EsmModel(config).save_pretrained(tmp_path)
    found = encoder(str(tmp_path))
    vectors = found.encode(["MKWVTF", "ACDEFGHIKL" * 250, ""])
    assert vectors.shape == (3, 8)
    assert np.isfinite(vectors).all()
    assert (found.encode(["MKWVTF"])[0] == vectors[0]).all()


def test_a_language_model_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(KnockwiseError, match=r"cannot be loaded .* use the encoder 'profile'"):
        encoder(str(tmp_path / "none"))


def test_the_index_finds_the_family_of_a_sequence_and_no_other():
    found = proteins()
    index = SequenceIndex([one.sequence for one in found[1:]])
    hits = index.search([found[0].sequence])
    assert set(hits.target) == set(range(MEMBERS - 1))
    assert index.search(["W" * 200, "M", "X" * 50]).bits.size == 0


def test_a_sequence_aligned_to_itself_scores_what_it_can_at_most():
    found = proteins()
    index = SequenceIndex([one.sequence for one in found])
    hits = index.search([found[3].sequence])
    assert hits.bits.max() == pytest.approx(self_bits(found[3].sequence))
    assert hits.target[hits.bits.argmax()] == 3


def test_identities_are_shares_of_aligned_residues():
    found = proteins()
    index = SequenceIndex([one.sequence for one in found])
    itself, sibling = index.identities(found[0].sequence, [0, 1])
    assert itself == 1
    assert 0.4 < sibling < 0.8
    assert FAMILIES > 1
