"""Agreement with a reference, and altered sentences, on cases worked out by hand."""

import pandas as pd
import pytest

from evals.analyse.page import BENCHMARK
from evals.analyse.score import agreement, altered, sentence_scores
from evals.harness.page import Record
from evals.harness.scores import Results
from tools.counts.facts import Fact, Facts

FACTS = Facts(
    {"gene CA9": Fact(frozenset(["CA9"]), (5.5, 46.0), 1), "gene UMOD": Fact(frozenset(["UMOD"]))},
    frozenset(["CA9", "UMOD"]),
)
TEXT = "CA9 is 46-fold higher in T9 (log2 fold change 5.50) [gene CA9]."


def test_agreement_is_that_of_genes_that_both_tested():
    mine = pd.DataFrame(
        {"id": list("abcd"), "log2_fold_change": [1.0, 2.0, 3.0, 9.0], "stat": [3.0, 2.0, 4.0, 1],
         "pvalue": [0.001] * 4, "padj": [0.01, 0.01, 0.01, 0.01]}
    )  # fmt: skip
    theirs = pd.DataFrame(
        {"ensembl_gene_id": list("abc"), "log2FoldChange": [1.0, 2.0, 3.0],
         "stat": [3.0, 2.0, 4.0], "pvalue": [0.001] * 3, "padj": [0.01, 0.2, 0.2]}
    )  # fmt: skip
    found = {one.measure: one.value.value for one in agreement("x", mine, theirs, 0.05, 0, 50)}
    assert found["genes that both tested"] == 3
    assert found["r of log2 fold changes"] == pytest.approx(1)
    assert found["rank agreement of the size of statistics"] == pytest.approx(1)
    assert found["Jaccard of significant genes"] == pytest.approx(1 / 3)


def test_every_way_of_altering_a_sentence_is_noticed():
    found = dict(altered(TEXT, FACTS, 0))
    assert set(found) == {"wrong number", "wrong direction", "another gene"}
    assert not any(FACTS.check(text).confirmed for text in found.values())
    assert "UMOD" in found["another gene"]


def test_the_page_tells_shares_of_sentences():
    rows = pd.DataFrame(
        {"part": "findings", "how": ["as written", "as written", "wrong number"],
         "confirmed": [True, True, False]}
    )  # fmt: skip
    scores = list(sentence_scores("airway", rows))
    record = Record(
        Results.of("analyse", scores),
        {"settings": {"seed": 0}, "commit": "x", "data": {}, "code": {}},
        {"seconds": {}, "peak_memory_mib": 0},
    )
    text = BENCHMARK.page(record).markdown()
    assert "1.000 of 2" in text
    assert "refused" in text
