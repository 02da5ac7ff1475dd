"""Repeated stratified folds with an inner validation split."""

import numpy as np
import pytest

from knowledge.errors import DataError
from models.genen.labels import LabelAudit, PropertyTask, read_tasks
from models.genen.splits import repeated_splits
from models.genen.texts import gene_texts, same_text_groups


def task_of(labels, kind="binary", classes=("no", "yes")):
    labels = np.asarray(labels)
    genes = tuple(f"G{i:05d}" for i in range(len(labels)))
    return PropertyTask("solubility", kind, "made up", genes, labels, classes, False, LabelAudit(0))


@pytest.fixture
def binary():
    return task_of([1] * 40 + [0] * 110)


def same(one, other):
    return all(
        np.array_equal(getattr(a, part), getattr(b, part))
        for a, b in zip(one, other, strict=True)
        for part in ("train", "validation", "test")
    )


def test_no_gene_is_in_two_parts_of_a_split_and_none_is_left_out(binary):
    for split in repeated_splits(binary):
        parts = np.concatenate([split.train, split.validation, split.test])
        assert sorted(parts.tolist()) == list(range(150))


def test_each_repeat_tests_every_gene_once_and_deals_anew(binary):
    splits = repeated_splits(binary, repeats=3)
    assert [(s.repeat, s.fold) for s in splits] == [(r, f) for r in range(3) for f in range(5)]
    for repeat in range(3):
        tested = np.concatenate([s.test for s in splits if s.repeat == repeat])
        assert sorted(tested.tolist()) == list(range(150))
    assert not np.array_equal(splits[0].test, splits[5].test)


def test_classes_have_equal_shares_in_every_part(binary):
    for split in repeated_splits(binary):
        for rows in (split.train, split.validation, split.test):
            assert binary.labels[rows].mean() == pytest.approx(40 / 150, abs=0.03)
        assert (len(split.test), len(split.validation)) == (30, 24)


def test_one_seed_gives_one_set_of_splits_and_another_seed_another(binary):
    assert same(repeated_splits(binary, seed=4), repeated_splits(binary, seed=4))
    assert not same(repeated_splits(binary, seed=4), repeated_splits(binary, seed=5))
    assert len({split.seed for split in repeated_splits(binary)}) == 25


def test_more_repeats_leave_the_first_as_they_were(binary):
    assert same(repeated_splits(binary, repeats=2), repeated_splits(binary, repeats=5)[:10])


def test_values_are_dealt_so_that_every_fold_has_low_and_high_ones():
    rng = np.random.default_rng(0)
    task = task_of(rng.exponential(size=500).astype(np.float32), "regression", ())
    means = [task.labels[split.test].mean() for split in repeated_splits(task)]
    assert np.std(means) < 0.06  # at random it is 0.1


def test_combinations_of_labels_have_equal_shares_and_rare_ones_do_no_harm():
    labels = [[0, 0]] * 100 + [[0, 1]] * 50 + [[1, 1]] * 47 + [[1, 0]] * 3
    task = task_of(labels, "multilabel", ("a", "b"))
    for split in repeated_splits(task):
        assert task.labels[split.test].mean(axis=0) == pytest.approx([0.25, 0.485], abs=0.06)


def test_genes_of_one_group_stay_together_in_every_part():
    rng = np.random.default_rng(0)
    groups = np.concatenate([np.repeat(np.arange(20), 10), np.arange(20, 320)])
    labels = rng.integers(0, 2, 500)
    task = task_of(labels)
    for split in repeated_splits(task, groups=groups):
        parts = [set(groups[rows]) for rows in (split.train, split.validation, split.test)]
        assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
        assert len(split.test) == pytest.approx(100, abs=2)
        assert labels[split.test].mean() == pytest.approx(labels.mean(), abs=0.02)
    tested = np.concatenate([s.test for s in repeated_splits(task, repeats=1, groups=groups)])
    assert sorted(tested.tolist()) == list(range(500))


def test_a_class_smaller_than_the_folds_is_an_error_that_names_it():
    with pytest.raises(DataError, match=r"yes \(4\)"):
        repeated_splits(task_of([1] * 4 + [0] * 50))


def test_too_few_genes_or_groups_are_an_error():
    with pytest.raises(DataError, match="8 genes"):
        repeated_splits(task_of([0, 1] * 4), folds=2)
    with pytest.raises(DataError, match="3 groups"):
        repeated_splits(task_of([0, 1] * 30), groups=np.arange(60) % 3)
    with pytest.raises(ValueError, match="each of 60 genes"):
        repeated_splits(task_of([0, 1] * 30), groups=[1, 2])


def test_a_class_as_small_as_the_folds_is_tested_in_each():
    task = task_of([1] * 5 + [0] * 95)
    assert all(task.labels[split.test].sum() == 1 for split in repeated_splits(task))


@pytest.mark.data
def test_every_real_task_can_be_split_with_one_text_in_one_part(data_mirror):
    tasks = read_tasks(data_mirror)
    texts = gene_texts(data_mirror, {gene: None for task in tasks for gene in task.genes})
    of = {text.symbol: text for text in texts}
    for task in tasks:
        groups = same_text_groups([of[gene] for gene in task.genes])
        for split in repeated_splits(task, repeats=1, groups=groups):
            assert not set(groups[split.train]) & set(groups[split.test])
            assert not set(groups[split.train]) & set(groups[split.validation])
            if task.kind == "binary":
                for rows in (split.train, split.validation, split.test):
                    assert 0.15 < task.labels[rows].mean() < 0.85, task.name
            assert len(split.test) == pytest.approx(len(task) / 5, rel=0.1, abs=2)
