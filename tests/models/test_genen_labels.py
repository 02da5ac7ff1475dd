"""The eight property tasks: one settled label per gene of today, and what became of the others."""

import gzip

import numpy as np
import pandas as pd
import pytest

from knowledge.errors import DataError
from knowledge.sources.genes import HGNC, protein_coding, read_symbols
from models.genen.labels import FILES, FOLDER, TASKS, read_tasks

COLUMNS = (
    "hgnc_id", "symbol", "name", "locus_group", "status", "alias_symbol", "prev_symbol",
    "entrez_id", "ensembl_gene_id", "uniprot_ids",
)  # fmt: skip
HUMAN = "\t".join(COLUMNS) + "\n"
for number, (symbol, previous) in enumerate(
    {"GATA1": "", "FOXP2": "", "QARS1": "QARS", "PAX1": "", "SOX6": ""}.items()
):
    row = (f"HGNC:{number}", symbol, "", "protein-coding gene", "Approved", "", previous)
    HUMAN += "\t".join((*row, "", "", "")) + "\n"


@pytest.fixture
def mirror(tmp_path):
    """A mirror of five genes, without any label file."""
    (tmp_path / "perturbqa").mkdir()
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / HGNC).parent.mkdir()
    (tmp_path / HGNC).write_bytes(gzip.compress(HUMAN.encode()))
    return tmp_path


@pytest.fixture
def read(mirror):
    """Return a function that writes the label file of a task and reads the task."""

    def written(name, text):
        (mirror / FILES[TASKS.index(name)]).write_bytes(
            gzip.compress(text.encode())
            if FILES[TASKS.index(name)].endswith("gz")
            else text.encode()
        )
        return read_tasks(mirror, [name])[0]

    return written


def test_a_gene_listed_twice_counts_once(read):
    task = read(
        "bivalent-lys4", "Gene name,StrLabel\nPAX1,Bivalent\nSOX6,Lys4Only\nPAX1,Bivalent\n"
    )
    assert (task.genes, task.labels.tolist()) == (("PAX1", "SOX6"), [0, 1])
    assert (task.classes[1], task.audit.repeated) == ("Lys4 only", 1)


def test_a_gene_with_both_labels_is_left_out_and_named(read):
    text = "Gene name,StrLabel\nFOXP2,Bivalent\nPAX1,Bivalent\nFOXP2,NonMethylated\n"
    task = read("bivalent-non-methylated", text)
    assert task.genes == ("PAX1",)
    assert task.audit.conflicting == ("FOXP2",)


def test_an_older_symbol_and_todays_are_one_gene(read):
    text = "GeneSymbol,Subcellular_location\nQARS,Cytoplasm\nQARS1,Cytoplasm\nPAX1,Nucleus\n"
    task = read("localisation", text)
    assert task.genes == ("PAX1", "QARS1")
    assert (task.audit.renamed, task.audit.repeated) == (1, 1)
    assert task.counts() == {"cell membrane": 0, "cytoplasm": 1, "nucleus": 1}


def test_a_name_that_is_no_gene_is_counted_and_left_out(read):
    task = read("tf-range", "Gene name,StrLabel\nGATA1,Short_range\nNOSUCH,Long_range\n")
    assert task.genes == ("GATA1",)
    assert (task.audit.rows, task.audit.unknown) == (2, 1)


def test_target_types_are_two_answers_per_gene_and_not_six_classes(read):
    rows = [
        ("GATA1", "gata4_indirect"), ("GATA1", "tbx5_direct"),
        ("PAX1", "gata4_direct"), ("PAX1", "tbx5_direct"), ("PAX1", "gata4_tbx5_combo_targets"),
        ("SOX6", "housekeeping_genes"),
        ("FOXP2", "gata4_direct"), ("FOXP2", "gata4_indirect"), ("FOXP2", "tbx5_direct"),
    ]  # fmt: skip
    text = "Gene name,StrLabel\n" + "".join(f"{gene},{label}\n" for gene, label in rows)
    task = read("tf-target-type", text)
    assert task.genes == ("GATA1", "PAX1")
    assert task.labels.tolist() == [[0, 1], [1, 1]]
    assert task.audit.incomplete == ("SOX6",)
    assert task.audit.conflicting == ("FOXP2",)
    assert task.counts() == {"GATA4 direct": 1, "TBX5 direct": 2}


