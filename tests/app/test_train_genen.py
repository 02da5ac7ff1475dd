"""`knockwise train genen` from files to a model that answers."""

import gzip
import json
from functools import partial

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from app.commands.train_genen import genen
from knowledge.errors import DataError
from knowledge.sources.genes import HGNC
from models.genen import shipping
from models.genen.graphs import GAF, OBO
from models.genen.interactions import FOLDER as INTERACTIONS
from models.genen.labels import FILES, TASKS
from models.genen.model import GenenModel
from models.genen.texts import FUNCTIONS, SUMMARIES

GENES = tuple(f"GENE{i:02}" for i in range(30))
COLUMNS = (
    "hgnc_id", "symbol", "name", "locus_group", "status", "alias_symbol", "prev_symbol",
    "entrez_id", "ensembl_gene_id", "uniprot_ids",
)  # fmt: skip
LABELS = {
    "dosage-sensitivity": ("DosageInsensitive", "DosageSensitive"),
    "bivalent-lys4": ("Bivalent", "Lys4Only"),
    "bivalent-non-methylated": ("Bivalent", "NonMethylated"),
    "tf-range": ("Long_range", "Short_range"),
    "solubility": ("Membrane", "Soluble"),
    "localisation": ("Cell membrane", "Cytoplasm", "Nucleus"),
}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = gzip.compress(text.encode()) if path.name.endswith("gz") else text.encode()
    path.write_bytes(packed)


@pytest.fixture
def mirror(tmp_path):
    """A mirror of thirty genes with labels for all eight properties."""
    root = tmp_path / "mirror"
    (root / "perturbqa").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = [
        (
            f"HGNC:{i}",
            gene,
            f"gene {i}",
            "protein-coding gene",
            "Approved",
            "",
            "",
            f"{i + 1}",
            "",
            "",
        )
        for i, gene in enumerate(GENES)
    ]
    write(root / HGNC, "\n".join("\t".join(row) for row in (COLUMNS, *rows)) + "\n")
    said = ("opens channels", "cuts chains", "folds proteins")
    summaries = "".join(
        f"9606\t{i + 1}\tRefSeq\tIt {said[i % 3]} in cell {i % 7}.\n" for i in range(len(GENES))
    )
    (root / SUMMARIES).write_text("#tax_id\tGeneID\tSource\tSummary\n" + summaries)
    (root / FUNCTIONS).write_text("Entry\tGene Names (primary)\tFunction [CC]\n")
    (root / OBO).write_text(
        "format-version: 1.2\nontology: go\n\n[Term]\nid: GO:0000001\nname: process\n"
        "namespace: biological_process\n"
    )
    (root / GAF).write_text(
        "".join(
            "\t".join(["UniProtKB", "X", g, "", "GO:0000001", *[""] * 10]) + "\n" for g in GENES
        )
    )
    for name, column in (
        ("string_v12_notextmining.tsv.gz", "combined_score"),
        ("bioplex3_293t.tsv.gz", "pInt"),
        ("hi_union_huri.tsv.gz", None),
        ("lit_bm_17.tsv.gz", None),
        ("irefindex17.tsv.gz", None),
    ):
        pairs = rng.choice(GENES, (20, 2))
        lines = [f"{a}\t{b}" + ("\t0.9" if column else "") for a, b in pairs]
        head = "gene1\tgene2" + (f"\t{column}" if column else "")
        write(root / INTERACTIONS / name, "\n".join([head, *lines]) + "\n")
    for task, file in zip(TASKS, FILES, strict=True):
        write(root / file, label_file(task))
    return root


def label_file(task):
    if task == "conservation":
        return "GeneSymbol,Conservation\n" + "".join(
            f"{gene},{0.1 * (i % 10)}\n" for i, gene in enumerate(GENES)
        )
    if task == "tf-target-type":
        words = ("gata4_direct", "gata4_indirect"), ("tbx5_direct", "tbx5_indirect")
        return "Gene name,StrLabel\n" + "".join(
            f"{gene},{pair[(i // (k + 1)) % 2]}\n"
            for i, gene in enumerate(GENES)
            for k, pair in enumerate(words)
        )
    gene, label = ("Gene name", "StrLabel")
    if task == "localisation":
        gene, label = ("GeneSymbol", "Subcellular_location")
    words = LABELS[task]
    rows = "".join(f"{name},{words[i % len(words)]}\n" for i, name in enumerate(GENES))
    return f"{gene},{label}\n{rows}"


@pytest.fixture
def train(mirror, hash_encoder, monkeypatch):
    """Run the command with an encoder that has no weights."""
    monkeypatch.setattr("knowledge.texts.encoder.load_encoder", lambda name: hash_encoder(name))
    # Fewer repeats, and one choice of settings instead of six: seconds.
    monkeypatch.setattr(shipping, "train", partial(shipping.train, repeats=1))
    monkeypatch.setattr("models.genen.heads.PENALTIES", (0.3,))
    monkeypatch.setattr("models.genen.heads.SHARES", (1.0,))
    app = typer.Typer()
    app.command()(genen)

    def run(*arguments):
        return CliRunner().invoke(app, ["--data", str(mirror), *map(str, arguments)])

    return run


def test_training_from_files_gives_a_model_that_answers_for_every_gene(train, mirror, tmp_path):
    out = tmp_path / "model"
    result = train("--out", out, "--encoder", "tiny")
    assert result.exit_code == 0, result.output
    for task in TASKS:
        assert task in result.output
    model = GenenModel.load(out)
    assert model.genes == GENES
    assert (model.config.encoder, len(model.config.properties)) == ("tiny", 8)
    known = {one.name: one.known for one in model.properties("GENE02")}
    assert known["localisation"] == "nucleus"
    assert known["solubility"] == "membrane"
    assert known["tf-target-type"] in ("GATA4 direct, TBX5 direct", "GATA4 direct", "TBX5 direct")
    record = json.loads((out / "training.json").read_text())
    assert set(FILES) <= set(record["sources"])
    assert record["compartment"] is False
    assert list((mirror / "cache" / "genen").glob("*.sqlite"))


def test_a_missing_source_is_named_before_anything_is_learnt(train, mirror, tmp_path):
    (mirror / FILES[0]).unlink()
    result = train("--out", tmp_path / "model")
    assert isinstance(result.exception, DataError)
    assert FILES[0].rsplit("/", 1)[-1] in str(result.exception)
    assert not (tmp_path / "model").exists()
