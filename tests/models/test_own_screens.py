"""Screens as people save them: labels that are no genes, genes in other places, damaged files."""

import logging
from contextlib import suppress

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from knowledge.errors import DataError
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from models.expression.anndata_file import read_h5ad

PERTURBED = ("IFNGR1", "JAK1", "JAK2", "STAT1")
READOUTS = ("CDKN1A", "DDIT3", "HSPA5", "MDM2", "MYC", "TP53")
SYMBOLS = SymbolTable(
    [
        Gene(symbol="KRT8", aliases=("KO",)),
        Gene(symbol="SCN11A", aliases=("NaN",)),
        Gene(symbol="SCARNA10", aliases=("3",)),
        *(Gene(symbol=symbol) for symbol in (*PERTURBED, *READOUTS)),
    ]
)


@pytest.fixture
def screen(tmp_path):
    """Return a function that writes a screen with these labels, ten cells each."""

    def write(*labels, var_names=READOUTS, var=None, form=np.asarray, scale=1.0, **more):
        rng = np.random.default_rng(0)
        cells = [label for label in labels for _ in range(10)]
        counts = rng.poisson(4, (len(cells), len(var_names))).astype(np.float32)
        obs = pd.DataFrame({"condition": cells}, index=[f"c{i}" for i in range(len(cells))])
        frame = pd.DataFrame(var or {}, index=list(map(str, var_names)))
        data = anndata.AnnData(form(counts * np.float32(scale)), obs, frame)
        for name, value in more.get("layers", {}).items():
            data.layers[name] = value(counts)
        if more.get("raw"):
            data.raw = anndata.AnnData(counts, obs, frame)
        path = tmp_path / "screen.h5ad"
        data.write_h5ad(path)
        return path

    return write


def read(path, control="ctrl", **more):
    return read_h5ad(path, "condition", control, symbols=SYMBOLS, **more)


def refused(path, control="ctrl", **more):
    with pytest.raises(DataError) as error:
        read(path, control, **more)
    return str(error.value)


def test_a_suffix_of_a_knockout_is_no_second_gene(screen, caplog):
    with caplog.at_level(logging.WARNING):
        found = read(screen("ctrl", "JAK1_KO", "JAK2_KO"))
    assert found.perturbations == (("JAK1",), ("JAK2",))
    assert "JAK1_KO is read as JAK1" in caplog.text


def test_guides_of_a_gene_are_cells_of_that_gene(screen):
    found = read(screen("ctrl", "IFNGR1_g1", "IFNGR1_g2", "JAK1_g1"))
    assert found.perturbations == (("IFNGR1",), ("JAK1",))
    assert list(found.cells) == [20, 10]


def test_guides_of_another_form_are_read_by_a_pattern(screen):
    path = screen("ctrl", "a:JAK1:x", "b:JAK1:y")
    assert "--guide-pattern" in refused(path)
    assert read(path, guide_pattern=":(.+):").perturbations == (("JAK1",),)


def test_several_labels_may_be_controls_and_all_must_be_named(screen):
    path = screen("non-targeting", "safe-targeting", "JAK1")
    message = refused(path, "non-targeting")
    assert "10 cells are labelled 'safe-targeting'" in message
    assert "name each as --control" in message
    found = read(path, ("non-targeting", "safe-targeting"))
    assert found.perturbations == (("JAK1",),)


def test_doubles_are_counted_and_split_only_into_approved_symbols(screen, caplog):
    with caplog.at_level(logging.WARNING):
        found = read(screen("ctrl", "JAK1_JAK2", "STAT1"))
    assert found.perturbations == (("JAK1", "JAK2"), ("STAT1",))
    assert "1 labels perturb several genes, such as JAK1_JAK2" in caplog.text


@pytest.mark.parametrize("word", ["nan", "NaN", "NA", "None", ""])
def test_words_for_missing_values_are_cells_without_a_label(screen, caplog, word):
    with caplog.at_level(logging.WARNING):
        assert read(screen("ctrl", "JAK1", word)).perturbations == (("JAK1",),)
    assert "10 cells without a label" in caplog.text


def test_labels_that_are_no_genes_are_counted_and_may_be_left_out(screen, caplog):
    path = screen("ctrl", "JAK1", "KO", "XXX")
    message = refused(path)
    assert "1 of 3 names are genes; 2 are not: KO, XXX" in message
    with caplog.at_level(logging.WARNING):
        assert read(path, skip_unknown=True).perturbations == (("JAK1",),)
    assert "20 cells are left out" in caplog.text


