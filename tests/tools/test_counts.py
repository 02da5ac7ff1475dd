"""From counts to what changed: readings, designs, refusals and the test, on counts made here."""

import numpy as np
import pandas as pd
import pytest

from knowledge.errors import QuestionError
from knowledge.schema import Gene
from knowledge.symbols import SymbolTable
from tools.counts.checks import check_samples
from tools.counts.contrast import Wanted
from tools.counts.design import designed, joined, read_samples, sample_names
from tools.counts.differential import differential
from tools.counts.matrix import CountTable, read_counts
from tools.counts.raw import raw_counts
from tools.counts.reading import grounded

pytest.importorskip("formulaic")
GENES = ["XIST", "RPS4Y1", "DDX3Y", "DDIT3", "LDLR"]


def world(samples=6, genes=60, seed=0, fold=8.0):
    """Counts of two groups of three; gene G0 is raised in the treated ones."""
    rng = np.random.default_rng(seed)
    base = rng.gamma(3.0, 60.0, genes) + 20
    counts = rng.poisson(np.outer(base, rng.uniform(0.8, 1.2, samples)) + 1)
    counts = rng.negative_binomial(20, 20 / (20 + counts))
    half = samples // 2
    counts[0, half:] = (counts[0, half:] + 5) * fold
    names = [f"c{i}" for i in range(half)] + [f"t{i}" for i in range(samples - half)]
    return pd.DataFrame(counts, [f"G{i}" for i in range(genes)], names)


def sheet(counts, **more):
    groups = ["control" if name.startswith("c") else "treated" for name in counts.columns]
    return pd.DataFrame({"group": groups, **more}, index=list(counts.columns))


def test_a_table_with_samples_in_rows_is_turned_round_and_says_so(tmp_path):
    counts = world()
    counts.T.to_csv(tmp_path / "turned.csv")
    read = read_counts(tmp_path / "turned.csv", list(counts.columns))
    assert read.counts.shape == counts.shape
    assert "stand in rows" in read.notes[0]


def test_featurecounts_loses_its_columns_of_places_and_its_paths(tmp_path):
    lines = [
        "# Program:featureCounts v2.0.3; Command: x",
        "Geneid\tChr\tStart\tEnd\tStrand\tLength\t/data/c0.sorted.bam\t/data/t0.sorted.bam",
        "ENSG00000000003\tX;X\t1;2\t3;4\t-;-\t2968\t5\t7",
        "ENSG00000000005\tX\t1\t3\t+\t1610\t0\t1",
    ]
    (tmp_path / "fc.txt").write_text("\n".join(lines) + "\n")
    read = read_counts(tmp_path / "fc.txt")
    assert list(read.counts.columns) == ["c0", "t0"]
    assert read.counts.loc["ENSG00000000003"].tolist() == [5, 7]
    assert read.description == "a table of featureCounts"


def test_the_design_is_joined_by_whichever_column_names_the_samples(tmp_path):
    counts = world()
    (tmp_path / "design.csv").write_text(
        "who,name,group\n" + "".join(f"p{i},{n},{n[0]}\n" for i, n in enumerate(counts.columns))
    )
    samples = read_samples(tmp_path / "design.csv")
    assert "c0" in sample_names(samples)
    table, ordered, _ = joined(CountTable(counts, "x", "a table"), samples)
    assert list(ordered.index) == list(table.counts.columns)
    with pytest.raises(QuestionError, match="has no counts of c0"):
        joined(CountTable(counts.drop(columns="c0"), "x", "a table"), samples)


@pytest.mark.parametrize("words", [
    "treated against control", "treated vs control", "group: treated - control", "treated",
    "group", "group,treated,control", None,
])  # fmt: skip
def test_a_contrast_is_read_in_words(words):
    design = designed(sheet(world()), Wanted(contrast=words))
    assert (design.column, design.test, design.reference) == ("group", "treated", "control")
    assert design.coefficient == "group[T.treated]"


def test_pairs_are_found_and_can_be_refused():
    samples = sheet(world(), patient=["a", "b", "c"] * 2)
    design = designed(samples, Wanted())
    assert (design.formula, design.pairs) == ("~ patient + group", "patient")
    assert designed(samples, Wanted(pair="")).formula == "~ group"


@pytest.mark.parametrize(("samples", "wanted", "said"), [
    ({"batch": ["1"] * 3 + ["2"] * 3}, Wanted(contrast="group", batch=("batch",)),
     "group and batch are confounded: every control sample is of batch 1"),
    ({}, Wanted(contrast="treated against nothing"), "No column of the design has both"),
    ({}, Wanted(formula="~ dose"), "does not name group"),
    ({"one": list("abcdef")}, Wanted(contrast="group", batch=("one",)), "confounded"),
])  # fmt: skip
def test_a_design_that_cannot_answer_is_refused_in_a_sentence(samples, wanted, said):
    with pytest.raises(QuestionError, match=said):
        designed(sheet(world(), **samples), wanted)


