"""The graphs of genes and GO terms, their control, and how large they may grow."""

import gzip
import subprocess
import sys

import numpy as np
import pytest

from evals.genen.rewiring import rewired
from knowledge.errors import DataError
from knowledge.ontology import GeneOntology, Term
from knowledge.sources.genes import HGNC, read_symbols
from models.genen.graphs import build_graph, gene_universe, read_graph, read_ontology
from models.genen.interactions import FOLDER, SOURCES, merged
from models.genen.labels import read_tasks

GENES = ("ATM", "BRCA1", "CHEK2", "LONER", "TP53")
HUMAN = (
    "hgnc_id\tsymbol\tname\tlocus_group\tstatus\talias_symbol\tprev_symbol\tentrez_id"
    "\tensembl_gene_id\tuniprot_ids\n"
    + "".join(
        f"HGNC:{i}\t{gene}\tgene {i}\tprotein-coding gene\tApproved\t\t"
        f"{'RAD53' if gene == 'CHEK2' else ''}\t{i}\t\t\n"
        for i, gene in enumerate(GENES)
    )
    + "HGNC:9\tRNU1\ta small RNA\tnon-coding RNA\tApproved\t\t\t9\t\t\n"
)
OBO = """\
format-version: 1.2
ontology: go

[Term]
id: GO:0000001
name: biological process
namespace: biological_process

[Term]
id: GO:0000002
name: DNA repair
namespace: biological_process
is_a: GO:0000001

[Term]
id: GO:0000003
name: strand break repair
namespace: biological_process
is_a: GO:0000002

[Term]
id: GO:0000004
name: flight
namespace: biological_process
is_a: GO:0000001

[Term]
id: GO:0000005
name: nucleus
namespace: cellular_component

[Term]
id: GO:0000006
name: nuclear speck
namespace: cellular_component
relationship: part_of GO:0000005
"""
PROCESS, REPAIR, BREAKS, FLIGHT, NUCLEUS, SPECK = (f"GO:000000{i}" for i in range(1, 7))
ANNOTATED = (("ATM", REPAIR), ("BRCA1", BREAKS), ("TP53", PROCESS), ("TP53", SPECK))


def gaf(symbol, term):
    return "\t".join(["UniProtKB", "X", symbol, "", term, *[""] * 10]) + "\n"


@pytest.fixture
def mirror(tmp_path):
    """A mirror of six genes, two databases of interactions and six terms."""
    (tmp_path / "perturbqa").mkdir()
    (tmp_path / FOLDER).mkdir(parents=True)
    knowledge = tmp_path / "knowledge"
    knowledge.mkdir()
    (tmp_path / HGNC).write_bytes(gzip.compress(HUMAN.encode()))
    (knowledge / "go-basic.obo.gz").write_text(OBO)
    (knowledge / "goa_human.gaf.gz").write_text("".join(gaf(*pair) for pair in ANNOTATED))
    string = "gene1\tgene2\tcombined_score\nATM\tTP53\t900\nTP53\tATM\t700\nATM\tATM\t999\n"
    string += "BRCA1\tNOSUCH\t900\nRAD53\tTP53\t500\n"
    (tmp_path / FOLDER / "string_v12_notextmining.tsv.gz").write_bytes(
        gzip.compress(string.encode())
    )
    huri = "gene1\tgene2\tin_HuRI\nTP53\tATM\t1\nBRCA1\tATM\t1\n"
    (tmp_path / FOLDER / "hi_union_huri.tsv.gz").write_bytes(gzip.compress(huri.encode()))
    return tmp_path


@pytest.fixture
def graph(mirror):
    """Return a function that reads a graph of both databases."""

    def read(kind="go+ppi", **settings):
        genes = settings.pop("genes", GENES)
        return read_graph(mirror, kind, genes, sources=("string", "huri"), **settings)

    return read


def edges(graph, name):
    """Return the edges of a relation by the names of their ends, with their weights."""
    relation = graph.relation(name)
    names = {"gene": graph.genes, "term": graph.terms}
    ends = zip(*relation.index.tolist(), strict=True)
    return {
        (names[relation.source][a], names[relation.target][b]): float(weight)
        for (a, b), weight in zip(ends, relation.weight, strict=True)
    }


def test_every_interaction_is_one_edge_in_each_direction(graph):
    ppi = graph("ppi")
    found = edges(ppi, "interacts")
    assert set(found) == {(b, a) for a, b in found}
    assert {tuple(sorted(pair)) for pair in found} == {
        ("ATM", "TP53"), ("ATM", "BRCA1"), ("CHEK2", "TP53"),
    }  # fmt: skip
    assert len(ppi.relation("interacts")) == len(found) == 6
    assert ppi.degree().tolist() == [2, 1, 1, 0, 2]


def test_a_pair_of_two_databases_is_surer_than_in_either(graph):
    found = edges(graph("ppi"), "interacts")
    assert found["ATM", "TP53"] == pytest.approx(1 - (1 - 0.9) * (1 - 0.6))
    assert found["ATM", "BRCA1"] == pytest.approx(0.6)
    assert found["CHEK2", "TP53"] == pytest.approx(0.5)


