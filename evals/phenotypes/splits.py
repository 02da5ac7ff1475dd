"""Which genes phenotypes are learnt from, chosen on and tested on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import sparse

from knowledge.errors import DataError
from models.genepheno.homology import IDENTITY, Hits, families, search
from models.genepheno.ontology import IntArray, coincidence
from models.genepheno.phenotypes import PhenotypeLabels
from models.genepheno.sequences import Protein

SplitName = Literal["random", "homology", "temporal"]
FOLDS = 5
VALIDATION_PARTS = 8
"""One of so many parts of the genes that are not tested is for validation."""


@dataclass(frozen=True, eq=False, slots=True)
class GeneSplit:
    """The rows that train, validate and test one model; no row is in two of them.

    Attributes:
        name: How the genes were divided.
        fold: Which fold, from 0.
        seed: What a model trained on the split is seeded with.
        train: Rows to learn from.
        validation: Rows to choose epochs, settings and thresholds on.
        test: Rows to be scored on, once.
    """

    name: SplitName
    fold: int
    seed: int
    train: IntArray
    validation: IntArray
    test: IntArray


def random_split(genes: Sequence[str], seed: int, folds: int = FOLDS) -> tuple[GeneSplit, ...]:
    """Return folds of genes drawn at random; relatives of tested genes may be learnt from.

    Args:
        genes: The rows, each gene once: of its orthologues' sequences one stands for it.
        seed: Of everything drawn.
        folds: Parts that the genes are dealt into; each is tested once.

    Raises:
        DataError: There are fewer genes than folds need.
        ValueError: A gene is there twice.
    """
    if len(set(genes)) < len(genes):
        raise ValueError("a gene that is there twice would be tested on itself")
    return _splits("random", np.arange(len(genes)), seed, folds)


def homology_split(
    proteins: Sequence[Protein],
    seed: int,
    folds: int = FOLDS,
    identity: float = IDENTITY,
    hits: Hits | None = None,
) -> tuple[GeneSplit, ...]:
    """Return folds of whole protein families: no tested protein has a relative to learn from.

    Args:
        proteins: The rows.
        seed: Of everything drawn.
        folds: Parts that the families are dealt into.
        identity: Proteins that share at least so many residues over half of the shorter one are
            relatives, and so are the relatives of relatives.
        hits: The proteins' alignments among themselves, if they are at hand: to find them takes
            minutes.

    Raises:
        DataError: There are fewer families than folds need.
    """
    if hits is None:
        sequences = [protein.sequence for protein in proteins]
        hits = search(sequences, sequences)
    if (hits.queries, hits.targets) != (len(proteins), len(proteins)):
        raise ValueError(f"alignments of {hits.queries} proteins, expected {len(proteins)}")
    named = [protein.gene or protein.source for protein in proteins]
    together = _joined(families(hits, identity), named)
    return _splits("homology", together, seed, folds)


def temporal_split(
    old: PhenotypeLabels, new: PhenotypeLabels, seed: int
) -> tuple[PhenotypeLabels, GeneSplit]:
    """Return what was known then, with genes first described since, and the split between them.

    Rows of genes of the old collection have their old labels, and train and validate; rows of genes
    that only the new one has carry its labels, and are tested. The columns are those of the old.

    Args:
        old: Labels of then.
        new: Labels of today, of the same ontology.
        seed: Of the genes drawn for validation.

    Raises:
        DataError: No gene is new.
    """
    known = set(old.genes)
    added = [row for row, gene in enumerate(new.genes) if gene not in known]
    if not added or not known:
        raise DataError(
            f"{new.collection} describes no gene that {old.collection} does not; there is nothing "
            "to test on."
        )
    later = new.taking(np.array(added, np.int64))
    column = {term: number for number, term in enumerate(new.vocabulary.terms)}
    chosen = np.array([column.get(term, -1) for term in old.vocabulary.terms], np.int64)
    propagated = sparse.vstack([old.propagated, _columns(later.propagated, chosen)], format="csr")
    labels = replace(
        old,
        genes=(*old.genes, *later.genes),
        vocabulary=replace(
            old.vocabulary,
            exclusive_rate=coincidence(old.propagated, old.vocabulary.exclusive),
        ),
        direct=sparse.vstack([old.direct, _columns(later.direct, chosen)], format="csr"),
        propagated=propagated,
        tested_negative=np.concatenate([old.tested_negative, later.tested_negative]),
    )
    fold = _dealt(np.arange(len(old)), VALIDATION_PARTS, np.random.default_rng((seed, 0)))
    return labels, GeneSplit(
        name="temporal",
        fold=0,
        seed=seed,
        train=np.flatnonzero(fold != 0),
        validation=np.flatnonzero(fold == 0),
        test=np.arange(len(old), len(labels)),
    )


def _splits(name: SplitName, together: IntArray, seed: int, folds: int) -> tuple[GeneSplit, ...]:
    units = len(np.unique(together))
    least = 2 * max(folds, VALIDATION_PARTS)
    if folds < 2 or units < least:
        raise DataError(
            f"the {name} split finds {units} genes or families; {folds} folds need {least} or "
            "more, and at least 2 folds."
        )
    outer = _dealt(together, folds, np.random.default_rng((seed, 0)))
    found = []
    for fold in range(folds):
        rest = np.flatnonzero(outer != fold)
        inner = _dealt(together[rest], VALIDATION_PARTS, np.random.default_rng((seed, 1 + fold)))
        found.append(
            GeneSplit(
                name=name,
                fold=fold,
                seed=seed + fold,
                train=rest[inner != 0],
                validation=rest[inner == 0],
                test=np.flatnonzero(outer == fold),
            )
        )
    return tuple(found)


def _dealt(together: IntArray, parts: int, rng: np.random.Generator) -> IntArray:
    """Return the part of each row: groups whole, the largest first, each to the emptiest part."""
    _, group, size = np.unique(together, return_inverse=True, return_counts=True)
    shuffled = rng.permutation(len(size))
    held = np.zeros(parts, np.int64)
    part = np.zeros(len(size), np.int64)
    for number in shuffled[np.argsort(-size[shuffled], kind="stable")]:
        emptiest = np.flatnonzero(held == held.min())
        part[number] = rng.choice(emptiest)
        held[part[number]] += size[number]
    return part[group]


def _joined(family: IntArray, names: Sequence[str]) -> IntArray:
    """Return families such that proteins of one gene, such as orthologues, share theirs."""
    by_name: dict[str, int] = {}
    first = np.array([by_name.setdefault(name, row) for row, name in enumerate(names)], np.int64)
    joined = np.arange(family.max(initial=-1) + 1)
    for one, other in zip(family, family[first], strict=True):
        mine, theirs = joined[one], joined[other]
        if mine != theirs:
            joined[joined == mine] = theirs
    return joined[family]


def _columns(matrix: sparse.csr_array, chosen: IntArray) -> sparse.csr_array:
    """Return these columns of a matrix, empty ones where the number is -1."""
    kept = np.flatnonzero(chosen >= 0)
    places = sparse.csr_array(
        (np.ones(len(kept), np.int32), (chosen[kept], kept)),
        shape=(matrix.shape[1], len(chosen)),
    )
    picked: sparse.csr_array = (matrix.astype(np.int32) @ places).astype(bool).tocsr()
    return picked
