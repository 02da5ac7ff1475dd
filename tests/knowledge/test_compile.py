import errno
import os
from pathlib import Path

import pytest

from knowledge.base import load_knowledge
from knowledge.compiled import build as compiling
from knowledge.compiled import open as compiled
from knowledge.compiled import tables
from knowledge.compiled.build import compile_tables
from knowledge.errors import DataError
from knowledge.schema import Gene
from knowledge.sources.download import pull
from knowledge.sources.registry import load_registry, source_path


@pytest.fixture
def data(tmp_path, tiny_mirror, tiny_registry, monkeypatch):
    """A data folder with the tiny mirror pulled."""
    monkeypatch.setattr(compiled, "load_registry", lambda: tiny_registry)
    folder = tmp_path / "data"
    for source in tiny_registry:
        pull(source, folder, mirror=tiny_mirror)
    return folder


@pytest.fixture
def knowledge(data, tiny_registry):
    compile_tables(data, registry=tiny_registry)
    return load_knowledge(data)


def edges(knowledge, source, target):
    return {
        (edge.effect, edge.mechanism, edge.database, edge.references)
        for edge in knowledge.graph.edges_between(source, target)
        if not edge.database.startswith("starter")
    }


def test_a_fresh_clone_knows_the_starter_pack_and_any_extra_gene(tmp_path):
    extra = (Gene(symbol="BLTP2", previous_symbols=("KIAA0100",)), Gene(symbol="TP53"))
    knowledge = load_knowledge(tmp_path / "none", extra)
    assert (knowledge.scope, knowledge.warnings) == ("starter", ())
    assert knowledge.ontology is None
    assert knowledge.expression is None
    assert knowledge.symbols.approved("KIAA0100") == "BLTP2"
    grounded = knowledge.symbols.ground("p53").gene
    assert grounded is not None
    assert grounded.ensembl_id == "ENSG00000141510"
    assert len(knowledge.graph) > 0
    assert knowledge.programmes
    assert knowledge.gene_sets.containing("TP53")
    assert list(knowledge.versions) == ["starter"]


def test_pulled_but_not_compiled_data_is_mentioned_and_not_used(data):
    knowledge = load_knowledge(data)
    assert knowledge.scope == "starter"
    assert "run `knockwise index build`" in knowledge.warnings[0]


def test_the_full_scope_holds_the_starter_pack_and_the_tables(knowledge):
    assert (knowledge.scope, knowledge.warnings) == ("full", ())
    assert knowledge.versions["hgnc"] == load_registry()["hgnc"].version
    assert "starter" in knowledge.versions
    assert knowledge.symbols.approved("AARS") == "AARS1"
    assert knowledge.symbols.approved("HSF1") == "HSF1"  # a starter gene the tiny HGNC lacks
    assert knowledge.programmes


def test_ncbi_synonyms_count_only_where_hgnc_gives_a_name_to_no_gene(knowledge):
    assert knowledge.symbols.approved("TAXREB67") == "ATF4"
    assert knowledge.symbols.approved("CDC2") == "CDK1"


def test_each_database_keeps_its_own_assertion_with_mechanism_and_papers(knowledge):
    assert edges(knowledge, "MDM2", "TP53") == {
        ("inhibits", "", "OmniPath", ()),
        ("inhibits", "ubiquitination", "SIGNOR", ()),
        ("inhibits", "ubiquitination", "KEGG", ("KEGG:hsa04115",)),
    }
    assert edges(knowledge, "TP53", "CDKN1A") == {
        ("activates", "transcription", "SIGNOR", ()),
        ("activates", "transcription", "KEGG", ("KEGG:hsa04115", "KEGG:hsa04110")),
        ("activates", "transcription", "CollecTRI", ()),
    }
    assert edges(knowledge, "TP53", "MDM2") == {
        ("activates", "transcription", "DoRothEA", ("PMID:111", "PMID:222")),
        ("regulates", "transcription", "TRRUST", ("PMID:555",)),
    }


def test_an_unsigned_modification_names_the_mechanism_of_a_signed_edge(knowledge):
    assert edges(knowledge, "CDK1", "CCNB1") == {("activates", "phosphorylation", "OmniPath", ())}


def test_a_complex_is_one_node_however_the_files_write_it(knowledge):
    name = "Cyclin B1-CDK1 complex"
    group = knowledge.graph.group(name)
    assert group is not None
    assert group.members == ("CCNB1", "CDK1")
    assert group.summary == "Drives entry into mitosis."
    assert edges(knowledge, name, "TP53") == {("activates", "", "OmniPath", ())}
    assert edges(knowledge, name, "ATF4") == {("activates", "phosphorylation", "SIGNOR", ())}


def test_self_loops_and_unknown_names_are_left_out(knowledge):
    assert not edges(knowledge, "TP53", "TP53")
    assert "NOSUCH" not in knowledge.graph


def test_pathways_carry_their_stable_ids(knowledge):
    found = {s.id: s for s in knowledge.gene_sets.containing("TP53") if s.source == "Reactome"}
    assert found["reactome:R-HSA-1"].reference == "R-HSA-1"
    assert knowledge.gene_sets.get("wikipathways:WP179").members == ("CCNB1", "CDK1")
    assert knowledge.gene_sets.get("CORUM:1").kind == "complex"


def test_the_ontology_survives_compilation(knowledge):
    assert knowledge.ontology is not None
    assert knowledge.ontology.annotations("CDK1", propagate=True) == ("GO:0000005", "GO:0000001")
    assert knowledge.ontology.term("GO:0000004").name == "damage checkpoint"


