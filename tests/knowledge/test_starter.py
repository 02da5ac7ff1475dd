import shutil
from collections import Counter
from pathlib import Path

import pytest

from knowledge.cascade import CellState, reach, start
from knowledge.cell_lines import load_cell_lines
from knowledge.errors import DataError
from knowledge.graph import SignedGraph
from knowledge.schema import Perturbation
from knowledge.starter import IDENTIFIERS, load_starter, read_identifiers
from knowledge.starter.identifiers import starter_symbols, write_identifiers

PROGRAMME = """\
id: tiny
name: Tiny
summary: A programme of two genes.
genes:
  TP53: Guardian of the genome.
groups:
  - {name: guard, kind: complex, members: [MDM2], summary: Holds TP53 down.}
edges:
  - [guard, inhibits, TP53, ubiquitination]
  - [TP53, activates, CDKN1A, transcription, {refs: ["PMID:8242752"], note: "first target"}]
...
"""


@pytest.fixture(scope="module")
def starter():
    return load_starter()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny.yaml").write_text(PROGRAMME)
    return tmp_path


def broken(folder: Path, old: str, new: str) -> str:
    assert old in PROGRAMME
    (folder / "tiny.yaml").write_text(PROGRAMME.replace(old, new, 1))
    with pytest.raises(DataError) as error:
        load_starter(folder)
    assert "tiny.yaml" in str(error.value)
    return str(error.value)


def test_the_pack_is_as_large_as_promised(starter):
    assert len(starter.programmes) >= 25
    assert len(starter.summaries) >= 250
    assert sum(edge.sign != 0 for edge in starter.edges) >= 600


def test_every_described_gene_has_identifiers(starter):
    genes = {gene.symbol: gene for gene in starter.genes}
    assert set(starter.summaries) <= set(genes)
    assert all(gene.hgnc_id.startswith("HGNC:") for gene in starter.genes)
    assert genes["AARS1"].entrez_id == "16"
    assert "AARS" in genes["AARS1"].previous_symbols


def test_the_identifier_table_has_no_gene_too_many(starter):
    assert {gene.symbol for gene in starter.genes} == starter_symbols()


def test_no_relation_is_written_in_two_files(starter):
    written = Counter((e.source, e.target, e.effect, e.mechanism) for e in starter.edges)
    assert [edge for edge, count in written.items() if count > 1] == []


def test_no_two_edges_contradict_each_other(starter):
    signs = {}
    for edge in starter.edges:
        if edge.sign:
            key = (edge.source, edge.target, edge.changes_expression)
            assert signs.setdefault(key, edge.sign) == edge.sign, edge


def test_an_edge_keeps_its_programme_references_and_note(folder):
    _, edge = load_starter(folder).edges
    assert edge.database == "starter:tiny"
    assert edge.references == ("PMID:8242752",)
    assert edge.note == "first target"


def test_a_group_knows_its_programme(folder):
    (group,) = load_starter(folder).groups
    assert (group.name, group.members, group.source) == ("guard", ("MDM2",), "starter:tiny")


def test_an_unknown_effect_is_refused_by_name_of_the_edge(folder):
    assert "edges.0.effect" in broken(folder, "inhibits", "blocks")


def test_an_unknown_mechanism_is_refused(folder):
    assert "edges.1.mechanism" in broken(folder, "transcription", "magic")


def test_a_misspelt_key_is_refused(folder):
    assert "sumary" in broken(folder, "summary: A", "sumary: A")


def test_an_edge_without_mechanism_is_refused(folder):
    assert "edges.0" in broken(folder, ", ubiquitination]", "]")


def test_a_reference_that_is_no_pubmed_id_is_refused(folder):
    assert "refs" in broken(folder, "PMID:8242752", "El-Deiry 1993")


def test_a_gene_described_twice_in_a_file_is_refused(folder):
    assert "'TP53' is written twice" in broken(folder, "groups:", "  TP53: Again.\ngroups:")


def test_a_gene_described_in_two_files_is_refused(folder):
    (folder / "other.yaml").write_text(
        "{id: other, name: Other, summary: Another., genes: {TP53: Again.}}\n...\n"
    )
    with pytest.raises(DataError, match=r"already described in other\.yaml"):
        load_starter(folder)