def test_one_sample_a_group_is_refused():
    with pytest.raises(QuestionError, match="without replicates nobody can tell"):
        designed(sheet(world(samples=2)), Wanted())


@pytest.mark.parametrize(("change", "said"), [
    (lambda c: np.log2(c + 1.0), "looks log-transformed"),
    (lambda c: c / c.sum() * 1e6, "looks like CPM or TPM"),
    (lambda c: c.sub(c.mean(axis=1), axis=0), "negative values"),
    (lambda c: c * 0, "nothing but zeros"),
    (lambda c: c * 1.37, "look like FPKM"),
])  # fmt: skip
def test_what_is_no_count_is_refused_by_what_it_looks_like(change, said):
    with pytest.raises(QuestionError, match=said):
        raw_counts(CountTable(change(world()), "x.csv", "a table"))


def test_estimated_counts_are_rounded_and_that_is_said():
    counts = world() * 1e4 + 0.4
    table, notes = raw_counts(CountTable(counts, "x.csv", "a table"))
    assert (table.counts == counts.round()).all(axis=None)
    assert "estimated counts" in notes[0]


def with_sex(counts, female):
    rows = {gene: [0] * counts.shape[1] for gene in GENES[:3]}
    for at, sample in enumerate(counts.columns):
        rows["XIST"][at] = 300 if sample in female else 0
        rows["RPS4Y1"][at] = rows["DDX3Y"][at] = 0 if sample in female else 300
    return pd.concat([counts, pd.DataFrame(rows, index=counts.columns).T])


def test_swapped_labels_are_seen_by_the_sex_genes():
    counts = with_sex(world(), {"c0", "t1"})
    samples = sheet(counts, sex=["f", "m", "m", "f", "m", "m"])
    found = check_samples(counts, list(counts.index), designed(samples, Wanted(contrast="group")))
    texts = [one.text for one in found.checks if one.name == "sex"]
    assert any("t0 (female by the design)" in text and "t1" in text for text in texts)
    paired = sheet(counts, patient=["a", "b", "c"] * 2)
    found = check_samples(counts, list(counts.index), designed(paired, Wanted(contrast="group")))
    assert any("not of one person" in one.text for one in found.checks)


def test_a_sample_that_looks_like_the_other_group_is_told():
    counts = world(samples=12, genes=40, fold=1)
    counts.iloc[:15, 6:] *= 20
    counts = counts.rename(columns={"c0": "t5", "t5": "c0"})
    design = designed(sheet(counts), Wanted())
    found = check_samples(counts, list(counts.index), design)
    swapped = next(one for one in found.checks if one.name == "swapped label")
    assert set(swapped.samples) == {"c0", "t5"}


def test_the_test_finds_the_gene_that_was_raised_and_shrinks_its_fold():
    pytest.importorskip("pydeseq2")
    counts = world()
    found = differential(counts, designed(sheet(counts), Wanted()), jobs=1)
    first = found.table.iloc[0]
    assert (first["gene"], first["call"]) == ("G0", "up")
    assert 2 < first["log2_fold_change"] < 4
    assert abs(first["shrunken"]) <= abs(first["log2_fold_change"]) + 0.1
    assert (found.table["call"].iloc[1:] != "up").mean() > 0.9


def test_mouse_genes_are_tested_as_they_are_and_read_as_human_with_a_warning():
    symbols = SymbolTable([Gene(symbol="ACTB"), Gene(symbol="TP53")])
    found, notes = grounded(["Actb", "Trp53", "Gm1234"], symbols, lambda: {"Trp53": "TP53"})
    assert found == ["ACTB", "TP53", ""]
    assert notes[0].startswith("These are mouse genes")
    assert grounded(["ACTB"], symbols, dict) == (["ACTB"], [])


def test_a_batch_that_is_the_contrast_is_told_even_where_it_is_not_in_the_formula():
    counts = world()
    samples = sheet(counts, plate=["1"] * 3 + ["2"] * 3)
    found = check_samples(counts, list(counts.index), designed(samples, Wanted(contrast="group")))
    assert any("plate splits the samples exactly as group does" in c.text for c in found.checks)


def test_a_perturbed_gene_that_rises_suggests_swapped_groups():
    counts = world()
    found = check_samples(counts, list(counts.index), designed(sheet(counts), Wanted()), ["G0"])
    assert any("higher where it should be lost" in check.text for check in found.checks)