def test_expression_is_kept_for_the_known_lines_under_their_own_names(knowledge):
    assert set(knowledge.expression.cell_lines) == {"K562", "HepG2"}
    assert knowledge.expression.value("GATA1", "K562") == pytest.approx(6.0)
    assert knowledge.expression.expressed("TP53", "K562") is False


def test_the_starter_pack_describes_a_gene_before_the_databases_do(knowledge):
    assert knowledge.summaries["TP53"] == load_knowledge(Path("/nowhere")).summaries["TP53"]


def test_a_second_compilation_has_nothing_to_do(data, tiny_registry):
    first = compile_tables(data, registry=tiny_registry)
    assert set(first.rebuilt) == set(tables.SCHEMAS)
    assert first.missing == ()
    assert first.dropped["reactome"] == 1
    second = compile_tables(data, registry=tiny_registry)
    assert second.rebuilt == ()
    assert second.rows == first.rows


def test_only_the_tables_of_a_changed_source_are_rebuilt(data, tiny_registry, tiny_mirror):
    compile_tables(data, registry=tiny_registry)
    source_path(data, tiny_registry["trrust"]).unlink()
    (data / "sources" / "pulled.json").write_text("{}")
    told = []
    report = compile_tables(data, registry=tiny_registry, progress=told.append)
    assert set(report.rebuilt) == {"edges", "groups"}
    assert report.missing == ("trrust",)
    assert told == ["network"]


def test_data_pulled_after_compiling_is_mentioned(data, tiny_registry, tiny_mirror):
    source_path(data, tiny_registry["trrust"]).unlink()
    compile_tables(data, registry=tiny_registry)
    pull(tiny_registry["trrust"], data, mirror=tiny_mirror)
    knowledge = load_knowledge(data)
    assert knowledge.scope == "full"
    assert "changed since it was compiled" in knowledge.warnings[0]


def test_without_any_source_there_is_nothing_to_compile(tmp_path):
    report = compile_tables(tmp_path / "none")
    assert report.rows == {}
    assert "hgnc" in report.missing
    assert not (tmp_path / "none").exists()


def test_missing_optional_sources_leave_their_tables_empty(tmp_path, tiny_mirror, tiny_registry):
    data = tmp_path / "data"
    pull(tiny_registry["hgnc"], data, mirror=tiny_mirror)
    report = compile_tables(data, registry=tiny_registry)
    assert report.rows["genes"] == 9
    assert report.rows["go_terms"] == report.rows["expression"] == 0
    knowledge = load_knowledge(data)
    assert knowledge.scope == "full"
    assert knowledge.ontology is None
    assert knowledge.expression is None


def test_without_hgnc_nothing_can_be_named(tmp_path, tiny_mirror, tiny_registry):
    data = tmp_path / "data"
    pull(tiny_registry["trrust"], data, mirror=tiny_mirror)
    with pytest.raises(DataError, match="HGNC table is missing"):
        compile_tables(data, registry=tiny_registry)


def test_a_corrupted_source_is_named_and_not_used(data, tiny_registry):
    source_path(data, tiny_registry["corum"]).write_text("half")
    with pytest.raises(
        DataError, match=r"corum\.txt is corrupted; run `knockwise data pull corum`"
    ):
        compile_tables(data, registry=tiny_registry)


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_corrupted_table_is_named_with_its_remedy_and_made_anew(data, tiny_registry, damage):
    compile_tables(data, registry=tiny_registry)
    path = tables.table_path(tables.compiled_dir(data), "edges")
    content = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    else:
        content[40] ^= 0xFF
        path.write_bytes(content if damage == "flip" else content[:-30])
    with pytest.raises(DataError, match=r"edges\.parquet .*`knockwise index build`"):
        load_knowledge(data)
    assert compile_tables(data, registry=tiny_registry).rebuilt
    assert load_knowledge(data).scope == "full"


def test_a_corrupted_manifest_is_named(data, tiny_registry):
    compile_tables(data, registry=tiny_registry)
    (tables.compiled_dir(data) / "manifest.json").write_text("{")
    with pytest.raises(DataError, match=r"manifest\.json is corrupted"):
        load_knowledge(data)
    assert compile_tables(data, registry=tiny_registry).rebuilt


def test_tables_of_another_version_are_compiled_again(data, tiny_registry, monkeypatch):
    compile_tables(data, registry=tiny_registry)
    monkeypatch.setattr(tables, "SCHEMA_VERSION", tables.SCHEMA_VERSION + 1)
    assert load_knowledge(data).scope == "starter"
    assert set(compile_tables(data, registry=tiny_registry).rebuilt) == set(tables.SCHEMAS)


def test_an_interrupted_compilation_leaves_the_old_tables(data, tiny_registry, monkeypatch):
    compile_tables(data, registry=tiny_registry)
    source_path(data, tiny_registry["trrust"]).unlink()

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tables, "write_table", interrupted)
        with pytest.raises(KeyboardInterrupt):
            compile_tables(data, registry=tiny_registry)
    assert load_knowledge(data).scope == "full"
    assert set(compile_tables(data, registry=tiny_registry).rebuilt) == {"edges", "groups"}


def test_a_full_disk_while_compiling_is_said(data, tiny_registry, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tables, "write_table", full)
    with pytest.raises(DataError, match="is full; free some space"):
        compile_tables(data, registry=tiny_registry)


def test_every_table_of_a_part_has_a_schema():
    made = [name for part in compiling.PARTS for name in part.tables]
    assert sorted(made) == sorted(tables.SCHEMAS)
