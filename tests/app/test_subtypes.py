"""`knockwise subtypes`: a planted group is found, noise holds none, and odd tables are told."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tools.subtypes import methods, search
from tools.subtypes.markers import cramers_v, survival_columns, survival_of
from tools.subtypes.methods import METHODS, Data
from tools.subtypes.null import false_discovery_rates, without_groups
from tools.subtypes.settings import SubtypeSettings
from tools.subtypes.stability import clusters, matched, rare_groups

SAMPLES, GENES, RARE = 80, 150, 6


@pytest.fixture
def quick(monkeypatch):
    """The methods with fewer levels and runs."""
    few = {name: replace(one, levels=one.levels[2:3], runs=3) for name, one in METHODS.items()}
    monkeypatch.setattr(methods, "METHODS", few)
    return few


def planted(seed=0, group=RARE):
    """Two large classes, and a small group that differs in twenty genes."""
    rng = np.random.default_rng(seed)
    values = rng.normal(7, 1, (SAMPLES, GENES))
    values[SAMPLES // 2 :, 40:60] += 2
    values[:group, :20] += 6
    return values


def table(values, path, **options):
    names = [f"S{i:02}" for i in range(len(values))]
    frame = pd.DataFrame(values.T, columns=names, index=[f"G{i}" for i in range(values.shape[1])])
    frame.to_csv(path, index_label="gene", **options)
    return path


@pytest.fixture
def cohort(tmp_path):
    """Expression with a rare group, and a table that says more of the samples."""
    path = table(planted(), tmp_path / "expression.csv")
    rng = np.random.default_rng(1)
    pd.DataFrame(
        {
            "patient": [f"S{i:02}" for i in range(SAMPLES)],
            "batch": ["x" if i < RARE else "yz"[i % 2] for i in range(SAMPLES)],
            "days": [9 + i if i < RARE else 400 + 3 * i for i in range(SAMPLES)],
            "status": [
                "dead" if i < RARE or rng.random() < 0.5 else "alive" for i in range(SAMPLES)
            ],
        }
    ).to_csv(tmp_path / "pheno.csv", index=False)
    return path, tmp_path / "pheno.csv"


def test_a_planted_group_is_found_described_and_drawn(knockwise, quick, cohort, tmp_path):
    expression, pheno = cohort
    out = tmp_path / "out"
    asked = ("subtypes", expression, "--pheno", pheno, "--survival", "days,status", "--batch",
             "batch", "--method", "pca", "--permutations", "20", "--out", out)  # fmt: skip
    told = knockwise(*asked, "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["schema"] == "knockwise/subtypes/1"
    best = found["groups"][0]
    assert best["members"] == [f"S0{i}" for i in range(RARE)]
    assert {one["gene"] for one in best["first_markers"][:15]} <= {f"G{i}" for i in range(20)}
    assert best["markers_held"] > 0.3
    assert best["survival"]["p"] < 0.001
    assert any("may be a batch" in note for note in found["notes"])
    page = (out / "report.html").read_text()
    assert page.count("data:image/svg+xml") == 4
    assert "http" not in page.replace("http://www.w3.org", "")
    rows = pd.read_csv(out / "groups.csv")
    assert rows["found"].iloc[0]
    assert pd.read_csv(out / "samples.csv")["groups"].iloc[0] == "A"
    units = {path: path.stat().st_mtime_ns for path in (out / "units").rglob("*.parquet")}
    again = knockwise(*asked)
    assert again.exit_code == 0, again.output
    assert "one rare group beyond chance" in " ".join(again.stdout.split())
    assert units == {path: path.stat().st_mtime_ns for path in (out / "units").rglob("*.parquet")}


def test_nothing_is_found_in_noise(knockwise, quick, tmp_path):
    path = table(np.random.default_rng(3).normal(7, 1, (SAMPLES, GENES)), tmp_path / "noise.csv")
    told = knockwise("subtypes", path, "--method", "pca", "--permutations", "2")
    assert told.exit_code == 0, told.output
    assert "no rare subtype beyond chance" in " ".join(told.stdout.split())


@pytest.mark.parametrize("name", METHODS)
def test_every_method_parts_all_samples_and_the_same_seed_gives_the_same(name, quick):
    data = Data.of(planted()[:40] - 7)
    one, again = (clusters(quick[name], data, 0) for _ in range(2))
    assert sorted(np.concatenate(list(one[one["level"] == one["level"].iloc[0]]["members"]))) == [
        *range(40)
    ]
    assert one["stability"].tolist() == again["stability"].tolist()
    assert one["stability"].between(0, 1).all()


def test_clusters_are_matched_one_to_one_whatever_their_numbers():
    mine = np.array([0, 0, 0, 1, 1, 2])
    assert matched(mine, np.array([2, 2, 2, 0, 0, 1])).tolist() == [1, 1, 1]
    assert matched(mine, np.array([0, 0, 1, 1, 1, 1])).tolist() == pytest.approx([2 / 3, 2 / 4, 0])


def test_the_rule_keeps_the_most_stable_of_nested_levels():
    method = replace(METHODS["ica"], levels=(10, 15), runs=3)
    found = clusters(method, Data.of(planted() - 7), 0)
    groups = rare_groups(found, SAMPLES, SubtypeSettings().rule)
    assert groups[0].members == frozenset(range(RARE))
    assert groups[0].levels == 2


@pytest.mark.parametrize("kind", ["permuted", "rotated"])
def test_data_without_groups_keep_what_they_promise(kind):
    data = Data.of(planted())
    found = without_groups(data, kind, 5)
    assert found.values.mean(axis=0) == pytest.approx(0, abs=1e-9)
    if kind == "permuted":
        assert np.sort(found.values, axis=0) == pytest.approx(np.sort(data.values, axis=0))
    else:
        assert found.values.T @ found.values == pytest.approx(data.values.T @ data.values)
    assert not np.allclose(found.values, data.values)


def test_false_discovery_rates_by_hand():
    nulls = [[0.9], [], [0.7], []]
    # .95: (1 + 0) / 5 over 1; .8: (1 + 1) / 5 over 2; .6: (1 + 2) / 5 over 3.
    assert false_discovery_rates([0.8, 0.95, 0.6], nulls) == pytest.approx([0.2, 0.2, 0.2])
    assert false_discovery_rates([0.8, 0.95], nulls) == pytest.approx([0.2, 0.2])
    assert false_discovery_rates([0.6], nulls) == pytest.approx([0.6])
    assert false_discovery_rates([], nulls) == []


def test_groups_of_several_methods_are_one_where_they_share_most_members():
    def group(method, members, rate):
        return search.Found(method=method, members=members, level=2, stability=0.8, levels=1,
                            permuted=rate, rotated=rate, replicated=None)  # fmt: skip

    class Outcome:
        def __init__(self, *groups):
            self.groups = groups

    rule = SubtypeSettings().rule
    found = search.candidates(
        [Outcome(group("pca", (1, 2, 3), 0.2)), Outcome(group("ica", (1, 2, 3, 4), 0.01))], rule
    )
    assert [(one.name, one.best.method, one.told_by(0.05)) for one in found] == [
        ("A", "ica", ("ica",))
    ]


def test_survival_and_association_by_hand():
    time = np.arange(1.0, 21)
    inside = time <= 5
    found = survival_of(inside, time, np.ones(20))
    assert found.p < 0.001
    assert found.events == (5, 20)
    labels = np.repeat([0, 1], 10)
    v, chance, p = cramers_v(labels, labels, 0)
    assert 0 < chance < 0.4
    assert v == pytest.approx(1)
    assert p < 0.01
    rows = pd.DataFrame(
        {"t": ["1", "2", ""], "e": ["1", "2", ""], "c": ["0:LIVING", "1:DECEASED", ""]}
    )
    assert survival_columns(rows, "t,e")[1][:2].tolist() == [0, 1]
    assert survival_columns(rows, "t,c")[1][:2].tolist() == [0, 1]


def odd(path, values, change):
    """Write expression changed in one way, and return what the command is told beside it."""
    if change == "few":
        table(values[:8], path)
    elif change == "two names":
        table(values, path)
        path.write_text(path.read_text().replace("S03", "S04", 1))
    elif change == "square":
        table(values[:60, :60], path)
        path.write_text(path.read_text().replace("gene", "name", 1))
    elif change == "words":
        path.write_text("gene,a,b\nG1,x,y\nG2,z,w\n")
    elif change == "negative counts":
        table(values - 9, path)
        return ("--scale", "counts")
    elif change == "cells":
        values = np.random.default_rng(0).normal(size=(5001, 10)).round(2)
        table(values, path)
    elif change == "one column":
        path.write_text("gene\nG1\n")
    return ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("few", "has 8 samples that can be used; a search for subtypes needs at least 20"),
        ("two names", "has several samples of one name (S04)"),
        ("square", "say which are samples with --samples rows or --samples columns"),
        ("words", "holds no column of numbers"),
        ("negative counts", "holds values below zero, which no counts values are"),
        ("cells", "look like cells"),
        ("one column", "has one column"),
    ],
)
def test_a_table_that_cannot_be_searched_is_refused_in_a_sentence(
    knockwise, tmp_path, change, said
):
    more = odd(path := tmp_path / "odd.csv", planted(), change)
    told = knockwise("subtypes", path, *more)
    assert told.exit_code == 2, told.output
    assert said in " ".join(told.stderr.split())


def test_odd_values_are_mended_and_told(tmp_path):
    from tools.subtypes.matrix import read_expression

    values = np.round(2 ** planted()[:30])
    values[1] = values[0]
    frame = pd.DataFrame(values.T, columns=[f"0{i:02}" for i in range(30)])
    frame.insert(0, "Geneid", [f"ENSG{i}" for i in range(GENES)])
    frame.insert(1, "Length", 1000)
    frame.insert(2, "gene_name", [f"G{i}" for i in range(GENES)])
    frame.iloc[3, 3:] = 0
    frame.iloc[5, 5:25] = None
    frame = frame.astype({"007": object})
    frame.loc[7, "007"] = "n.d."
    path = tmp_path / "counts.tsv"
    frame.to_csv(path, sep="\t", index=False)
    found = read_expression(path)
    said = " ".join(found.notes)
    assert found.samples[0] == "000"
    assert "001" not in found.samples
    assert found.genes[0] == "G0"
    assert found.values.shape == (29, GENES - 2)
    for part in ("1 cells are no numbers", "Length", "are counts", "1 genes are the same",
                 "1 genes lack more than a fifth", "1 samples repeat",
                 "1 missing values"):  # fmt: skip
        assert part in said


def test_samples_are_rows_where_their_table_says_so(tmp_path):
    from tools.subtypes.matrix import read_expression
    from tools.subtypes.samples import aligned, names_in

    frame = pd.DataFrame(planted()[:, :SAMPLES], index=[f"TCGA.A{i}" for i in range(SAMPLES)])
    frame.to_csv(tmp_path / "pcs.csv")
    rows = pd.DataFrame({"id": [f"TCGA.A{i}" for i in range(SAMPLES)], "sex": "f"}, dtype=str)
    found = read_expression(tmp_path / "pcs.csv", known=names_in(rows))
    assert found.samples[1] == "TCGA.A1"
    rows["id"] = rows["id"].str.replace(".", "-")
    matched_rows, notes = aligned(rows.iloc[::-1], found.samples, "pheno.csv")
    assert list(matched_rows.columns) == ["sex"]
    assert "'id'" in notes[0]


def test_an_h5ad_of_samples_is_read(tmp_path):
    anndata = pytest.importorskip("anndata")
    from tools.subtypes.matrix import read_expression

    data = anndata.AnnData(planted()[:30])
    data.write_h5ad(tmp_path / "bulk.h5ad")
    assert read_expression(tmp_path / "bulk.h5ad").values.shape == (30, GENES)