def test_a_learned_weight_sees_what_each_database_says(graph):
    relation = graph("ppi").relation("interacts")
    at = list(edges(graph("ppi"), "interacts")).index(("ATM", "TP53"))
    assert relation.channels == ("string", "huri")
    assert relation.features[at].tolist() == pytest.approx([0.9, 0.6])


def test_a_gene_without_edges_is_a_node_and_is_named(graph):
    assert graph("ppi").isolated() == ("LONER",)
    assert graph("go").isolated() == ("CHEK2", "LONER")
    assert graph("go+ppi").isolated() == ("LONER",)


def test_the_compartments_are_in_the_graph_only_when_asked_for(graph):
    without, within = graph("go"), graph("go", compartment=True)
    assert without.terms == (PROCESS, REPAIR, BREAKS)
    assert within.terms == (PROCESS, REPAIR, BREAKS, NUCLEUS, SPECK)
    assert (without.compartment, within.compartment) == (False, True)
    assert ("TP53", SPECK) in edges(within, "annotated")
    assert edges(within, "specialises").keys() - edges(without, "specialises").keys() == {
        (SPECK, NUCLEUS)
    }


def test_interactions_alone_know_no_compartments(graph):
    assert not graph("ppi", compartment=True).compartment


def test_annotations_and_hierarchy_run_both_ways(graph):
    go = graph("go")
    assert set(edges(go, "annotated")) == {
        ("ATM", REPAIR), ("BRCA1", BREAKS), ("TP53", PROCESS),
    }  # fmt: skip
    assert set(edges(go, "annotates")) == {(b, a) for a, b in edges(go, "annotated")}
    assert set(edges(go, "specialises")) == {(REPAIR, PROCESS), (BREAKS, REPAIR)}
    assert set(edges(go, "generalises")) == {(b, a) for a, b in edges(go, "specialises")}


def test_propagation_joins_a_gene_to_the_ancestors_of_its_terms(graph):
    found = edges(graph("go", propagate=True), "annotated")
    assert {term for gene, term in found if gene == "BRCA1"} == {BREAKS, REPAIR, PROCESS}


def test_a_rarer_term_weighs_more(graph):
    found = edges(graph("go", propagate=True), "annotated")
    assert 1 >= found["BRCA1", BREAKS] > found["BRCA1", REPAIR] > found["BRCA1", PROCESS] > 0


def test_terms_that_no_gene_has_come_in_only_when_asked_for(graph):
    assert FLIGHT not in graph("go").terms
    assert FLIGHT in graph("go", every_term=True).terms


def test_pyg_gets_nodes_and_edges_of_each_kind(graph):
    go_ppi = graph()
    x, y = np.eye(5, dtype=np.float32), np.ones((3, 2), np.float32)
    data = go_ppi.hetero(x, y)
    assert data.validate()
    assert data.node_types == ["gene", "term"]
    assert data["gene", "annotated", "term"].edge_index.shape == (2, 3)
    assert data["gene", "interacts", "gene"].edge_attr.shape == (6, 2)
    assert data["gene"].x.shape == (5, 5)


def test_nodes_alike_are_genes_first_and_then_terms(graph):
    from torch_geometric.utils import is_undirected

    go_ppi = graph()
    data = go_ppi.homogeneous(np.zeros((5, 2), np.float32), np.ones((3, 2), np.float32))
    assert data.validate()
    assert is_undirected(data.edge_index, data.edge_weight)
    assert data.num_edges == go_ppi.edges == 6 + 2 * 3 + 2 * 2
    assert data.node_type.tolist() == [0] * 5 + [1] * 3
    assert data.x[:, 0].tolist() == [0] * 5 + [1] * 3
    annotated = data.edge_index[:, data.edge_type == 1]
    assert annotated[1].min() >= 5 > annotated[0].max()


def test_features_of_other_nodes_are_refused(graph):
    with pytest.raises(ValueError, match="expected 5 rows"):
        graph("ppi").hetero(np.zeros((4, 2), np.float32))
    with pytest.raises(ValueError, match="terms too"):
        graph("go").homogeneous(np.zeros((5, 2), np.float32))


def test_no_label_can_reach_the_graph(graph, mirror):
    """The graph is the same with the labels of a gene, with others, and with none."""
    before = graph(compartment=True, propagate=True)
    folder = mirror / "genen" / "litgene"
    folder.mkdir(parents=True)
    (folder / "old_subcellular_location.csv").write_text(
        "GeneSymbol,Subcellular_location\nTP53,Nucleus\nLONER,Cytoplasm\n"
    )
    assert len(read_tasks(mirror, ["localisation"])[0]) == 2
    after = graph(compartment=True, propagate=True)
    assert (before.genes, before.terms) == (after.genes, after.terms)
    for one, other in zip(before.relations, after.relations, strict=True):
        assert np.array_equal(one.index, other.index)
        assert np.array_equal(one.weight, other.weight)


def test_every_coding_gene_is_a_node_and_others_when_named(mirror):
    assert gene_universe(mirror) == GENES
    assert gene_universe(mirror, ["RNU1"]) == (*GENES[:-1], "RNU1", "TP53")


