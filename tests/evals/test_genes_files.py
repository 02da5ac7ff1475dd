"""A person's own embedding of genes is read from a file, or refused with a reason."""

import bz2

import numpy as np
import pandas as pd
import pytest

from evals.genes.embeddings import read_file
from knowledge.errors import DataError
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable

GENES = tuple(f"GENE{number:02}" for number in range(60))


@pytest.fixture
def symbols():
    return SymbolTable(
        Gene(
            symbol=symbol,
            previous_symbols=(f"OLD{number:02}",),
            entrez_id=str(1000 + number),
            ensembl_id=f"ENSG{number:011}",
        )
        for number, symbol in enumerate(GENES)
    )


@pytest.mark.parametrize(
    ("name", "column"),
    [("symbol", GENES), ("previous", [f"old{number:02}" for number in range(60)]),
     ("ensembl", [f"ENSG{number:011}.7" for number in range(60)]),
     ("entrez_id", range(1000, 1060))],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["csv", "tsv.gz", "parquet"])
def test_genes_are_known_by_symbol_old_symbol_or_identifier(
    name, column, suffix, symbols, tmp_path
):
    path = tmp_path / f"mine.{suffix}"
    table = pd.DataFrame({"x": np.arange(60.0), name: column, "y": 1})
    if suffix == "parquet":
        table.set_index(name).to_parquet(path)
    else:
        table.to_csv(path, sep="," if suffix == "csv" else "\t", index=False)
    found = read_file(path, symbols)
    assert (found.name, found.genes, found.unknown, found.repeated) == ("mine", GENES, 0, 0)
    assert found.vectors[:, 0].tolist() == list(range(60))


@pytest.mark.parametrize("where", ["X", "obsm", "column"])
def test_an_h5ad_file_has_a_row_per_gene(where, symbols, tmp_path):
    import anndata

    vectors = np.arange(120.0).reshape(60, 2)
    names = GENES if where != "column" else [f"row {number}" for number in range(60)]
    obs = pd.DataFrame({"id": [f"ENSG{number:011}" for number in range(60)]}, index=list(names))
    data = anndata.AnnData(None if where == "obsm" else vectors, obs)
    if where == "obsm":
        data.obsm["X_mine"] = vectors
    data.write_h5ad(tmp_path / "mine.h5ad")
    found = read_file(tmp_path / "mine.h5ad", symbols, "id" if where == "column" else None)
    assert (found.name, found.genes, found.unknown) == ("mine", GENES, 0)
    assert (found.vectors == vectors).all()


def test_an_h5ad_file_that_says_too_little_is_refused(symbols, tmp_path):
    import anndata

    path = tmp_path / "mine.h5ad"
    with pytest.raises(DataError, match="does not exist"):
        read_file(path, symbols)
    data = anndata.AnnData(obs=pd.DataFrame(index=list(GENES)))
    data.write_h5ad(path)
    with pytest.raises(DataError, match=r"which matrix of obsm is meant \(none\)"):
        read_file(path, symbols)
    anndata.AnnData(np.ones((3, 60)), var=pd.DataFrame(index=list(GENES))).write_h5ad(path)
    with pytest.raises(DataError, match="turn the table round"):
        read_file(path, symbols)
    path.write_text("no h5ad")
    with pytest.raises(DataError, match=r"cannot be read as an \.h5ad"):
        read_file(path, symbols)


