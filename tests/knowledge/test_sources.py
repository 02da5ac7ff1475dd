import pytest

from knowledge.compiled.build import GROUP, PARTS
from knowledge.errors import DataError
from knowledge.sources.download import pull
from knowledge.sources.registry import (
    DEFAULT_GROUPS,
    load_registry,
    part_path,
    receipts,
    source_path,
    states,
)


def test_the_registry_declares_every_source_that_a_table_is_made_of():
    declared = {source.name for source in load_registry() if source.group == GROUP}
    assert {name for part in PARTS for name in part.sources} == declared


def test_the_registry_says_where_each_source_comes_from_and_under_which_terms():
    registry = load_registry()
    assert len({source.path for source in registry}) == len(registry)
    assert set(DEFAULT_GROUPS) <= set(registry.groups)
    for source in registry:
        assert source.url.startswith(("https://", "http://")), source.name
        assert source.version, source.name
        assert source.licence, source.name
        assert not (source.rolling and source.mirror_only), source.name


def test_sources_are_chosen_by_name_or_by_group_each_once():
    registry = load_registry()
    chosen = registry.select(["hgnc", "knowledge"])
    assert chosen[0].name == "hgnc"
    assert len(chosen) == len({s.name for s in registry if s.group == "knowledge"})


def test_an_unknown_name_gets_the_nearest_real_one():
    with pytest.raises(DataError, match=r"'hgcn' .*did you mean 'hgnc'"):
        load_registry().select(["hgcn"])


def test_a_registry_with_a_typo_or_a_name_twice_is_refused(tmp_path):
    path = tmp_path / "sources.toml"
    path.write_text('[[source]]\nname = "x"\nlicense = "CC0"\n')
    with pytest.raises(DataError, match=r"sources\.toml.*license"):
        load_registry(path)
    entry = load_registry()["hgnc"].model_dump()
    lines = [f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
             for key, value in entry.items()]  # fmt: skip
    path = tmp_path / "twice.toml"
    path.write_text("\n".join(["[[source]]", *lines, "[[source]]", *lines]))
    with pytest.raises(DataError, match="'hgnc' is declared twice"):
        load_registry(path)


def test_a_state_is_found_by_hashing(tmp_path, tiny_mirror, tiny_registry):
    data = tmp_path / "data"
    whole, damaged, half, absent = tiny_registry.select(["hgnc", "kegg", "trrust", "corum"])
    for source in (whole, damaged):
        pull(source, data, mirror=tiny_mirror)
    source_path(data, damaged).write_text("x")
    part_path(data, half).write_text("half")
    assert states((whole, damaged, half, absent), data) == {
        "hgnc": "present",
        "kegg": "corrupt",
        "trrust": "partial",
        "corum": "missing",
    }


def test_corrupted_receipts_are_named(tmp_path):
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "pulled.json").write_text('{"hgnc": ')
    with pytest.raises(DataError, match=r"pulled\.json is corrupted"):
        receipts(tmp_path)
