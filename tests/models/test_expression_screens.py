"""Reading expression responses: a user's own AnnData file, and the contexts of the mirror."""

import logging

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from knowledge.errors import DataError
from knowledge.schema import Gene
from knowledge.sources.genes import sources_root
from knowledge.symbols import SymbolTable
from models.expression import anndata_file
from models.expression.anndata_file import read_h5ad
from models.expression.mirror import CONTEXTS, WITH_CELLS, cells, files, read_contexts

GENES = ("CDKN1A", "GATA1", "KLF1", "MARCHF8", "MYC", "TP53")
SYMBOLS = SymbolTable(
    [
        Gene(symbol="MARCHF8", previous_symbols=("MARCH8",), ensembl_id="ENSG00000165406"),
        *(Gene(symbol=symbol) for symbol in GENES if symbol != "MARCHF8"),
    ]
)


@pytest.fixture
def h5ad(tmp_path):
    """Return a function that writes cells of these labels and returns the file."""

    def write(labels, matrix=None, var_names=GENES, **columns):
        if matrix is None:
            matrix = counts(labels)
        obs = pd.DataFrame({"gene": labels, **columns}, index=[f"c{i}" for i in range(len(labels))])
        data = anndata.AnnData(matrix, obs)
        data.var_names = list(var_names)
        path = tmp_path / "screen.h5ad"
        data.write_h5ad(path)
        return path

    return write


def counts(labels):
    """Return counts that add up to 100 in every cell; TP53 halves CDKN1A, KLF1 trebles GATA1."""
    rows = []
    for label in labels:
        row = dict.fromkeys(GENES, 10.0)
        if "TP53" in str(label):
            row["CDKN1A"] = 5.0
        if "KLF1" in str(label):
            row["GATA1"] = 30.0
        row["MYC"] += 100 - sum(row.values())
        rows.append(list(row.values()))
    return np.array(rows, np.float32)


def change(screen, genes, readout):
    return screen.response[screen.perturbations.index(genes), screen.readouts.index(readout)]


def logs(value):
    return np.log1p(value * 100)  # a cell's 100 counts become 10,000


LABELS = ["ctrl"] * 12 + ["TP53"] * 11 + ["KLF1"] * 10 + ["TP53+KLF1"] * 10


def read(path, **options):
    return read_h5ad(path, "gene", "ctrl", symbols=SYMBOLS, **options)


def refused(path, **options):
    with pytest.raises(DataError) as error:
        read(path, **options)
    return str(error.value)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_counts_become_mean_changes_of_logs_against_the_control(h5ad, form):
    screen = read(h5ad(LABELS, form(counts(LABELS))), kind="activation")
    assert (screen.context, screen.kind) == ("screen", "activation")
    assert screen.unit == "difference of mean log1p expression"
    assert screen.perturbations == (("KLF1",), ("KLF1", "TP53"), ("TP53",))
    assert list(screen.cells) == [10, 10, 11]
    assert screen.readouts == GENES
    assert change(screen, ("TP53",), "CDKN1A") == pytest.approx(logs(5) - logs(10), abs=1e-5)
    assert change(screen, ("KLF1", "TP53"), "GATA1") == pytest.approx(logs(30) - logs(10), abs=1e-5)
    assert change(screen, ("TP53",), "GATA1") == pytest.approx(0, abs=1e-6)
    assert screen.baseline == pytest.approx(logs(counts(["ctrl"])[0]), abs=1e-5)


def test_files_larger_than_memory_give_the_same(h5ad, monkeypatch):
    path = h5ad(LABELS, sparse.csr_matrix(counts(LABELS)), lane=["a", "b"] * 21 + ["a"])
    whole = read(path, batch="lane")
    monkeypatch.setattr(anndata_file, "CHUNK", 7)
    assert read(path, batch="lane").response == pytest.approx(whole.response, abs=1e-6)