def test_a_group_named_like_a_gene_is_refused(folder):
    (folder / "tiny.yaml").write_text(PROGRAMME.replace("guard", "MDM4"))
    with pytest.raises(DataError, match="'MDM4' is a gene symbol"):
        load_starter(folder)


def test_a_symbol_that_is_not_approved_is_refused(folder):
    assert "'P21'" in broken(folder, "CDKN1A", "P21")


def test_edges_of_opposite_sign_are_refused(folder):
    both = "  - [TP53, inhibits, CDKN1A, transcription]\n"
    (folder / "tiny.yaml").write_text(PROGRAMME.replace("...", both + "..."))
    with pytest.raises(DataError, match="opposite sign"):
        load_starter(folder)


def test_a_file_that_is_no_yaml_is_refused(folder):
    (folder / "tiny.yaml").write_text("id: [")
    with pytest.raises(DataError, match="not valid YAML"):
        load_starter(folder)


def test_a_file_that_is_cut_at_the_end_of_a_line_is_told(folder):
    lines = PROGRAMME.splitlines(keepends=True)
    for kept in range(lines.index("edges:\n") + 2, len(lines)):
        (folder / "tiny.yaml").write_text("".join(lines[:kept]))
        with pytest.raises(DataError, match="cut short"):
            load_starter(folder)


