import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch

from evals.expression.rivals.architecture import AppConfig
from evals.expression.rivals.network import GeneNetwork, build_network, degraded, neighbour_network
from evals.expression.rivals.neural import ABLATIONS, EXTENDED, PAPER, FittedApp, NeuralApp
from knowledge.errors import DataError
from models.expression.genes import GeneFeatures
from models.expression.screens import ExpressionScreen
from models.inputs.genes import UnknownGeneError

SYMBOLS = tuple(f"G{i:02d}" for i in range(30))


def ring(neighbours=2):
    size = len(SYMBOLS)
    pairs = {tuple(sorted((i, (i + k) % size))) for i in range(size) for k in (1, neighbours)}
    return GeneNetwork(SYMBOLS, np.array(sorted(pairs), np.int64))


def screen(singles=10, pairs=(), readouts=12, seed=0):
    rng = np.random.default_rng(seed)
    perturbations = [(gene,) for gene in SYMBOLS[:singles]] + list(pairs)
    alone = dict(zip(SYMBOLS, rng.normal(size=(len(SYMBOLS), readouts)), strict=True))
    response = [sum(alone[gene] for gene in genes) for genes in perturbations]
    return ExpressionScreen(
        "made up",
        "knockout",
        "latent",
        tuple(f"R{i}" for i in range(readouts)),
        tuple(perturbations),
        np.array(response, np.float32),
        None,
        np.full(len(perturbations), 50),
    )


def known():
    vectors = np.random.default_rng(3).normal(size=(len(SYMBOLS), 6)).astype(np.float32)
    return GeneFeatures(SYMBOLS, vectors)


def test_the_paper_s_model_memorises_ten_perturbations():
    ten = screen(10)
    config = AppConfig(epochs=600, learning_rate=0.02, weight_decay=0.0, held_out=0)
    found = NeuralApp("app", config, ring()).fit(ten, 0).predict(ten.perturbations)
    error = np.linalg.norm(found - ten.response) / np.linalg.norm(ten.response)
    assert error < 0.1


def test_every_gene_is_attended_to_and_weights_sum_to_one():
    fitted = NeuralApp("app", PAPER, ring()).fit(screen(), 0)
    genes, weights = zip(*fitted.attention(("G00", "G05")), strict=True)
    assert set(genes) == set(SYMBOLS)
    assert list(weights) == sorted(weights, reverse=True)
    assert sum(weights) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("config", [PAPER, EXTENDED, *ABLATIONS.values()])
def test_a_saved_model_predicts_what_it_did_before(tmp_path, config):
    config = config.model_copy(update={"epochs": 3})
    train = screen(20, [("G00", "G01"), ("G02", "G03"), ("G04", "G07")])
    fitted = NeuralApp("app", config, ring(), known()).fit(train, 0)
    fitted.save(tmp_path)
    again = FittedApp.load(tmp_path)
    asked = [("G00",), ("G29",), ("G01", "G02"), ("G03", "G29")]
    np.testing.assert_array_equal(again.predict(asked), fitted.predict(asked))
    assert again.attention(("G29",)) == fitted.attention(("G29",))
    assert (again.name, again.config, again.readouts) == ("app", config, train.readouts)


def test_a_damaged_or_missing_folder_says_so(tmp_path):
    with pytest.raises(DataError, match="no readable network"):
        FittedApp.load(tmp_path)
    NeuralApp("app", AppConfig(epochs=1), ring()).fit(screen(), 0).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "readouts": ["R0"]}))
    with pytest.raises(DataError, match="no readable network"):
        FittedApp.load(tmp_path)