def test_logs_are_taken_as_they_are(h5ad):
    raw, logged = counts(LABELS), logs(counts(LABELS))
    from_counts = read(h5ad(LABELS, raw)).response
    assert read(h5ad(LABELS, logged), counts=False).response == pytest.approx(from_counts, abs=1e-5)
    assert read(h5ad(LABELS, logged)).response == pytest.approx(from_counts, abs=1e-5)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("TP53+KLF1", ("KLF1", "TP53")),
        ("KLF1|TP53", ("KLF1", "TP53")),
        ("KLF1, TP53", ("KLF1", "TP53")),
        ("KLF1_TP53", ("KLF1", "TP53")),
        ("TP53+ctrl", ("TP53",)),
        ("control+TP53", ("TP53",)),
        ("TP53_ctrl", ("TP53",)),
        ("MARCH8", ("MARCHF8",)),
        ("march8+TP53", ("MARCHF8", "TP53")),
    ],
)
def test_every_usual_way_to_write_perturbed_genes_is_understood(h5ad, written, meant):
    assert read(h5ad(["ctrl"] * 10 + [written] * 10)).perturbations == (meant,)


def test_two_ways_to_write_a_pair_are_one_perturbation(h5ad):
    screen = read(h5ad(["ctrl"] * 10 + ["TP53+KLF1"] * 6 + ["KLF1_TP53"] * 6))
    assert screen.perturbations == (("KLF1", "TP53"),)
    assert list(screen.cells) == [12]


def test_ctrl_twice_is_a_control(h5ad):
    assert read(h5ad(["ctrl"] * 10 + ["TP53"] * 10 + ["ctrl+ctrl"] * 10)).perturbations == (
        ("TP53",),
    )


def test_cells_are_compared_with_controls_of_their_own_batch(h5ad):
    labels = ["ctrl"] * 20 + ["TP53"] * 40
    batch = ["a"] * 10 + ["b"] * 10 + ["a"] * 10 + ["b"] * 30
    logged = logs(counts(labels))
    logged[np.array(batch) == "b"] += 1.0  # the second batch is brighter
    path = h5ad(labels, logged, lane=batch)
    expected = pytest.approx(logs(5) - logs(10), abs=1e-5)
    assert change(read(path, batch="lane"), ("TP53",), "CDKN1A") == expected
    assert change(read(path), ("TP53",), "GATA1") == pytest.approx(0.25, abs=1e-5)


def test_cells_of_a_batch_without_controls_are_left_out_and_told(h5ad, caplog):
    labels = ["ctrl"] * 10 + ["TP53"] * 20
    path = h5ad(labels, lane=["a"] * 20 + ["b"] * 10)
    with caplog.at_level(logging.WARNING):
        assert list(read(path, batch="lane").cells) == [10]
    assert "10 cells of batches without controls are left out" in caplog.text


def test_small_perturbations_and_unlabelled_cells_are_left_out_and_told(h5ad, caplog):
    path = h5ad([*LABELS, *["MYC"] * 9, None])
    with caplog.at_level(logging.WARNING):
        assert ("MYC",) not in read(path).perturbations
    assert "1 perturbations of fewer than 10 cells are left out: MYC" in caplog.text
    assert "1 cells without a label" in caplog.text


def test_a_cell_in_which_nothing_was_counted_stays_zero(h5ad):
    matrix = counts(LABELS)
    matrix[-1] = 0
    assert np.isfinite(read(h5ad(LABELS, matrix)).response).all()


def test_ensembl_ids_are_read_as_symbols(h5ad):
    names = ["ENSG00000165406.7" if gene == "MARCHF8" else gene for gene in GENES]
    assert read(h5ad(LABELS, var_names=names)).readouts == GENES


def test_the_more_expressed_of_two_names_of_a_gene_is_kept(h5ad):
    matrix = counts(LABELS)
    matrix[:, GENES.index("GATA1")] = 1
    names = ["MARCH8" if gene == "GATA1" else gene for gene in GENES]
    screen = read(h5ad(LABELS, matrix, var_names=names))
    assert sorted(screen.readouts) == sorted(set(GENES) - {"GATA1"})
    assert screen.baseline[screen.readouts.index("MARCHF8")] > np.log1p(500)


