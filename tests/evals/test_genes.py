"""Gene embeddings are scored as by gene-benchmark, on the same genes and folds."""

import gzip
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from app.commands.eval_genes import genes as command
from evals.genes import embeddings, published, tasks
from evals.genes.embeddings import World, read_embedding
from evals.genes.facts import RANKED, Facts
from evals.genes.page import BENCHMARK, WITH_UNIREP, summary
from evals.genes.probe import over_folds
from evals.genes.run import GenesEval, evaluate
from evals.genes.tasks import read_tasks
from evals.harness.page import Record
from knowledge.errors import DataError, RunError
from knowledge.sources.genes import HGNC, protein_coding, read_symbols
from models.genen.texts import FUNCTIONS, SUMMARIES
from models.genepheno import sequences
from tests.models.tiny_unirep import tiny_unirep

GENES = tuple(f"GENE{number:02}" for number in range(60))
ODD = GENES[1::2]
RESIDUES = list(sequences.RESIDUES)
QUIET = lambda what, done: None  # noqa: E731
HUMAN = (
    "hgnc_id", "symbol", "name", "locus_group", "status", "alias_symbol", "prev_symbol",
    "entrez_id", "ensembl_gene_id", "uniprot_ids", "location", "gene_group",
)  # fmt: skip
CHOSEN = (
    "dosage sensitive vs insensitive TF", "conservation", "RNA cell line distribution", "Pathways",
    "Pathways;Cell Cycle",
)  # fmt: skip
# Classes are numbered by name, and these of odd genes come first.
CLASSED = {
    "RNA cell line distribution",
    "RNA cell line specificity",
    "loss-of-function intolerance",
}
TOP = ("Cell Cycle", "Metabolism")
LITGENE = {
    "DosageSensitivity.csv": ("Gene name", "StrLabel", "DosageInsensitive", "DosageSensitive"),
    "BivalentVsLys4.csv": ("Gene name", "StrLabel", "Bivalent", "Lys4Only"),
    "BivalentVsNonMethylated.csv": ("Gene name", "StrLabel", "Bivalent", "NonMethylated"),
    "Tf_range.csv": ("Gene name", "StrLabel", "Long_range", "Short_range"),
    "solubility.csv.gz": ("Gene name", "StrLabel", "Membrane", "Soluble"),
    "old_subcellular_location.csv": (
        "GeneSymbol",
        "Subcellular_location",
        "Cell membrane",
        "Cytoplasm",
    ),
    "old_phastcons.csv": ("GeneSymbol", "Conservation", "0.25", "0.75"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a mirror, a file `odd.csv`, and a finished run of it against chance.

    There are sixty genes. All labels, and a number in the file, say whether that of a gene is odd.
    """
    folder = tmp_path_factory.mktemp("world")
    build_mirror(folder / "mirror")
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"symbol": GENES, "a": rng.normal(size=60)})
    odd = [3.0 * (one in ODD) for one in GENES]
    table.assign(b=odd).to_csv(folder / "odd.csv", index=False)
    evaluate(folder / "mirror", folder / "run", both(folder / "odd.csv"), QUIET)
    return folder


@pytest.fixture
def mirror(world, tmp_path):
    return shutil.copytree(world / "mirror", tmp_path / "mirror")


@pytest.fixture
def odd(world, tmp_path):
    return shutil.copy(world / "odd.csv", tmp_path / "odd.csv")


@pytest.fixture
def run(world, tmp_path):
    return shutil.copytree(world / "run", tmp_path / "run")


def both(odd):
    return GenesEval(embeddings=(str(odd), "random"), tasks=CHOSEN)


def build_mirror(root):
    (root / "perturbqa").mkdir(parents=True)

    def write(name, header, rows, separator="\t"):
        lines = [separator.join(header) if header else None, *(separator.join(r) for r in rows)]
        text = "".join(f"{line}\n" for line in lines if line is not None).encode()
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)

    write(HGNC, HUMAN, [human(number) for number in range(60)])
    for name, (gene, label, *words) in LITGENE.items():
        rows = [(one, words[one in ODD]) for one in GENES]
        write(f"genen/litgene/{name}", (gene, label), rows, ",")
    write(
        "genen/litgene/TF_target_type.csv.gz",
        ("Gene name", "StrLabel"),
        [
            (one, f"{tf}_{'in' * (one not in ODD)}direct")
            for one in GENES
            for tf in ("gata4", "tbx5")
        ],
        ",",
    )
    write(tasks.PATHWAYS, ("Pathway identifier", "Pathway name"), [("1", n) for n in TOP], ",")
    even = [one for one in GENES if one not in ODD]
    sets = ((TOP[0].upper(), "", *ODD), (TOP[1], "", *even), ("Other", "", *GENES))
    write(tasks.REACTOME, None, sets)
    write(
        tasks.LOCATIONS,
        ("Gene.name", "Main.location", "Additional.location"),
        [(one, "Cytosol" if one in ODD else "Nucleoli;Vesicles", "") for one in GENES],
    )
    levels = [("ENSG", one, *("9" if one in ODD else "0",) * 4) for one in GENES]
    write(tasks.CELL_LINES, ("GeneID", "symbol", "A", "B", "C", "D"), levels)
    features = ("Glycosylation", "Cross-link", "Modified residue", "Signal", "Disulfide bond")
    counts = [("P", one, *((str(int(one in ODD)),) * 5)) for one in GENES]
    write(tasks.FEATURES, ("uniprot", "symbol", *features), counts, ",")
    write(tasks.ESSENTIAL, ("GENE",), [(one,) for one in ODD])
    write(tasks.NONESSENTIAL, ("GENE",), [(one,) for one in even])
    write(tasks.GNOMAD, ("gene", "pLI"), [(one, "1" if one in ODD else "0") for one in GENES])
    benchmark(write)


def benchmark(write):
    lists = {
        "binary": ["dosage sensitive vs insensitive TF", "N1 network"],
        "categorical": ["Chromosome", "Blood expression cluster"],
        "multi_label": ["Pathways", "Molecular function"],
    }
    for name, names in lists.items():
        write(f"{tasks.BENCHMARK}/{name}_tasks.yaml", None, [(f"- {one}",) for one in names])
    derived = ("Pathways;Cell Cycle", "Molecular function;Kinase", "UniProt keyword Domain;Signal")
    write(tasks.DERIVED, None, [(f"- {one}",) for one in derived])
    about = [
        ("Dosage sensitive vs insensitive tf", "Genomic Properties", "Genformer"),
        ("N1 network", "Regulatory functions", "Genformer"),
        ("Blood expression cluster (HPA)", "Localization", "HPA (human protein atlas)"),
        ("Molecular function", "Biological Processes", "HPA (human protein atlas)"),
        ("Interactions", "Regulatory functions", "HPA (human protein atlas)"),
    ]
    write(published.DESCRIPTIONS, ("Task Name", "Family", "Origin"), about, ",")
    header = ("task_name", "model_name", "fold", "metric", "score", "Model family", "Model")
    scores = [
        (task, model, str(fold), metric, str(score + fold / 100), "LLM", model.upper())
        for task in ("dosage sensitive vs insensitive TF", "Pathways", "N1 network")
        for model, score in (("one", 0.9), ("two", 0.6))
        for metric in ("roc_auc", "accuracy")
        for fold in range(5)
    ]
    write(published.SCORES, header, scores, ",")


def human(number):
    hla = f"major histocompatibility complex, class I{'I' * (number % 2)}, A"
    return (
        f"HGNC:{number}", GENES[number], hla, "protein-coding gene", "Approved", "",
        f"OLD{number:02}", str(1000 + number), f"ENSG{number:011}", "", f"{1 + number % 2}q11",
        "Histocompatibility complex|Others",
    )  # fmt: skip


@pytest.fixture
def symbols(mirror):
    return read_symbols(mirror)


def told(results, embedding):
    """Return the headline figure of every task."""
    found = results.scores.plain.by("task", "predictor", "measure")
    return {
        one.task: found[one.task, embedding, one.headline].value.value
        for one in results.about(Facts).tasks
    }


def figures(run):
    return Record.read(run).results


def test_what_an_embedding_holds_is_found_and_chance_finds_nothing(run):
    results = figures(run)
    mine, chance = told(results, "odd"), told(results, "random")
    assert mine.keys() == chance.keys() == set(CHOSEN)
    assert set(mine.values()) == {1.0}
    assert np.mean(list(chance.values())) < 0.65
    assert {gain.predictor for gain in results.scores.gains} == {"random"}
    task = "dosage sensitive vs insensitive TF"
    (gain,) = results.scores.where(task=task).gains
    assert gain.value.value == pytest.approx(chance[task] - 1)


def test_a_finished_run_is_read_and_a_stopped_one_gone_on_with(world, run):
    mirror, settings = world / "mirror", both(world / "odd.csv")
    first = figures(run)
    units = sorted((run / "units").rglob("*.parquet"))
    lost, kept = units[3], {path: path.stat().st_mtime_ns for path in units if path != units[3]}
    lost.unlink()
    (run / "metrics.json").unlink()
    assert evaluate(mirror, run, settings, QUIET) == first
    assert lost.is_file()
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    shutil.rmtree(run / "units")
    assert evaluate(mirror, run, settings, QUIET) == first


def test_a_folder_holds_one_run_and_says_what_differs(mirror, odd, tmp_path):
    def again(seed=0):
        settings = GenesEval(embeddings=(str(odd),), tasks=("Pathways",), seed=seed)
        evaluate(mirror, tmp_path / "new", settings, QUIET)

    again()
    with pytest.raises(RunError, match="seed"):
        again(seed=1)
    odd.write_text(odd.read_text().replace("3.0", "4.0"))
    with pytest.raises(RunError, match=r"other data \(embedding .*odd.csv"):
        again()


def test_a_protein_language_model_is_compared_on_genes_with_a_protein_on_a_page_of_its_own(
    mirror, odd, tmp_path
):
    rng = np.random.default_rng(0)
    rows = ["uniprot\tspecies_by_map\tsymbol\tsequence"]
    rows += [
        f"P{n}\thuman\t{g}\t{''.join(rng.choice(RESIDUES, 30))}" for n, g in enumerate(GENES[:50])
    ]
    texts = {
        sequences.UNIPROT: rows,
        sequences.ENSEMBL: ["ensp\tinferred_symbol\tmap_method\tsequence"],
        sequences.MOUSE: ["ensmusg\tmouse_symbol\thuman_symbols\tsequence"],
        sequences.ORTHOLOGUES: ["mouse_symbol\thuman_symbol\tn_human\tn_mouse"],
    }
    for name, lines in texts.items():
        (mirror / name).parent.mkdir(parents=True, exist_ok=True)
        (mirror / name).write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
    weights = tiny_unirep(tmp_path / "unirep_6.npz")
    settings = GenesEval(embeddings=(str(odd), str(weights)), tasks=("Pathways",))
    found = evaluate(mirror, tmp_path / "new", settings, QUIET)
    assert found.kind == WITH_UNIREP.kind
    assert [one.genes for one in found.about(Facts).tasks] == [50]
    page = (tmp_path / "new" / "scoreboard.md").read_text()
    assert "unirep-6" in page
    assert "Against published models" not in page


def test_genes_that_one_embedding_lacks_are_dropped_for_all_and_counted(mirror, odd, tmp_path):
    half = tmp_path / "half.tsv"
    pd.read_csv(odd)[:40].to_csv(half, sep="\t", index=False)
    settings = GenesEval(embeddings=("random", str(half)), tasks=("Pathways", "Chromosome"))
    metrics = evaluate(mirror, tmp_path / "new", settings, QUIET)
    facts = metrics.about(Facts)
    assert {one.genes for one in facts.tasks} == {40}
    assert {one.labelled for one in facts.tasks} == {60}
    assert [one.lacking for one in facts.embeddings] == [0, 20]


def test_a_task_with_too_few_genes_is_skipped_and_named(mirror, odd, tmp_path):
    few = tmp_path / "few.csv"
    rows = pd.read_csv(odd)
    rows[rows.symbol.isin([*GENES[:8:2], *ODD])].to_csv(few, index=False)
    chosen = ("long vs short range TF", "Pathways")
    settings = GenesEval(embeddings=(str(few),), tasks=chosen)
    metrics = evaluate(mirror, tmp_path / "new", settings, QUIET)
    skipped = {one.task: one.why for one in metrics.about(Facts).skipped}
    assert skipped["long vs short range TF"].startswith("34 of its 60 genes")
    assert "Pathways" in told(metrics, "few")
    assert "long vs short range TF: 34 of its 60 genes" in summary(metrics)


def test_published_scores_stand_beside_ours_with_intervals(run):
    found = figures(run).scores.where(role="published").by("task", "predictor")
    expected = over_folds([0.9, 0.91, 0.92, 0.93, 0.94], (0, 1))
    assert str(found["Pathways", "ONE"]) == str(expected) == "0.920 [0.891, 0.949]"
    page = (run / "scoreboard.md").read_text()
    assert "| **odd** | 1.000 | 1.000 | 1.000 [1.000, 1.000] | 2 | 2 | 1.000 |" in page
    assert "| *ONE* | 0.920 | 0.920 | 0.920 [0.920, 0.920] | 2 | 2 | 0.920 |" in page
    assert "| *TWO* | 0.620 | 0.620 | 0.620 [0.620, 0.620] | 0 | 0 | 0.620 |" in page
    assert BENCHMARK.page(Record.read(run)).markdown() + "\n" == page


def test_every_label_is_read_from_its_file_and_means_what_it_says(mirror):
    found = {one.name: one for one in every_task(mirror)}
    assert len(found) == 18
    odd = np.array([one in ODD for one in GENES])
    turned = {"essential in cell lines", *CLASSED}
    for name, task in found.items():
        assert task.genes == GENES
        column = task.labels[:, 0] if task.kind == "multilabel" else task.labels
        assert ((column > 0.5) == (odd != (name in turned))).all(), name
    assert {one for one in found if ";" in one} == {
        "Pathways;Cell Cycle", "UniProt keyword Domain;Signal"
    }  # fmt: skip
    assert found["Subcellular location"].classes == ("Cytosol", "Nucleoli", "Vesicles")
    assert not [one for one in every_task(mirror, derived=False) if ";" in one.name]


def test_tasks_without_labels_are_named_with_the_reason(mirror):
    found = frozenset(one.name for one in every_task(mirror))
    absent = {one.task: one for one in published.absent_tasks(mirror, found)}
    expected = {"N1 network", "Blood expression cluster", "Molecular function", "Interactions"}
    assert absent.keys() == expected
    assert absent["Blood expression cluster"].group == "Localization"
    assert "Human Protein Atlas" in absent["Interactions"].why
    assert "NOTCH1" in absent["N1 network"].why
    assert absent["Molecular function"].derived == 1


def every_task(root, *, derived=True):
    return read_tasks(root, read_symbols(root), protein_coding(root), derived=derived)


def test_the_text_embedding_is_of_what_is_written_about_a_gene(
    mirror, symbols, tmp_path, monkeypatch, hash_encoder
):
    (mirror / SUMMARIES).write_text(
        "#tax_id\tGeneID\tSource\tSummary\n9606\t1000\tRefSeq\tBinds DNA.\n"
    )
    (mirror / FUNCTIONS).write_text("Entry\tGene Names (primary)\tFunction [CC]\n")
    encoder = hash_encoder()
    monkeypatch.setattr(embeddings, "load_encoder", lambda: encoder)
    world = World(mirror, symbols, GENES[:2], tmp_path / "cache")
    found = read_embedding("text", world)
    assert found.genes == GENES[:2]
    text = f"{GENES[0]} (major histocompatibility complex, class I, A): Binds DNA."
    np.testing.assert_allclose(found.vectors[0], encoder.encode_query(text), rtol=1e-5)
    assert "1 genes have more than a name" in found.note


def test_the_shipped_embedding_is_scored_by_name(mirror, odd, tmp_path, monkeypatch):
    vectors = np.array([[one in ODD, 0] for one in GENES[:50]], np.float16)
    shipped = SimpleNamespace(genes=GENES[:50], embeddings=vectors, version="7f")
    monkeypatch.setattr("models.genen.model.GenenModel.load", lambda *folder: shipped)
    settings = GenesEval(embeddings=("genen", str(odd)), tasks=("Pathways",))
    metrics = evaluate(mirror, tmp_path / "new", settings, QUIET)
    facts = metrics.about(Facts)
    assert "zeros for 25 genes" in facts.embeddings[0].note
    assert facts.tasks[0].genes == 50
    assert metrics.scores.find(predictor="genen", measure=RANKED).value.value == 1
    shipped.version = "8f"
    with pytest.raises(RunError, match="embedding genen changed"):
        evaluate(mirror, tmp_path / "new", settings, QUIET)


def test_a_gene_of_which_two_things_are_said_is_left_out(mirror):
    path = mirror / tasks.GNOMAD
    path.write_text(path.read_text() + f"{GENES[0]}\t1\n")
    task = next(one for one in every_task(mirror) if one.name == "loss-of-function intolerance")
    assert GENES[0] not in task.genes
    assert len(task) == 59


def test_the_command_scores_a_file_and_says_where_the_page_is(mirror, odd, tmp_path):
    app = typer.Typer()
    app.command()(command)
    new = tmp_path / "new"
    given = ["--data", str(mirror), "--out", str(new), "--embedding", str(odd)]
    result = CliRunner().invoke(app, [*given, "--task", "Pathways"])
    assert result.exit_code == 0, result.output
    assert "| **odd** | 1.000 |" in result.stdout
    assert str(new / "scoreboard.md") in result.stdout


def test_a_task_that_has_no_labels_is_an_error_that_names_those_that_have(mirror, odd, tmp_path):
    settings = GenesEval(embeddings=(str(odd),), tasks=("N1 network",))
    with pytest.raises(DataError, match=r"N1 network: no task with labels here; .*Chromosome"):
        evaluate(mirror, tmp_path / "new", settings, QUIET)


def test_a_word_that_is_neither_an_embedding_nor_a_file_is_an_error(mirror, tmp_path):
    with pytest.raises(DataError, match="nosuch is neither a file nor one of text, genen, random"):
        evaluate(mirror, tmp_path / "new", GenesEval(embeddings=("nosuch",)), QUIET)


def test_two_files_of_one_name_are_an_error(mirror, odd, tmp_path):
    twice = GenesEval(embeddings=(str(odd), str(odd)), derived=False)
    with pytest.raises(DataError, match="2 embeddings are called odd"):
        evaluate(mirror, tmp_path / "new", twice, QUIET)


@pytest.mark.parametrize("name", [tasks.REACTOME, published.SCORES, HGNC])
def test_a_missing_file_is_named(name, mirror, odd, tmp_path):
    (mirror / name).unlink()
    with pytest.raises(DataError, match=name.rsplit("/", 1)[1]):
        evaluate(mirror, tmp_path / "new", GenesEval(embeddings=(str(odd),)), QUIET)


def test_a_pathway_that_the_gene_sets_lack_is_an_error(mirror):
    path = mirror / tasks.PATHWAYS
    path.write_text(path.read_text() + "2,Hemostasis\n")
    with pytest.raises(DataError, match="has no pathway Hemostasis"):
        every_task(mirror)


@pytest.mark.data
@pytest.mark.slow
def test_the_mirror_has_the_labels_of_ten_published_tasks(data_mirror):
    found = {one.name: one for one in every_task(data_mirror)}
    scored = {one["task"] for one in published.published_scores(data_mirror)}
    assert len([one for one in found.values() if one.name in scored]) == 10
    assert len(scored) == 62
    assert len([one for one in found if ";" in one]) == 49
    assert len(found["HLA class I vs class II"]) == 44
    assert np.bincount(found["Lys4-only-methylated vs non-methylated"].labels).tolist() == [84, 71]
    absent = published.absent_tasks(data_mirror, frozenset(found))
    assert not {one.task for one in absent} & found.keys()
    assert all(one.group for one in absent)