def test_equal_seeds_give_equal_numbers_and_the_global_state_is_left_alone():
    app = NeuralApp("app", EXTENDED.model_copy(update={"epochs": 4}), ring(), known())
    before = torch.random.get_rng_state()
    first, again, other = (app.fit(screen(), seed).predict([("G20",)]) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_gene_outside_the_network_is_an_error_that_names_it():
    app = NeuralApp("app", AppConfig(epochs=1), ring())
    with pytest.raises(UnknownGeneError, match="KRAS"):
        app.fit(screen(), 0).predict([("G00", "KRAS")])
    with pytest.raises(UnknownGeneError, match="KRAS"):
        app.fit(dataclasses.replace(screen(1), perturbations=(("KRAS",),)), 0)


def test_a_sum_of_singles_is_all_there_is_where_genes_do_not_interact():
    pairs = [(SYMBOLS[i], SYMBOLS[j]) for i in range(8) for j in range(i + 1, 8)]
    whole = screen(10, pairs)
    train = whole.take(np.arange(len(whole) - 5))
    fitted = NeuralApp("app", EXTENDED.model_copy(update={"members": 1}), ring(), known())
    found = fitted.fit(train, 0).predict(whole.perturbations[-5:])
    error = np.linalg.norm(found - whole.response[-5:]) / np.linalg.norm(whole.response[-5:])
    assert error < 0.05


def test_what_is_held_out_is_not_predicted_from_itself():
    """Unrelated responses cannot be predicted, unless a model was shown them."""
    whole = screen(30, readouts=4)
    train = whole.take(np.arange(20))
    fitted = NeuralApp("app", EXTENDED.model_copy(update={"members": 1}), ring(), known())
    found = fitted.fit(train, 0).predict(whole.perturbations[20:])
    assert np.abs(np.corrcoef(found.ravel(), whole.response[20:].ravel())[0, 1]) < 0.5


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_a_degraded_network_has_the_promised_number_of_edges(share):
    network, rng = ring(), np.random.default_rng(0)
    edges = {tuple(pair) for pair in network.pairs.tolist()}
    fewer = degraded(network, rng, removed=share)
    more = degraded(network, rng, added=share)
    assert len(fewer.pairs) == len(edges) - round(len(edges) * share)
    assert {tuple(pair) for pair in fewer.pairs.tolist()} < edges
    assert len(more.pairs) == len(edges) + round(len(edges) * share)
    assert {tuple(pair) for pair in more.pairs.tolist()} > edges
    assert fewer.symbols == more.symbols == network.symbols
    assert fewer.edge_index.shape == (2, 2 * len(fewer.pairs))


def test_related_genes_are_neighbours():
    vectors = np.eye(6, dtype=np.float32)[[0, 0, 1, 1, 2, 2]]
    network = neighbour_network(GeneFeatures(SYMBOLS[:6], vectors), SYMBOLS[:6], neighbours=1)
    assert {(0, 1), (2, 3), (4, 5)} <= {tuple(pair) for pair in network.pairs.tolist()}


def write_mirror(root, genes, edges):
    for folder in ("perturbqa", "knowledge", "networks/ppi", "networks/regulons"):
        (root / folder).mkdir(parents=True)
    columns = (
        "symbol", "name", "locus_group", "hgnc_id", "entrez_id", "ensembl_gene_id", "uniprot_ids",
        "alias_symbol", "prev_symbol", "status",
    )  # fmt: skip
    rows = [
        {
            **dict.fromkeys(columns, ""),
            "symbol": gene,
            "hgnc_id": f"HGNC:{i}",
            "status": "Approved",
            "prev_symbol": f"OLD{gene}",
        }
        for i, gene in enumerate(genes, 1)
    ]
    pd.DataFrame(rows).to_csv(
        root / "knowledge/hgnc_complete_set_2024-11.txt.gz", sep="\t", index=False
    )
    pd.DataFrame(edges, columns=["gene1", "gene2", "combined_score"]).to_csv(
        root / "networks/ppi/string_v12_notextmining.tsv.gz", sep="\t", index=False
    )
    pd.DataFrame([("A", "F", 1)], columns=["tf", "target", "sign"]).to_csv(
        root / "networks/regulons/collectri.tsv", sep="\t", index=False
    )


def names(network):
    return {tuple(network.symbols[i] for i in pair) for pair in network.pairs}


def test_a_network_holds_the_genes_asked_for_and_their_strongest_neighbours(tmp_path):
    edges = [
        ("OLDA", "B", 900), ("B", "A", 700), ("A", "C", 400), ("B", "C", 300), ("C", "D", 990),
        ("A", "A", 999), ("A", "NOGENE", 999),
    ]  # fmt: skip
    write_mirror(tmp_path, "ABCDEFG", edges)
    network = build_network(tmp_path, ["A", "G"], limit=3)
    assert network.symbols == ("A", "G", "B")  # G stands alone, but is there
    assert names(network) == {("A", "B")}
    assert names(build_network(tmp_path, ["A"], limit=3)) == {("A", "B"), ("A", "C"), ("B", "C")}
    both = build_network(tmp_path, ["A"], ("string", "regulon"), limit=9)
    assert ("A", "F") in names(both)
    one_each = build_network(tmp_path, ["A"], limit=9, neighbours=1)
    assert names(one_each) == {("A", "B"), ("A", "C")}


@pytest.mark.data
def test_the_network_of_the_mirror_joins_members_of_a_complex(data_mirror):
    network = build_network(data_mirror, ["STAT1", "JAK2", "IFNGR1"], limit=50)
    assert len(network.symbols) == 50
    assert names(network) & {("JAK2", "STAT1"), ("STAT1", "JAK2")}
    assert (np.bincount(network.pairs.ravel(), minlength=50)[:3] > 3).all()