def test_readouts_are_the_most_variable_genes_and_the_perturbed(h5ad):
    rng = np.random.default_rng(0)
    labels = ["ctrl"] * 60 + ["TP53"] * 60
    names = [*GENES, *(f"OTHER{i}" for i in range(94))]
    matrix = rng.poisson(5, (len(labels), len(names))).astype(np.float32)
    matrix[:, 50] = np.tile([0, 10], 60)
    screen = read(h5ad(labels, matrix, var_names=names), n_top_genes=10)
    assert {"OTHER44", "TP53"} <= set(screen.readouts)
    assert len(screen.readouts) in {10, 11}


def test_a_missing_file_or_another_format_is_refused(tmp_path):
    assert "does not exist; name an .h5ad file" in refused(tmp_path / "none.h5ad")
    text = tmp_path / "text.h5ad"
    text.write_text("gene,change\n")
    assert "cannot be read as an .h5ad file" in refused(text)


def test_a_file_without_expression_is_refused(tmp_path):
    path = tmp_path / "empty.h5ad"
    anndata.AnnData(obs=pd.DataFrame({"gene": ["ctrl"]}, index=["c0"])).write_h5ad(path)
    assert "cannot be read as an .h5ad file with expression in X" in refused(path)


def test_a_missing_column_is_refused_with_those_there_are(h5ad):
    path = h5ad(LABELS, lane="a")
    with pytest.raises(DataError, match="no column 'perturbation' of cells; its columns are gene"):
        read_h5ad(path, "perturbation", "ctrl", symbols=SYMBOLS)
    assert "no column 'batch' of cells; its columns are gene, lane" in refused(path, batch="batch")


def test_a_file_without_controls_is_refused_with_its_labels(h5ad):
    message = refused(h5ad(["TP53"] * 12 + ["KLF1"] * 10))
    assert "no cell is labelled 'ctrl' in column 'gene'" in message
    assert "'TP53' (12), 'KLF1' (10)" in message


def test_too_few_controls_or_perturbed_cells_are_refused(h5ad):
    assert "beside 3 controls" in refused(h5ad(["ctrl"] * 3 + ["TP53"] * 10))
    assert "0 perturbations have 10 cells" in refused(h5ad(["ctrl"] * 10 + ["TP53"] * 9))


def test_counts_where_logs_were_promised_are_refused_and_the_reverse(h5ad):
    assert "said to hold logs, but all its values are whole" in refused(h5ad(LABELS), counts=False)
    path = h5ad(LABELS, logs(counts(LABELS)))
    assert "said to hold raw counts, but its values are not whole" in refused(path, counts=True)


def test_values_that_are_neither_counts_nor_logs_are_refused(h5ad):
    assert "neither raw counts nor logs" in refused(h5ad(LABELS, counts(LABELS) * 2.3))


@pytest.mark.parametrize("value", [-0.5, np.nan, np.inf])
def test_negative_and_missing_values_are_refused(h5ad, value):
    matrix = logs(counts(LABELS))
    matrix[-1, 2] = value
    assert "negative or missing values" in refused(h5ad(LABELS, matrix))


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
def test_a_gene_with_two_columns_is_refused(h5ad):
    message = refused(h5ad(LABELS, var_names=["TP53", "TP53", *GENES[:4]]))
    assert "1 gene names occur more than once, such as TP53" in message


def test_readouts_of_which_none_is_a_gene_are_refused(h5ad):
    assert "none of its 6 gene names is a human gene" in refused(h5ad(LABELS, var_names="abcdef"))


def test_perturbed_genes_that_are_none_are_refused_with_the_nearest(h5ad):
    message = refused(h5ad([*LABELS, *["TP35"] * 10, *["TP35_g2"] * 10]))
    assert "'TP35' (nearest: TP53" in message
    assert "'TP35_g2'" in message
    assert message.count(".") == message.count(".h5ad") + 1  # one sentence


@pytest.fixture(scope="module")
def contexts(data_mirror):
    return {screen.context: screen for screen in read_contexts(data_mirror)}


@pytest.mark.data
def test_every_declared_source_exists(data_mirror):
    root = sources_root(data_mirror)
    assert [name for name in files(tuple(CONTEXTS)) if not (root / name).is_file()] == []


