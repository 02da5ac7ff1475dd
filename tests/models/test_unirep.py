"""UniRep's port gives what its published equations give, one residue at a time."""

import numpy as np
import pytest

from knowledge.errors import DataError
from models.genepheno.encoder import encoder, family_weights
from models.inputs.unirep import LETTERS, LONGEST, UniRep, encoded
from tests.models.tiny_unirep import UNITS, tiny_unirep

SEQUENCES = ("MKWVTFISLLFLFSSAYS", "M", "ACDEFGHIKLMNPQRSTVWYX", "", "MKWVTFISLL")


@pytest.fixture
def weights(tmp_path):
    return tiny_unirep(tmp_path / "unirep_6.npz")


def by_the_equations(path, sequence):
    """Return mean and last hidden state, last cell state and surprise (Alley et al. 2019)."""
    w = {name: one.astype(float) for name, one in np.load(path).items()}
    numbers = [24, *(LETTERS.index(letter) for letter in sequence)]
    inputs = w["embedding"][numbers]
    for layer in range(2):
        p = {name.split(".")[2]: w[name] for name in w if name.startswith(f"mlstm.{layer}.")}
        n = {
            which: p[f"w{which}"] / np.sqrt((p[f"w{which}"] ** 2).sum(0)) * p[f"g{which}"]
            for which in ("x", "h", "mx", "mh")
        }
        h, c, states = np.zeros(UNITS), np.zeros(UNITS), []
        for x in inputs:
            m = (x @ n["mx"]) * (h @ n["mh"])
            i, f, o, u = np.split(x @ n["x"] + m @ n["h"] + p["b"], 4)
            i, f, o = (1 / (1 + np.exp(-z)) for z in (i, f, o))
            c = f * c + i * np.tanh(u)
            h = o * np.tanh(c)
            states.append(h)
        inputs = np.array(states)
    logits = inputs @ w["dense.w"] + w["dense.b"]
    sure = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    told = [-np.log(sure[at, number - 1]) for at, number in enumerate(numbers[1:])]
    return inputs.mean(0), h, c, np.mean(told) if told else 0.0


def test_sequences_of_any_length_get_the_states_of_the_published_equations(weights):
    for sequence, found in zip(SEQUENCES, UniRep(weights).states(SEQUENCES), strict=True):
        average, hidden, cell, surprise = by_the_equations(weights, sequence)
        assert found.average == pytest.approx(average, abs=1e-5)
        assert found.hidden == pytest.approx(hidden, abs=1e-5)
        assert found.cell == pytest.approx(cell, abs=1e-5)
        assert found.surprise == pytest.approx(surprise, abs=1e-5)


def test_batches_change_nothing(weights, monkeypatch):
    whole = UniRep(weights).encode(SEQUENCES)
    monkeypatch.setattr("models.inputs.unirep._AT_ONCE", 1)
    assert UniRep(weights).encode(SEQUENCES) == pytest.approx(whole, abs=1e-6)
    assert UniRep(weights).encode([]).shape == (0, UNITS)


def test_a_sequence_is_encoded_once(weights, tmp_path, monkeypatch):
    found = encoded(weights, SEQUENCES[:3], tmp_path / "cache")
    assert found == pytest.approx(UniRep(weights).encode(SEQUENCES[:3]), abs=1e-6)
    encode, asked = UniRep.encode, []
    monkeypatch.setattr(UniRep, "encode", lambda self, s: asked.extend(s) or encode(self, s))
    again = encoded(weights, (*SEQUENCES, SEQUENCES[0]), tmp_path / "cache")
    assert asked == list(SEQUENCES[3:])
    assert (again[[0, 1, 2, 5]] == found[[0, 1, 2, 0]]).all()


def test_of_a_long_sequence_the_beginning_is_read(weights):
    long = "ACDEFGHIKL" * (LONGEST // 5)
    found = UniRep(weights).encode([long, long[:LONGEST]])
    assert (found[0] == found[1]).all()


def test_what_is_no_residue_is_read_as_unknown(weights):
    found = UniRep(weights).encode(["MX", "MB", "M*"])
    assert (found == found[0]).all()


def test_the_phenotype_model_reads_it_beside_its_profile(weights):
    found = encoder(str(weights))
    vectors = found.encode(["MKWVTF", "ACDE"])
    assert vectors.shape == (2, len(family_weights()) + UNITS)
    assert vectors[:, -UNITS:] == pytest.approx(UniRep(weights).encode(["MKWVTF", "ACDE"]))
    counted = found.weights(vectors.shape[1])
    assert (counted[-UNITS:] ** 2).sum() == pytest.approx(1)


def test_a_file_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", embedding=np.zeros((26, 10)))
    (tmp_path / "text.npz").write_text("no weights")
    for name in ("other.npz", "text.npz", "none.npz"):
        with pytest.raises(DataError, match="holds no weights of UniRep"):
            UniRep(tmp_path / name)


@pytest.mark.data
def test_the_published_weights_know_relatives_and_what_follows(data_mirror):
    """The mirror's note: after centring, Cdk2-Cdk6, Rab5a-RhoA and Hoxa9-Hoxd13 are nearest."""
    from knowledge.sources.genes import read_symbols
    from models.genepheno.sequences import by_gene, read_proteins

    proteins = by_gene(read_proteins(data_mirror, read_symbols(data_mirror)))
    pairs = {"CDK2": "CDK6", "RAB5A": "RHOA", "HOXA9": "HOXD13"}
    names = [*pairs, *pairs.values()]
    model = UniRep(data_mirror / "protein_lm/protein_lm_unirep/unirep_256.npz")
    states = model.states([proteins[name].sequence for name in names])
    vectors = np.array([one.average for one in states])
    vectors -= vectors.mean(0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1)
    nearest = dict(zip(names, (names[at] for at in likeness.argmax(1)), strict=True))
    assert {one: nearest[one] for one in pairs} == pairs
    # A model that knows nothing but how common residues are is surprised by some 2.9 nats.
    assert np.mean([one.surprise for one in states]) < 2.7
