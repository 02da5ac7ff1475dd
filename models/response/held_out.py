"""What every training row looks like to a model that never saw its fold."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.files import replacing
from knowledge.progress import Progress
from models.inputs.screens import IntArray, Rows, folds
from models.response.corpus import Corpus
from models.response.features import TASKS, FittedEvidence, fit_evidence, planes
from models.response.field import N_LINES, FieldSettings, FloatArray
from models.response.query import Query
from models.response.settings import TrainingSettings
from models.response.signed_sets import fit_sets
from models.response.similarity import kin_of, similarity_to
from models.threads import one_blas_thread

# Perturbed genes whose features over all readouts are held in memory together.
AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out features and scores of every training row.

    Attributes:
        fold: Fold of each row.
        features: `(rows, features)`, each made without the row's fold.
        names: Names of the features.
        changed: Raw score of P(DE), from trees that saw other folds only.
        up: Raw score of P(up | DE), nan where a row is unchanged.
    """

    fold: IntArray
    features: FloatArray
    names: tuple[str, ...]
    changed: NDArray[np.float64]
    up: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """What is asked: each entry is a perturbed gene, a readout and a line.

    Attributes:
        line: Index into the cell lines.
        gene: Index of the perturbed gene in the vocabulary of genes.
        readout: Index of the readout in the vocabulary of readouts.
    """

    line: IntArray
    gene: IntArray
    readout: IntArray


def pairs_of(rows: Rows, corpus: Corpus) -> Pairs:
    """Return what `rows` ask, without their labels."""
    return Pairs(rows.line, corpus.vocabulary.perturbations[rows.pert], rows.readout)


def fit_to(
    rows: Rows,
    corpus: Corpus,
    similarity: FloatArray,
    rank: int,
    hidden: Rows | None = None,
) -> FittedEvidence:
    """Fit the evidence behind the features to `rows`.

    Args:
        rows: The rows that may be seen.
        corpus: Gives the vocabulary and, in `extended`, the signed sets.
        similarity: Between perturbations.
        rank: Number of response factors.
        hidden: Rows whose perturbations' sets, in the rows' lines, may not be seen either.
    """
    settings = dict.fromkeys(TASKS, FieldSettings(rank=rank))
    evidence = fit_evidence(rows, similarity, len(corpus.vocabulary.readouts), settings)
    if corpus.sets is None:
        return evidence
    sets = corpus.sets if hidden is None else corpus.sets.without(hidden.line, hidden.pert)
    return replace(evidence, sets=fit_sets(sets))


@one_blas_thread()
def pair_features(
    pairs: Pairs, evidence: FittedEvidence, corpus: Corpus, similarity: FloatArray
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the features of `pairs` and their names.

    Args:
        pairs: What is asked.
        evidence: What was fitted.
        corpus: Gives what is known of the genes.
        similarity: Between perturbations `(perturbations, perturbations)`.
    """
    vocabulary = corpus.vocabulary
    own = np.full(len(vocabulary.genes), -1)
    own[vocabulary.perturbations] = np.arange(len(vocabulary.perturbations))
    kin = kin_of(corpus.relatives, vocabulary.readouts, len(similarity))
    table: FloatArray | None = None
    names: tuple[str, ...] = ()
    for here in _blocks(pairs):
        line = int(pairs.line[here[0]])
        genes, which = np.unique(pairs.gene[here], return_inverse=True)
        alike = similarity_to(corpus.relatives, similarity, genes, own[genes])
        query = Query(line, genes, own[genes], alike)
        nothing = np.zeros_like(which)
        columns = {}
        for name, plane in planes(query, evidence, corpus.facts, vocabulary.readouts, kin):
            at = (
                which if plane.shape[0] > 1 else nothing,
                pairs.readout[here] if plane.shape[1] > 1 else nothing,
            )
            columns[name] = plane[at].astype(np.float32)
        if table is None:
            names = tuple(columns)
            table = np.empty((len(pairs.line), len(columns)), np.float32)
        table[here] = np.column_stack(list(columns.values()))
    if table is None:
        raise ValueError("no rows")
    return table, names


def _blocks(pairs: Pairs) -> Iterator[IntArray]:
    """Yield the numbers of the pairs of one line and of at most `AT_ONCE` perturbed genes."""
    for line in range(N_LINES):
        here = np.flatnonzero(pairs.line == line)
        genes, which = np.unique(pairs.gene[here], return_inverse=True)
        for start in range(0, len(genes), AT_ONCE):
            yield here[(which >= start) & (which < start + AT_ONCE)]


def held_out_features(
    corpus: Corpus,
    rows: Rows,
    run: TrainingSettings,
    cache: Path | None,
    progress: Progress,
) -> tuple[IntArray, FloatArray, tuple[str, ...]]:
    """Return each row's fold and its features from all other folds.

    Args:
        corpus: What to train on.
        rows: Those of its rows that may be seen.
        run: Setting, seed and number of folds.
        cache: Folder in which finished folds are kept for a resumed run.
        progress: Told before each fold.
    """
    fold = folds(rows, run.setting, run.folds, np.random.default_rng(run.seed))
    similarity = corpus.relatives.between(corpus.vocabulary.perturbations)
    table: FloatArray | None = None
    names: tuple[str, ...] = ()
    for k in range(run.folds):
        progress(f"held-out features, fold {k + 1} of {run.folds}", 0.08 + 0.6 * k / run.folds)
        path = cache / f"fold-{k}.npz" if cache else None
        if path and path.is_file():
            with np.load(path, allow_pickle=False) as stored:
                part, names = stored["features"], tuple(stored["names"].tolist())
        else:
            asked = rows.take(fold == k)
            evidence = fit_to(rows.take(fold != k), corpus, similarity, run.rank, asked)
            part, names = pair_features(pairs_of(asked, corpus), evidence, corpus, similarity)
            if path:
                with replacing(path) as draft, draft.open("wb") as file:
                    np.savez(file, features=part, names=np.array(names))
        if table is None:
            table = np.empty((len(rows), part.shape[1]), np.float32)
        table[fold == k] = part
    if table is None:
        raise ValueError("training needs at least one fold")
    return fold, table, names
