"""What the set model may learn from: set labels as further readouts of K562, beside the gene rows.

A set's label comes from the same screen as K562's gene rows. So when a perturbation is held out or
tested, its own K562 rows are hidden with its set labels; `strict` hides its rows in all lines.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from evals.genesets.labels import hidden_perturbations, read_members, training_rows
from knowledge.progress import Progress
from knowledge.sources.genes import protein_coding, read_symbols
from models.inputs import annotations
from models.inputs.screens import (
    CELL_LINES,
    UNKNOWN,
    IntArray,
    Rows,
    Screens,
    Setting,
    held_out,
    read_training,
)
from models.response.features import GeneFacts
from models.response.field import FloatArray
from models.response.similarity import Kin, Relatives, kin_of, relatives

K562 = CELL_LINES.index("K562")
READOUTS = 1500
"""Gene readouts kept: the sets' members and the most measured others. All 10,440 take three times
as long for hardly more (AUROC of the best single feature for the direction, two folds of training
perturbations: .879 with members alone, .889 with 1,500, .896 with all)."""


@dataclass(frozen=True, slots=True)
class World:
    """Gene rows of all lines and set rows of K562, over one vocabulary.

    Attributes:
        sets: Names of the sets with labels.
        perturbations: Approved symbols of every gene perturbed in a row or asked about.
        genes: Training rows of the four screens.
        labels: Training rows of the sets; readout `n_readouts + i` is `sets[i]`.
        tested: Indices of the perturbations of the test split.
        similarity: What is known of two perturbations' likeness `(perturbations, perturbations)`.
        perturbed: Index of each perturbation in `facts`.
        readouts: Index of each readout, genes then sets, in `facts`.
        facts: What is known of each gene; a set's are the means of its members.
        kin: How alike perturbations and readouts are; a set's are the means of its members.
        members: Weight of each gene readout in each set `(gene readouts, sets)`; columns sum to 1.
    """

    sets: tuple[str, ...]
    perturbations: tuple[str, ...]
    genes: Rows
    labels: Rows
    tested: IntArray
    similarity: FloatArray
    perturbed: IntArray
    readouts: IntArray
    facts: GeneFacts
    kin: Kin
    members: FloatArray

    @property
    def n_readouts(self) -> int:
        """Return the number of gene readouts."""
        return len(self.members)

    def visible(self, setting: Setting, hidden: IntArray) -> Rows:
        """Return every row that a model may see when the perturbations `hidden` are predicted.

        The test perturbations are hidden always.
        """
        away = np.union1d(hidden, self.tested)
        return joined(
            self.genes.take(~held_out(self.genes, setting, K562, away)),
            self.labels.take(~np.isin(self.labels.pert, away)),
        )


def read_world(root: Path, progress: Progress) -> World:
    """Read everything but test labels.

    Raises:
        DataError: A file is missing.
    """
    progress("reading symbols, screens and sets", 0.0)
    symbols = read_symbols(root)
    members = read_members(root, symbols)
    rows = training_rows(root, symbols)
    tested = hidden_perturbations(root, symbols)
    needed = {gene for name in set(rows.gene) for gene in members[name]}
    screens = narrowed(read_training(root, symbols), needed, READOUTS)
    screens = screens.with_perturbations({*rows.pert, *tested})
    known = protein_coding(root)
    vocabulary = tuple(sorted({*screens.perturbations, *screens.readouts, *known}))
    progress("reading what is known of the genes", 0.02)
    facts = GeneFacts(
        annotations.baseline(root, vocabulary, symbols),
        annotations.essentiality(root, vocabulary, symbols),
    )
    families = annotations.annotations(root, vocabulary, symbols)
    perturbed = pd.Index(vocabulary).get_indexer(pd.Index(screens.perturbations)).astype(np.int64)
    progress("relating genes to perturbations", 0.05)
    related = relatives(families, perturbed)
    return build_world(screens, rows, tested, members, related, vocabulary, facts)


def build_world(
    screens: Screens,
    rows: pd.DataFrame,
    tested: frozenset[str],
    members: Mapping[str, tuple[str, ...]],
    related: Relatives,
    vocabulary: tuple[str, ...],
    facts: GeneFacts,
) -> World:
    """Return the world of what was read; see `read_world` and `World`.

    Raises:
        ValueError: A test perturbation has a training label.
    """
    if both := sorted(tested & set(rows.pert)):
        raise ValueError(f"{both[0]} is a test perturbation with training labels")
    sets = tuple(sorted(set(rows.gene)))
    perts, at = pd.Index(screens.perturbations), pd.Index(vocabulary)
    n_readouts = len(screens.readouts)
    weights = np.zeros((n_readouts, len(sets)), np.float32)
    for column, name in enumerate(sets):
        found = pd.Index(screens.readouts).get_indexer(pd.Index(members[name]))
        weights[found[found >= 0], column] = 1
    weights /= np.maximum(weights.sum(0), 1)
    readouts = at.get_indexer(pd.Index(screens.readouts)).astype(np.int64)
    labels = Rows(
        line=np.full(len(rows), K562),
        pert=perts.get_indexer(pd.Index(rows.pert)).astype(np.int64),
        readout=n_readouts + pd.Index(sets).get_indexer(pd.Index(rows.gene)).astype(np.int64),
        de=rows.de.to_numpy(np.int64),
        up=rows.up.to_numpy(np.int64),
    )
    perturbed = at.get_indexer(perts).astype(np.int64)
    return World(
        sets=sets,
        perturbations=screens.perturbations,
        genes=screens.rows,
        labels=labels,
        tested=np.sort(perts.get_indexer(pd.Index(sorted(tested)))).astype(np.int64),
        similarity=related.between(perturbed),
        perturbed=perturbed,
        readouts=np.r_[readouts, len(vocabulary) + np.arange(len(sets))],
        facts=GeneFacts(
            np.vstack([facts.baseline, _means(facts.baseline[readouts], weights)]),
            np.vstack([facts.essential, _means(facts.essential[readouts], weights)]),
        ),
        kin=_with_sets(kin_of(related, readouts, len(perts)), weights),
        members=weights,
    )


def narrowed(screens: Screens, needed: Set[str], most: int) -> Screens:
    """Return the rows of `needed` readouts and of the most measured others, `most` in all."""
    count = np.bincount(screens.rows.readout, minlength=len(screens.readouts))
    first = np.array([name in needed for name in screens.readouts])
    order = np.lexsort((-count, ~first))[: max(most, int(first.sum()))]
    kept = np.sort(order)
    place = np.full(len(count), UNKNOWN)
    place[kept] = np.arange(len(kept))
    rows = screens.rows.take(place[screens.rows.readout] != UNKNOWN)
    return replace(
        screens,
        rows=replace(rows, readout=place[rows.readout]),
        readouts=tuple(screens.readouts[i] for i in kept),
    )


def joined(*parts: Rows) -> Rows:
    """Return the rows of all parts, in order."""
    return Rows(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Rows)))


def _with_sets(kin: Kin, weights: FloatArray) -> Kin:
    """Return the kinship of readouts followed by that of sets."""
    both = [
        sparse.hstack([part, part @ sparse.csr_array(weights)]) for part in (kin.direct, kin.unit)
    ]
    return Kin(*(part.tocsr().astype(np.float32) for part in both))


def _means(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return each set's mean over its members that were measured; nan where none was."""
    known = np.isfinite(values).astype(np.float32)
    total, weight = weights.T @ np.nan_to_num(values), weights.T @ known
    out = np.full(total.shape, np.nan, np.float32)
    np.divide(total, weight, out=out, where=weight > 0)
    return out