@pytest.mark.parametrize(
    "harm", [lambda b: b[: len(b) // 2], lambda b: b[:900] + b"\xaf" + b[901:]]
)
def test_a_damaged_table_of_identifiers_is_one_sentence(tmp_path, harm):
    (tmp_path / "identifiers.tsv").write_bytes(harm(IDENTIFIERS.read_bytes()))
    with pytest.raises(DataError, match=r"identifiers\.tsv: cannot be read .*reinstall"):
        read_identifiers(tmp_path / "identifiers.tsv")


def test_a_folder_without_programmes_is_refused(tmp_path):
    with pytest.raises(DataError, match="no programme files"):
        load_starter(tmp_path)


def test_identifiers_of_an_outdated_symbol_name_the_current_one(tmp_path):
    hgnc = tmp_path / "hgnc.txt"
    hgnc.write_text(
        "hgnc_id\tsymbol\tname\tstatus\talias_symbol\tprev_symbol\tentrez_id\tensembl_gene_id\t"
        "uniprot_ids\nHGNC:20\tAARS1\talanyl\tApproved\tCMT2N\tAARS\t16\tENSG00000090861\tP49588\n"
    )
    with pytest.raises(DataError, match=r"AARS \(now AARS1\)"):
        write_identifiers({"AARS"}, hgnc, tmp_path / "out.tsv")
    assert write_identifiers({"AARS1"}, hgnc, tmp_path / "out.tsv") == 1


@pytest.mark.parametrize(
    ("gene", "line", "readout", "direction"),
    [
        ("HSPA5", "K562", "DDIT3", "up"),
        ("HSPA5", "K562", "HERPUD1", "up"),
        ("AARS1", "HepG2", "ASNS", "up"),
        ("AARS1", "HepG2", "TRIB3", "up"),
        ("KEAP1", "K562", "NQO1", "up"),
        ("KEAP1", "HepG2", "HMOX1", "up"),
        ("VHL", "RPE1", "CA9", "up"),
        ("SCAP", "HepG2", "LDLR", "down"),
        ("SCAP", "K562", "HMGCS1", "down"),
        ("GATA1", "K562", "HBG1", "down"),
        ("MDM2", "RPE1", "CDKN1A", "up"),
        ("UPF1", "K562", "GAS5", "up"),
        ("HNF4A", "HepG2", "APOA1", "down"),
        ("HNF4A", "HepG2", "ALB", "down"),
        ("PSMD1", "K562", "PSMB5", "up"),
        ("PSMD1", "RPE1", "PSMC1", "up"),
        ("RPS19", "RPE1", "CDKN1A", "up"),
        ("RPL5", "RPE1", "CDKN1A", "down"),
        ("MRPL11", "K562", "ASNS", "up"),
        ("NDUFS1", "K562", "TRIB3", "up"),
        ("SMAD4", "RPE1", "SERPINE1", "down"),
        ("APC", "RPE1", "AXIN2", "up"),
        ("PTCH1", "RPE1", "GLI1", "up"),
        ("ZAP70", "Jurkat", "EGR1", "down"),
        ("NCSTN", "Jurkat", "HES1", "down"),
        ("MAP2K1", "HepG2", "DUSP6", "down"),
        ("EED", "RPE1", "CDKN2A", "up"),
        ("MED14", "K562", "MYC", "down"),
        ("VHL", "RPE1", "CCND1", "up"),
        ("EPAS1", "HepG2", "EPO", "down"),
        ("FLCN", "RPE1", "RRAGD", "up"),
        ("SOCS3", "HepG2", "CRP", "up"),
        ("JAK1", "HepG2", "FGB", "down"),
        ("JAK2", "K562", "CISH", "down"),
        ("SH2B3", "K562", "PIM1", "up"),
        ("ABL1", "K562", "PIM1", "down"),
        ("CD3E", "Jurkat", "IL2", "down"),
        ("CARD11", "Jurkat", "TNFAIP3", "down"),
        ("NCSTN", "Jurkat", "DTX1", "down"),
        ("KLF1", "K562", "HBG1", "up"),
        ("NF2", "RPE1", "ANKRD1", "up"),
        ("MRTFA", "RPE1", "TAGLN", "down"),
        ("STK11", "HepG2", "NR4A2", "up"),
        ("CRY1", "RPE1", "DBP", "up"),
        ("AHRR", "HepG2", "CYP1A1", "up"),
        ("RCOR1", "HepG2", "SNAP25", "up"),
        ("GRHL2", "HepG2", "CDH1", "down"),
        ("SLC30A1", "HepG2", "MT1X", "up"),
        ("SMCHD1", "RPE1", "ZSCAN4", "up"),
    ],
)
def test_what_a_knockout_does_follows_from_general_facts(starter, gene, line, readout, direction):
    graph = SignedGraph(starter.edges, starter.groups)
    changes = start(Perturbation(genes=(gene,), cell_line=line))
    found = reach(graph, changes, cell=CellState(load_cell_lines().ground(line)))
    other = "down" if direction == "up" else "up"
    assert found.confidence(readout, direction) > found.confidence(readout, other)


@pytest.mark.parametrize(
    ("gene", "line", "readout"),
    [("MDM2", "K562", "CDKN1A"), ("RPS19", "Jurkat", "CDKN1A"), ("APC", "HepG2", "AXIN2")],
)
def test_a_lesion_of_the_line_stops_the_cascade(starter, gene, line, readout):
    graph = SignedGraph(starter.edges, starter.groups)
    changes = start(Perturbation(genes=(gene,), cell_line=line))
    found = reach(graph, changes, cell=CellState(load_cell_lines().ground(line)))
    assert found.confidence(readout, "up") == 0


@pytest.mark.parametrize(
    ("gene", "readout"),
    [
        ("FLCN", "ASNS"),  # the RAGC branch frees TFE3, not ATF4
        ("AKT1", "AXIN2"),  # the GSK3B of the destruction complex is a pool of its own
        ("ATM", "CISH"),  # nuclear ABL1 is not BCR-ABL1
        ("EGLN3", "HBG1"),
    ],
)
def test_branches_that_share_a_protein_stay_apart(starter, gene, readout):
    graph = SignedGraph(starter.edges, starter.groups)
    found = reach(graph, start(Perturbation(genes=(gene,), cell_line="RPE1")))
    assert found.best(readout) == 0


@pytest.mark.data
@pytest.mark.slow
def test_the_networks_of_the_full_data_confirm_the_pack(starter, data_mirror):
    from knowledge.starter_check import check_starter

    checks = check_starter(starter, data_mirror)
    counts = Counter(check.verdict for check in checks)
    compared = counts["confirmed"] + counts["unconfirmed"] + counts["contradicted"]
    assert counts["confirmed"] / compared >= 0.9
    assert [check.edge for check in checks if not check.excused] == []


@pytest.mark.data
def test_the_identifier_table_is_what_its_command_writes(data_mirror, tmp_path):
    (hgnc,) = (data_mirror / "knowledge").glob("hgnc_complete_set*")
    shutil.copy(hgnc, tmp_path)
    write_identifiers(starter_symbols(), tmp_path / hgnc.name, tmp_path / "out.tsv")
    assert (tmp_path / "out.tsv").read_text() == IDENTIFIERS.read_text()