def test_what_is_asked_for_wrongly_is_named(graph, mirror):
    with pytest.raises(DataError, match="name ppi, go, go"):
        graph("pathways")
    with pytest.raises(DataError, match="biogrid: no such source"):
        read_graph(mirror, "ppi", GENES, sources=("biogrid",))
    with pytest.raises(DataError, match="data pull networks"):
        read_graph(mirror, "ppi", GENES, sources=("bioplex",))
    with pytest.raises(ValueError, match="named twice"):
        graph("ppi", genes=("ATM", "ATM"))


def test_a_file_of_interactions_in_another_layout_is_an_error_that_names_it(mirror):
    path = mirror / FOLDER / "string_v12_notextmining.tsv.gz"
    path.write_bytes(gzip.compress(b"a\tb\tscore\nATM\tTP53\t9\n"))
    with pytest.raises(DataError, match="combined_score"):
        read_graph(mirror, "ppi", GENES, sources=("string",))


def test_a_shuffled_graph_keeps_every_degree_and_little_else():
    rng = np.random.default_rng(0)
    genes = tuple(f"G{i}" for i in range(200))
    block = rng.integers(0, 4, 200)
    first, second = (rng.integers(0, 200, 6000) for _ in range(2))
    inside = block[first] == block[second]
    sure = np.ones(inside.sum(), np.float32)
    found = merged({"made-up": (first[inside], second[inside], sure)}, 200)
    terms = [Term(id=f"T{i}", name=f"t{i}", namespace="biological_process") for i in range(20)]
    has = {g: tuple(f"T{t}" for t in np.unique(rng.integers(0, 20, 4))) for g in genes}
    real = build_graph(genes, found, GeneOntology(terms, {}, has))
    control = rewired(real, np.random.default_rng(1))
    assert control.degree().tolist() == real.degree().tolist()
    assert control.degree("term").tolist() == real.degree("term").tolist()
    for name in ("interacts", "annotated"):
        index = control.relation(name).index
        assert np.unique(index, axis=1).shape == index.shape
    source, target = control.relation("interacts").index
    assert (source != target).all()
    assert set(zip(source, target, strict=True)) == set(zip(target, source, strict=True))
    assert (block[source] == block[target]).mean() < 0.35
    there, back = control.relation("annotated"), control.relation("annotates")
    assert np.array_equal(there.index, back.index[::-1])


@pytest.mark.slow
def test_sixty_thousand_nodes_and_millions_of_edges_take_less_than_6_gb():
    code = """
from pathlib import Path
import numpy as np
from knowledge.ontology import GeneOntology, Term
from models.genen.graphs import build_graph
from models.genen.interactions import merged
rng = np.random.default_rng(0)
N, T = 20_000, 40_000
first, second = (rng.integers(0, N, 2_000_000) for _ in range(2))
found = merged({"made-up": (first, second, rng.random(2_000_000, np.float32))}, N)
terms = [Term(id=f"T{i}", name="t", namespace="biological_process") for i in range(T)]
parents = {f"T{i}": (f"T{i // 8}",) for i in range(1, T)}
genes = tuple(f"G{i}" for i in range(N))
has = {g: tuple(f"T{t}" for t in rng.integers(0, T, 12)) for g in genes}
graph = build_graph(
    genes, found, GeneOntology(terms, parents, has), propagate=True, every_term=True
)
data, alike = graph.hetero(), graph.homogeneous()
# What the kernel counts for a process includes what its parent held when it was started.
peak = next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
print(alike.num_nodes, alike.num_edges, peak.split()[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    nodes, count, kilobytes = map(int, done.stdout.split())
    assert nodes == 60_000
    assert count > 5_000_000
    assert kilobytes < 6_000_000


@pytest.mark.data
def test_the_real_graph_reaches_nearly_every_gene_that_has_a_label(data_mirror):
    symbols = read_symbols(data_mirror)
    genes = gene_universe(data_mirror)
    ontology = read_ontology(data_mirror, symbols)
    graph = read_graph(data_mirror, "go+ppi", genes, symbols=symbols, ontology=ontology)
    assert len(graph.genes) > 19_000
    assert graph.edges > 1_000_000
    assert len(graph.isolated()) < 600
    assert not {"cellular_component"} & {ontology.term(t).namespace for t in graph.terms}
    alone = set(graph.isolated())
    for task in read_tasks(data_mirror, symbols=symbols):
        if task.name != "conservation":
            reached = [gene in graph.gene_row and gene not in alone for gene in task.genes]
            assert np.mean(reached) > 0.98, task.name
    within = read_graph(
        data_mirror, "go", genes, symbols=symbols, ontology=ontology, compartment=True
    )
    assert len(within.terms) > len(graph.terms) + 1000


@pytest.mark.data
def test_every_real_database_gives_interactions(data_mirror):
    graph = read_graph(data_mirror, "ppi", gene_universe(data_mirror), sources=SOURCES)
    relation = graph.relation("interacts")
    assert relation.channels == SOURCES
    assert ((relation.features > 0).sum(axis=0) > 20_000).all()
    assert 0 < relation.weight.min() <= relation.weight.max() <= 1
