"""The real data mirror, pulled and compiled: facts that must hold, and how fast they load."""

import csv
import subprocess
import sys
import time

import pytest

from knowledge.base import load_knowledge
from knowledge.compiled.build import compile_tables
from knowledge.compiled.tables import SCHEMAS
from knowledge.sources.download import pull
from knowledge.sources.registry import load_registry, sha256_of, states

pytestmark = [pytest.mark.data, pytest.mark.slow]

MEASURE = """
import sys
from pathlib import Path
from knowledge.base import load_knowledge
load_knowledge(Path(sys.argv[1]))
peak = next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
print(int(peak.split()[1]) / 1024)
"""


@pytest.fixture(scope="module")
def data(data_mirror, tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    for source in load_registry().select(["knowledge"]):
        pull(source, folder, mirror=data_mirror)
    started = time.process_time()
    report = compile_tables(folder)
    assert time.process_time() - started < 90
    assert set(report.rebuilt) == set(SCHEMAS)
    assert report.missing == ()
    return folder


@pytest.fixture(scope="module")
def knowledge(data):
    return load_knowledge(data)


def test_every_file_of_the_mirror_is_the_one_the_registry_pins(data_mirror):
    for source in load_registry():
        path = data_mirror / source.path
        assert sha256_of(path) == source.sha256, source.name
        assert path.stat().st_size == source.size_bytes, source.name


def test_everything_pulled_is_whole(data):
    assert set(states(load_registry().select(["knowledge"]), data).values()) == {"present"}


def test_the_full_scope_is_small_in_memory(data):
    command = [sys.executable, "-c", MEASURE, str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 600  # MiB


def test_names_of_every_kind_are_grounded(knowledge):
    for word, symbol in [
        ("p53", "TP53"),
        ("KIAA0100", "BLTP2"),
        ("ENSG00000141510", "TP53"),
        ("HIF-1a", "HIF1A"),
        ("PERK", "EIF2AK3"),
        ("CHOP", "DDIT3"),
        ("QARS", "QARS1"),
        ("entrez:7157", "TP53"),
        ("P04637", "TP53"),
    ]:
        gene = knowledge.symbols.ground(word).gene
        assert gene is not None, word
        assert gene.symbol == symbol
    assert set(knowledge.symbols.ground("p21").candidates) >= {"CDKN1A", "TCEAL1"}
    assert len(knowledge.symbols) > 43_000


def test_the_outdated_symbols_of_the_screens_are_mapped(knowledge, data_mirror):
    screened = set()
    for path in (data_mirror / "perturbqa").glob("*-d*.csv"):
        if "set" not in path.name:
            with path.open(newline="") as handle:
                screened.update(
                    g for row in csv.DictReader(handle) for g in (row["pert"], row["gene"])
                )
    outdated = {symbol for symbol in screened if symbol not in knowledge.symbols}
    unmapped = {symbol for symbol in outdated if knowledge.symbols.approved(symbol) is None}
    assert len(outdated) == 185
    # GATD3B was withdrawn as a duplicate of GATD3; the other is a clone name of Ensembl.
    assert unmapped == {"GATD3B", "AC118549.1"}


def test_well_known_regulation_is_in_the_graph(knowledge):
    assert len(knowledge.graph.out_edges("TP53")) > 500
    for source, target, sign in [
        ("TP53", "CDKN1A", 1),
        ("MDM2", "TP53", -1),
        ("KEAP1", "NFE2L2", -1),
        ("SREBF2", "LDLR", 1),
        ("ATF4", "ASNS", 1),
    ]:
        assert sign in {r.sign for r in knowledge.graph.relations(source, target)}, (source, target)
    papers = {p for e in knowledge.graph.edges_between("TP53", "CDKN1A") for p in e.references}
    assert any(paper.startswith("PMID:") for paper in papers)


def test_a_gene_the_starter_pack_need_not_know_has_evidence(knowledge):
    assert "folliculin" in knowledge.symbols.get("FLCN").name.casefold()
    assert knowledge.summaries["FLCN"]
    assert knowledge.gene_sets.containing("FLCN")
    assert knowledge.ontology.annotations("FLCN")


def test_complexes_are_nodes_and_sets(knowledge):
    names = {group.name for group in knowledge.graph.groups_of("PSMD1")}
    assert "26S Proteasome complex" in names
    kinds = {s.kind for s in knowledge.gene_sets.containing("PSMD1")}
    assert kinds >= {"complex", "pathway"}


def test_the_ontology_knows_that_apoptosis_is_cell_death(knowledge):
    ontology = knowledge.ontology
    assert ontology.term("GO:0006915").name == "apoptotic process"
    assert "GO:0008219" in ontology.ancestors("GO:0006915")
    assert "GO:0008150" in ontology.ancestors("GO:0006915")
    assert "TP53" in ontology.genes("GO:0008219")


def test_expression_agrees_with_what_is_known_of_the_lines(knowledge):
    expression = knowledge.expression
    assert set(expression.cell_lines) == {"K562", "RPE1", "HepG2", "Jurkat"}
    assert expression.expressed("GATA1", "K562")
    assert not expression.expressed("GATA1", "HepG2")
    assert expression.expressed("ALB", "HepG2")
    assert not expression.expressed("CD3E", "RPE1")
    assert expression.expressed("CD3E", "Jurkat")