def test_rows_of_one_gene_are_averaged_and_rows_of_none_counted(symbols, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("gene,x\nGENE00,1\nOLD00,3\nNA,5\nENSG99999999999,6\nGENE01,7\n")
    found = read_file(path, symbols)
    assert found.genes == ("GENE00", "GENE01")
    assert found.vectors.tolist() == [[2], [7]]
    assert (found.unknown, found.repeated) == (2, 1)
    assert "3 of 4 names are genes; 1 are not: ENSG99999999999" in found.note


def test_numbers_of_rows_are_no_dimension(symbols, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(",gene,d0,d1\n0,GENE00,1,2\n1,GENE01,3,4\n2,GENE02,5,6\n")
    assert read_file(path, symbols).vectors.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_genes_in_columns_are_told(symbols, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(f",{','.join(GENES)}\nd0{',1' * 60}\nd1{',2' * 60}\n")
    with pytest.raises(DataError, match=r"60 of its 60 columns are called like genes.*turn"):
        read_file(path, symbols)


def test_names_with_an_entrez_id_in_brackets_are_read(symbols, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("gene,x\nGENE00 (1000),1\nGENE01 (1001),2\n")
    assert read_file(path, symbols).genes == ("GENE00", "GENE01")


def test_a_column_in_which_few_names_are_genes_is_refused_with_counts(symbols, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("gene,x\nGENE00,1\nfoo,2\nbar,3\nbaz,4\n")
    with pytest.raises(DataError, match="1 of 4 names are genes; 3 are not: bar, baz, foo"):
        read_file(path, symbols)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gene,x\nGENE00,1\nGENE01,\n", "column x is not numbers ('' of GENE01)"),
        ("gene,x,y\nGENE00,1,inf\nGENE01,2,3\n", "GENE00 has no finite number in column y"),
        ("gene,kind,x\nGENE00,a,1\n", "column kind is not numbers ('a' of GENE00)"),
        ("left,right,x\nGENE00,GENE01,1\n", "which column holds the genes?"),
        ("a,b\n1,2\n", "which column holds the genes?"),
        ("gene,x\nnosuch,1\n", "column gene holds no human gene (it begins with nosuch)"),
        ("gene,x\n", "has 0 rows and 2 columns"),
        ("gene\nGENE00\n", "has 1 rows and 1 columns"),
    ],
)
def test_a_file_of_another_form_is_an_error_that_says_where(text, said, symbols, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_file(path, symbols)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_a_column_of_genes_can_be_named(symbols, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("row,who,x\n1,GENE00,5\n2,GENE01,6\n")
    assert read_file(path, symbols, "who").vectors.tolist() == [[1, 5], [2, 6]]
    with pytest.raises(DataError, match="has no column whom; it has row, who, x"):
        read_file(path, symbols, "whom")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.csv", b"", "not exist"),
        ("mine.xlsx", b"PK\x03\x04...", "Excel workbook"),
        ("mine.parquet", b"PAR1....", "be read as parquet"),
        ("mine.csv", b"no table", "expected a column of"),
        ("mine.npy", b"\x93NUMPY..", "a NumPy array"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(
    name, content, said, symbols, tmp_path
):
    path = tmp_path / name
    if name.startswith("mine"):
        path.write_bytes(content)
    with pytest.raises(DataError, match=f"{name} .*{said}"):
        read_file(path, symbols)


@pytest.mark.parametrize(
    "content",
    [
        b"gene;d0;d1\nGENE00;1,5;-2,25\nGENE01;0,5;1,0\n",
        "gene\td0\td1\nGENE00\t1.5\t-2.25\nGENE01\t0.5\t1.0\n".encode("utf-16"),
        bz2.compress(b"gene,d0,d1\nGENE00,1.5,-2.25\nGENE01,0.5,1.0\n"),
        b"gene d0 d1\nGENE00 1.5 -2.25\nGENE01 0.5 1.0\n",
        b"d0 d1\nGENE00 1.5 -2.25\nGENE01 0.5 1.0\n",
        b"# made by R\ngene|d0|d1\nGENE00|1.5|-2.25\nGENE01|0.5|1.0\n",
        b',gene,d0,d1\n0,"GENE00 (7)",1.5,-2.25\n1,GENE01,0.5,1.0\n',
    ],
)
def test_an_embedding_is_read_however_it_was_saved(content, symbols, tmp_path):
    path = tmp_path / "mine.dat"
    path.write_bytes(content)
    found = read_file(path, symbols)
    assert found.genes == ("GENE00", "GENE01")
    assert found.vectors.tolist() == [[1.5, -2.25], [0.5, 1.0]]


def test_an_identifier_without_a_gene_is_no_gene(tmp_path):
    table = SymbolTable([Gene(symbol="GENE00", entrez_id="7")])
    path = tmp_path / "mine.csv"
    path.write_text("entrez,x\n7,1\n8,2\n")
    found = read_file(path, table)
    assert (found.genes, found.unknown) == (("GENE00",), 1)
