"""Ranks of true causes and shares of explained genes, on cases worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from evals.harness.page import Record
from evals.harness.scores import Results, Score
from evals.lists.page import BENCHMARK
from evals.lists.ranks import joined_atlas, mates
from knowledge.graph import Group, SignedGraph
from tools.lists.atlas import Atlas, PartHead
from tools.lists.causes import Scores, rank_of, standardised


def scores(**parts):
    return Scores(("A", "B", "C"), {name: np.array(values) for name, values in parts.items()})


def test_the_rank_is_that_of_the_best_of_those_wanted():
    found = scores(predicted=[1.0, 3.0, 2.0])
    joined = found.joined({"predicted": 1.0})
    assert rank_of(found, joined, ["A"]) == 3
    assert rank_of(found, joined, ["A", "C"]) == 2
    assert rank_of(found, joined, ["D"]) == 0


def test_a_part_that_does_not_know_a_candidate_leaves_it_at_the_mean():
    assert standardised(np.array([1.0, np.nan, 3.0])).tolist() == pytest.approx([-1, 0, 1])
    found = scores(predicted=[1.0, np.nan, 3.0], measured=[0.0, 9.0, 0.0])
    joined = found.joined({"predicted": 1.0, "measured": 1.0})
    assert rank_of(found, joined, ["B"]) == 1


def test_members_of_a_complex_are_mates_and_those_of_a_large_one_are_not():
    large = tuple(f"G{i}" for i in range(80))
    groups = [
        Group(name="small", kind="complex", members=("A", "B")),
        Group(name="large", kind="complex", members=("A", *large)),
        Group(name="process", kind="process", members=("A", "C")),
    ]
    assert mates(SignedGraph([], groups))["A"] == {"A", "B"}


def test_rivals_are_the_shipped_parts_without_a_screened_gene():
    def part(name, *genes):
        return Path(name), PartHead(format=1, response="v", perturbations=genes)

    held_out = Atlas(Path("a"), "held out", {"K562": [part("held", "A", "B")]})
    shipped = Atlas(Path("b"), "v", {"K562": [part("mixed", "B", "X"), part("others", "Y")]})
    assert joined_atlas(held_out, shipped, "K562").perturbations("K562") == ("A", "B", "Y")


def test_the_page_tells_explained_shares_and_ranks_by_line():
    found = [
        Score("changed", "reached", 0.1, task="explain", cell_line="K562"),
        Score("all parts", "complex in first ten", 0.5, task="who", cell_line="K562"),
        Score("predicted 1", "complex in first ten", 0.4, task="weights"),
    ]
    results = Results.of("lists", found)
    settings = {"seed": 0, "folds": 5, "least": 50}
    config = {"settings": settings, "commit": "0" * 40, "data": {}, "code": {}}
    timing = {"seconds": {"who": 60.0}, "peak_memory_mib": 100.0}
    text = BENCHMARK.page(Record(results, config, timing)).markdown()
    assert "K562" in text
    assert "0.500" in text
    assert "explained" in text.casefold()