def test_the_value_under_todays_symbol_overrules_one_under_an_older(read):
    text = "GeneSymbol,Conservation\nQARS,0.9\nQARS1,0.5\nPAX1,NA\nGATA1,0.25\n"
    task = read("conservation", text)
    assert task.genes == ("GATA1", "QARS1")
    assert task.labels.tolist() == [0.25, 0.5]
    assert (task.audit.unlabelled, task.audit.repeated) == (1, 1)
    assert task.counts() == {}


def test_a_task_can_be_cut_to_the_genes_of_a_graph(read):
    text = "Gene name,StrLabel\nPAX1,DosageSensitive\nSOX6,DosageInsensitive\n"
    task = read("dosage-sensitivity", text).among({"SOX6", "GATA1"})
    assert (task.genes, task.labels.tolist()) == (("SOX6",), [0])


def test_a_label_that_the_task_does_not_have_is_an_error_that_names_it(read):
    with pytest.raises(DataError, match="unknown label 'Floating'"):
        read("localisation", "GeneSymbol,Subcellular_location\nPAX1,Floating\n")


def test_a_word_where_a_number_belongs_is_an_error_that_names_the_file(read):
    with pytest.raises(DataError, match="old_phastcons"):
        read("conservation", "GeneSymbol,Conservation\nPAX1,high\n")


def test_a_file_of_another_layout_is_an_error_that_says_what_was_expected(read):
    with pytest.raises(DataError, match="expected GeneSymbol, Subcellular_location"):
        read("localisation", "gene,place\nPAX1,Nucleus\n")


def test_a_missing_file_names_what_to_run(mirror):
    with pytest.raises(DataError, match="knockwise data pull genen"):
        read_tasks(mirror, ["localisation"])


def test_a_task_that_does_not_exist_names_those_that_do(mirror):
    with pytest.raises(DataError, match="tf-range"):
        read_tasks(mirror, ["height"])


@pytest.mark.data
def test_the_real_files_give_the_counts_that_the_data_notes_describe(data_mirror):
    tasks = {task.name: task for task in read_tasks(data_mirror)}
    assert {name: len(task) for name, task in tasks.items()} == {
        "dosage-sensitivity": 285,
        "bivalent-lys4": 155,
        "bivalent-non-methylated": 116,
        "tf-range": 157,
        "tf-target-type": 1383,
        "solubility": 1437,
        "localisation": 8596,
        "conservation": 25720,
    }
    assert tasks["bivalent-lys4"].audit.repeated == 12
    assert tasks["bivalent-non-methylated"].audit.conflicting == ("FOXP2",)
    assert len(tasks["tf-target-type"].audit.incomplete) == 9
    headline = [name for name, task in tasks.items() if task.compartment_answers]
    assert headline == ["solubility", "localisation"]


@pytest.mark.data
def test_every_real_gene_is_approved_once_and_has_its_label(data_mirror):
    symbols = read_symbols(data_mirror)
    for task in read_tasks(data_mirror, symbols=symbols):
        assert list(task.genes) == sorted(set(task.genes))
        assert all(gene in symbols for gene in task.genes)
        assert len(task.labels) == len(task)
        assert np.isfinite(task.labels).all()
        if task.kind != "regression":
            assert min(task.counts().values()) >= 30
    assert len(protein_coding(data_mirror) & set(task.genes)) > 17_000


@pytest.mark.data
def test_the_collected_table_says_what_the_files_of_the_tasks_say(data_mirror):
    long = pd.read_csv(data_mirror / "genen" / "genen_labels_long.csv.gz", keep_default_na=False)
    symbols = read_symbols(data_mirror)
    (task,) = read_tasks(data_mirror, ["localisation"], symbols)
    rows = long[long.task == "subcellular_location"]
    said = {
        symbols.approved(gene): label for gene, label in zip(rows.gene, rows.label, strict=True)
    }
    names = [task.classes[code] for code in task.labels]
    assert [said[gene].lower() for gene in task.genes] == names
