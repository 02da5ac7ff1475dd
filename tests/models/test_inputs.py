"""What several models read is there without any of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.errors import DataError
from models.checkpoint import read_names
from models.inputs.genes import FORM, RESPONSE, UnknownGeneError, gene_symbols, rows_of
from models.response import ResponseModel

NOWHERE = Path("/nowhere")


def test_reading_a_gene_symbol_loads_no_model():
    code = (
        "import sys\nfrom pathlib import Path\nfrom models.inputs.genes import gene_symbols\n"
        "assert gene_symbols(Path('/nowhere')).approved('BiP') == 'HSPA5'\n"
        "loaded = {'models.response', 'lightgbm', 'pandas', 'scipy'} & {*sys.modules}\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_words_mean_what_they_mean_in_a_question():
    from knowledge.base import load_knowledge

    asked = load_knowledge(NOWHERE, ResponseModel.load().genes()).symbols
    assert {gene.symbol: gene for gene in gene_symbols(NOWHERE)} == {
        gene.symbol: gene for gene in asked
    }


def test_genes_of_a_users_own_model_can_be_named():
    assert "MYGENE1" not in gene_symbols(NOWHERE)
    assert gene_symbols(NOWHERE, ["MYGENE1"]).approved("MYGENE1") == "MYGENE1"


def test_a_damaged_list_of_genes_is_one_sentence(tmp_path):
    for name in ("config.json", "names.txt.gz"):
        (tmp_path / name).write_bytes((RESPONSE / name).read_bytes())
    assert read_names(tmp_path, FORM)["genes"]
    whole = (tmp_path / "names.txt.gz").read_bytes()
    (tmp_path / "names.txt.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="damaged or of another format"):
        read_names(tmp_path, FORM)
    (tmp_path / "names.txt.gz").unlink()
    with pytest.raises(DataError, match=r"lacks names\.txt\.gz"):
        read_names(tmp_path, FORM)


def test_a_gene_that_nothing_is_known_of_is_named():
    assert rows_of(["B", "A"], {"A": 0, "B": 1}).tolist() == [1, 0]
    with pytest.raises(UnknownGeneError, match="NOPE"):
        rows_of(["NOPE"], {"A": 0})