def test_numbers_of_rows_are_no_genes_and_the_column_of_genes_is_named(screen):
    path = screen("ctrl", "JAK1", var_names=range(6), var={"gene_name": list(READOUTS)})
    message = refused(path)
    assert "0 of the 6 names in `var_names` are genes" in message
    assert "6 of those in its column 'gene_name'; name that as --gene-col" in message
    assert read(path, genes="gene_name").readouts == READOUTS
    assert "no column 'symbol' of genes" in refused(path, genes="symbol")


def test_readouts_that_are_no_genes_are_counted(screen, caplog):
    names = [*READOUTS[:4], "foo", "bar"]
    with caplog.at_level(logging.WARNING):
        read(screen("ctrl", "JAK1", var_names=names))
    assert "4 of 6 gene names are human genes; 2 are not and keep their names: foo" in caplog.text


def test_mouse_symbols_are_told(screen, caplog):
    names = [name.title() for name in READOUTS]
    with caplog.at_level(logging.WARNING):
        found = read(screen("ctrl", "Jak1", "Stat1", var_names=names))
    assert found.perturbations == (("JAK1",), ("STAT1",))
    assert "spelt like mouse genes" in caplog.text


def test_values_that_look_like_logs_and_are_none_must_be_told(screen):
    """As SoupX and decontX leave counts: no whole numbers any more, and small."""
    soup = screen("ctrl", "JAK1", layers={"soup": lambda x: x * _leak(x)})
    message = refused(soup, layer="soup")
    assert "decontaminated" in message
    assert "--logs" in message
    assert read(soup, layer="soup", counts=False).perturbations == (("JAK1",),)


def _leak(counts):
    return np.random.default_rng(1).uniform(0.8, 1, counts.shape).astype(np.float32)


def test_labels_that_say_more_is_made_are_told_in_a_screen_of_another_kind(screen, caplog):
    path = screen("ctrl", "JAK1_OE", "JAK2_OE")
    assert read(path).perturbations == (("JAK1",), ("JAK2",))
    assert "2 labels such as JAK1_OE say that more of a gene is made" in caplog.text
    caplog.clear()
    read(path, kind="activation")
    assert "more of a gene" not in caplog.text


@pytest.mark.parametrize("control", ["siCtrl", "sgNT", "SAFE_1", "sgLacZ"])
def test_controls_of_other_spellings_are_controls(screen, control):
    assert read(screen(control, "JAK1", "JAK2"), control).perturbations == (("JAK1",), ("JAK2",))
    assert "which are controls too" in refused(screen("ctrl", control, "JAK1", "JAK2"))


def test_cells_without_one_guide_are_left_out_and_counted(screen, caplog):
    assert len(read(screen("ctrl", "JAK1", "doublet", "unassigned")).perturbations) == 1
    assert "20 cells without a label" in caplog.text


def test_a_matrix_of_zeros_is_refused(screen):
    assert "nothing but zeros" in refused(screen("ctrl", "JAK1", "JAK2", scale=0.0))


def test_counts_are_taken_from_the_layer_or_raw_that_is_named(screen):
    whole = read(screen("ctrl", "JAK1")).response
    logged = screen(
        "ctrl", "JAK1", form=lambda x: np.log1p(x / 3), layers={"counts": np.asarray}, raw=True
    )
    for layer in ("counts", "raw"):
        assert read(logged, layer=layer).response == pytest.approx(whole, abs=1e-6)
    assert "no layer 'none'; it has counts, raw" in refused(logged, layer="none")


@pytest.mark.parametrize("place", ["X", "raw/X", "layers/counts"])
@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("indices", lambda x: x + 10**6),
        ("indices", lambda x: -x - 1),
        ("indptr", lambda x: x[::-1]),
        ("indptr", lambda x: x * 1000),
        ("indptr", lambda x: x[:-2]),
        ("data", lambda x: x[:-3]),
    ],
)
def test_indices_that_point_outside_are_refused_and_end_no_process(
    screen, place, form, part, change
):
    path = screen("ctrl", "JAK1", form=form, layers={"counts": form}, raw=True)
    with h5py.File(path, "r+") as file:
        if f"{place}/{part}" not in file:
            pytest.skip("this place is dense")
        values = change(file[f"{place}/{part}"][...])
        del file[f"{place}/{part}"]
        file[f"{place}/{part}"] = values
    message = refused(path)
    assert "damaged" in message or "cannot be read" in message


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_are_a_sentence_or_a_right_answer(screen, seed):
    path = screen("ctrl", "JAK1", form=sparse.csr_matrix)
    rng = np.random.default_rng(seed)
    raw = bytearray(path.read_bytes())
    for at in rng.integers(0, len(raw), 60):
        raw[at] ^= int(rng.integers(1, 256))
    path.write_bytes(raw)
    with suppress(DataError):
        read(path)