@pytest.mark.data
def test_every_context_is_whole(contexts):
    assert list(contexts) == list(CONTEXTS)
    for name, screen in contexts.items():
        assert screen.kind == CONTEXTS[name].kind
        assert screen.response.shape == (len(screen), len(screen.readouts))
        assert screen.response.dtype == np.float32
        assert np.isfinite(screen.response).all()
        assert len(set(screen.readouts)) == len(screen.readouts)
        assert len(set(screen.perturbations)) == len(screen)
        assert len(screen.cells) == len(screen)
        assert all(genes == tuple(sorted(genes)) for genes in screen.perturbations)


@pytest.mark.data
def test_contexts_have_the_perturbations_of_their_sources(contexts):
    singles = {name: len(screen.rows(several=False)) for name, screen in contexts.items()}
    doubles = {name: len(screen.rows(several=True)) for name, screen in contexts.items()}
    assert (singles["norman-latent"], doubles["norman-latent"]) == (105, 98)
    assert (singles["norman"], doubles["norman"]) == (18, 15)
    assert {n: singles[n] for n in ("morphic", "morphic-prs", "morphic-cbo")} == {
        "morphic": 39,
        "morphic-prs": 22,
        "morphic-cbo": 13,
    }
    assert {singles[name] for name in singles if name.startswith("mcfaline")} == {9}
    assert singles["papalexi"] == 25
    assert singles["replogle-k562"] > 2000
    assert singles["replogle-rpe1"] > 1000


@pytest.mark.data
def test_responses_are_what_the_genes_do(contexts):
    papalexi = contexts["papalexi"]
    assert change(papalexi, ("STAT1",), "STAT1") == pytest.approx(0.736 - 2.401, abs=0.05)
    assert ("MARCHF8",) in papalexi.perturbations  # the file says MARCH8
    assert change(contexts["norman"], ("TMSB4X",), "TMSB4X") == pytest.approx(2.19, abs=0.05)
    morphic = contexts["morphic-prs"]
    assert change(morphic, ("GRHL1",), "GRHL1") < 0


@pytest.mark.data
def test_papalexi_is_the_pseudobulk_of_its_provenance(data_mirror, contexts):
    folder = sources_root(data_mirror) / "perturbseq" / "papalexi_eccite"
    table = pd.read_csv(folder / "pseudobulk_mean_log1p_299genes.csv.gz", index_col=0)
    screen = contexts["papalexi"]
    known = [name for name in screen.readouts if name in table.columns]
    columns = [screen.readouts.index(name) for name in known]
    expected = table.loc["IFNGR1", known] - table.loc["non-targeting", known]
    row = screen.perturbations.index(("IFNGR1",))
    assert screen.response[row, columns] == pytest.approx(expected.to_numpy(), abs=1e-5)


@pytest.mark.data
def test_signed_sets_hold_no_perturbation_tested_in_their_line(data_mirror, contexts):
    from knowledge.sources.genes import read_symbols
    from models.inputs.screens import tested_perturbations as hidden

    root = sources_root(data_mirror)
    symbols = read_symbols(root)
    for line in ("K562", "RPE1"):
        screen = contexts[f"replogle-{line.lower()}"]
        assert set(np.unique(screen.response)) == {-1, 0, 1}
        assert not hidden(root, line, symbols) & set(screen.genes)
        assert np.abs(screen.response).sum(1).min() >= 5


@pytest.mark.data
@pytest.mark.parametrize("name", ["mcfaline-a172", "papalexi"])
def test_cells_average_to_the_response(data_mirror, contexts, name):
    found, screen = cells(data_mirror, name), contexts[name]
    few = [row for row in range(len(screen)) if screen.cells[row] <= 400]
    for row in few:
        here = [label == screen.perturbations[row] for label in found.labels]
        expected = screen.baseline + screen.response[row]
        assert found.matrix[here].mean(0) == pytest.approx(expected, abs=1e-4)
    assert max(map(found.labels.count, set(found.labels))) <= 400


@pytest.mark.data
def test_an_unknown_context_is_refused_with_those_there_are(data_mirror):
    with pytest.raises(DataError, match=r"hela: no such context; name morphic, "):
        read_contexts(data_mirror, ["hela"])
    with pytest.raises(DataError, match="morphic has no single cells; name norman, "):
        cells(data_mirror, "morphic")
    assert set(WITH_CELLS) <= set(CONTEXTS)
