"""How well predicted phenotypes agree with known ones: per gene as in CAFA, per term by ranking.

F_max and S_min follow Radivojac et al. 2013 (CAFA) and Clark and Radivojac 2013; both are of genes
with at least one known term. AUROC and average precision are of each term over all genes, and their
macro means over the terms that some gene has and some gene has not.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from evals.harness.metrics import FloatArray
from evals.harness.resampling import Sample, resamples
from models.genepheno.ontology import IntArray, children_first
from models.genepheno.phenotypes import TermVocabulary

BoolArray = NDArray[np.bool_]
Weights = NDArray[np.float32]
THRESHOLDS: FloatArray = np.linspace(0, 1, 101)
DRAWS = 200
"""Bootstrap resamples of the tested genes."""
# Two decimals of float32 lie a little beside the threshold that they are meant to reach.
_ROUNDING = 1e-5


@dataclass(frozen=True, eq=False, slots=True)
class Ranked:
    """Macro means over the terms of one system, or over all.

    Attributes:
        auroc: Area under the receiver operating characteristic; ties count half.
        auprc: Average precision: at each threshold a gene with the term brings.
        terms: How many terms have tested genes with and without them.
    """

    auroc: Sample
    auprc: Sample
    terms: int


@dataclass(frozen=True, eq=False, slots=True)
class Measures:
    """How well one predictor does on one set of genes.

    Attributes:
        f_max: Highest harmonic mean of precision and recall over the thresholds.
        threshold: Where it is.
        s_min: Least distance of missed and wrong information from none, in bits.
        ranked: AUROC and average precision over all terms.
        systems: The same per top-level system, sorted by name.
        precision: At each of `THRESHOLDS`, nan where nothing is predicted `(101,)`.
        recall: At each of `THRESHOLDS` `(101,)`.
        genes: Tested genes with at least one term, which F_max and S_min are of.
    """

    f_max: Sample
    threshold: float
    s_min: Sample
    ranked: Ranked
    systems: Mapping[str, Ranked]
    precision: FloatArray
    recall: FloatArray
    genes: int


def measured(
    truth: sparse.csr_array | BoolArray,
    scores: NDArray[np.floating],
    vocabulary: TermVocabulary,
    information: FloatArray,
    rng: np.random.Generator,
    draws: int = DRAWS,
    min_positives: int = 1,
) -> Measures:
    """Return every measure with resamples of the genes; equal generators give paired ones.

    Args:
        truth: Propagated labels `(genes, terms)`.
        scores: Probabilities `(genes, terms)`; a term takes the highest of the terms below it.
        vocabulary: The columns.
        information: Bits that each term adds to its parents `(terms,)`, see `information_content`.
        rng: Source of the resamples.
        draws: How many; none gives no intervals.
        min_positives: How many tested genes must have a term for it to be ranked.
    """
    known = truth if isinstance(truth, np.ndarray) else truth.toarray()
    known = np.asarray(known, bool)
    if known.shape != scores.shape or known.shape[1] != len(vocabulary):
        raise ValueError(
            f"labels {known.shape}, scores {scores.shape}, {len(vocabulary)} terms do not agree"
        )
    predicted = propagated_scores(scores, vocabulary.parents)
    genes = len(known)
    drawn = resamples(genes, draws, rng) if draws else np.zeros((genes, 0), np.float32)
    weight = np.concatenate([np.ones((genes, 1), np.float32), drawn], axis=1)
    counts = GeneCounts(known, predicted, information)
    precision, recall = counts.curve(weight)
    f = _f_measure(precision, recall)
    s = counts.distance(weight)
    auroc, auprc = term_scores(known, predicted, weight, min_positives)
    named = np.array(vocabulary.systems)
    return Measures(
        f_max=_sample(f.max(axis=0), genes),
        threshold=float(THRESHOLDS[int(f[:, 0].argmax())]),
        s_min=_sample(s.min(axis=0), genes),
        ranked=_ranked(auroc, auprc, genes),
        systems={
            system: _ranked(auroc[named == system], auprc[named == system], genes)
            for system in sorted(set(vocabulary.systems) - {""})
        },
        precision=precision[:, 0],
        recall=recall[:, 0],
        genes=counts.genes,
    )


class GeneCounts:
    """What is predicted of each gene at each threshold, counted once to be weighted often.

    Args:
        truth: Propagated labels `(genes, terms)`; genes without any are left out.
        scores: Propagated probabilities `(genes, terms)`.
        information: Bits of each term `(terms,)`.
    """

    def __init__(
        self, truth: BoolArray, scores: NDArray[np.floating], information: FloatArray
    ) -> None:
        self._kept: IntArray = np.flatnonzero(truth.any(axis=1))
        known, score = truth[self._kept], scores[self._kept]
        self.genes = len(known)
        steps = len(THRESHOLDS)
        level = np.floor(score * (steps - 1) + _ROUNDING).astype(np.int64).clip(0, steps - 1)
        level += steps * np.arange(self.genes)[:, None]

        def reached(amount: NDArray[np.generic]) -> FloatArray:
            """Return the total `(genes, thresholds)` of the terms at or above each threshold."""
            values = np.broadcast_to(amount, known.shape).ravel().astype(np.float64)
            found = np.bincount(level.ravel(), values, minlength=self.genes * steps)
            at = np.asarray(found, np.float64).reshape(self.genes, steps)
            return np.cumsum(at[:, ::-1], axis=1)[:, ::-1]

        self._right = reached(known)
        self._predicted = reached(np.ones(1))
        self._true = known.sum(axis=1, dtype=np.float64)
        bits = known * information
        right_bits = reached(bits)
        self._missed = bits.sum(axis=1)[:, None] - right_bits
        self._wrong = reached(information) - right_bits

    def curve(self, weight: Weights) -> tuple[FloatArray, FloatArray]:
        """Return precision and recall at each threshold `(thresholds, draws)`.

        Precision is over the genes of which something is predicted, nan where there is none;
        recall over all genes with a term.

        Args:
            weight: How often each gene counts `(genes, draws)`, those without a term included.
        """
        w = weight[self._kept].astype(np.float64)
        some = (self._predicted > 0).astype(np.float64)
        per_gene = self._right / np.maximum(self._predicted, 1)
        asked = some.T @ w
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(asked > 0, (per_gene.T @ w) / asked, np.nan)
            recall = ((self._right / self._true[:, None]).T @ w) / w.sum(axis=0)
        return precision, recall

    def distance(self, weight: Weights) -> FloatArray:
        """Return sqrt(missed^2 + wrong^2) at each threshold in bits `(thresholds, draws)`.

        Args:
            weight: How often each gene counts `(genes, draws)`, those without a term included.
        """
        w = weight[self._kept].astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            missed = (self._missed.T @ w) / w.sum(axis=0)
            wrong = (self._wrong.T @ w) / w.sum(axis=0)
        return np.asarray(np.hypot(missed, wrong))


def term_scores(
    truth: BoolArray, scores: NDArray[np.floating], weight: Weights, min_positives: int = 1
) -> tuple[FloatArray, FloatArray]:
    """Return AUROC and average precision of each term `(terms, draws)`.

    nan where a term has fewer genes than it should, where every gene has it, or where a draw leaves
    no gene with it or none without.

    Args:
        truth: Labels `(genes, terms)`.
        scores: Probabilities `(genes, terms)`.
        weight: How often each gene counts `(genes, draws)`.
        min_positives: How many genes must have a term.
    """
    shape = (truth.shape[1], weight.shape[1])
    auroc, auprc = np.full(shape, np.nan), np.full(shape, np.nan)
    count = truth.sum(axis=0)
    columns = np.ascontiguousarray(scores.T, np.float32)
    for term in np.flatnonzero((count >= max(min_positives, 1)) & (count < len(truth))):
        has = np.flatnonzero(truth[:, term])
        score, own = columns[term], columns[term][has, None]
        with_term = weight[has]
        positives = with_term.sum(axis=0)
        negatives = weight.sum(axis=0) - positives
        # Weight of the genes, and of those with the term, that score at least as high, and higher,
        # than each gene with the term.
        at_least, above = (score >= own).astype(np.float32), (score > own).astype(np.float32)
        all_least = at_least @ weight
        right_least = at_least[:, has] @ with_term
        wrong = all_least - right_least
        wrong_above = above @ weight - above[:, has] @ with_term
        beaten = negatives - (wrong + wrong_above) / 2
        precise = right_least / np.maximum(all_least, 1e-9)
        usable = (positives > 0) & (negatives > 0)
        pairs = np.maximum(positives * negatives, 1e-9)
        auroc[term] = np.where(usable, (with_term * beaten).sum(axis=0) / pairs, np.nan)
        mean = (with_term * precise).sum(axis=0) / np.maximum(positives, 1e-9)
        auprc[term] = np.where(usable, mean, np.nan)
    return auroc, auprc


def propagated_scores(
    scores: NDArray[np.floating], parents: Sequence[IntArray]
) -> NDArray[np.floating]:
    """Return scores in which no term is below one under it `(genes, terms)`."""
    columns = scores.T.copy("C")
    for term in children_first(parents):
        for parent in parents[term]:
            np.maximum(columns[parent], columns[term], out=columns[parent])
    return columns.T


def information_content(labels: sparse.csr_array, parents: Sequence[IntArray]) -> FloatArray:
    """Return the bits that each term adds for a gene that has all its parents `(terms,)`.

    -log2 of the share of the genes with all parents that have the term too, one gene added to
    both, so that no term weighs infinitely much (Clark and Radivojac 2013).

    Args:
        labels: Propagated labels of the training genes `(genes, terms)`.
        parents: Rows of each term's parents; all genes count for a term without any.
    """
    has = labels.toarray().astype(bool)
    eligible = np.array([has[:, above].all(axis=1).sum() for above in parents], np.float64)
    return np.asarray(np.log2((eligible + 1) / (has.sum(axis=0) + 1)), np.float64)


def _f_measure(precision: FloatArray, recall: FloatArray) -> FloatArray:
    """Return the harmonic mean; 0 where nothing is predicted or nothing is right."""
    total = precision + recall
    with np.errstate(invalid="ignore", divide="ignore"):
        f = 2 * precision * recall / total
    return np.where(total > 0, f, 0)


def _ranked(auroc: FloatArray, auprc: FloatArray, genes: int) -> Ranked:
    terms = int(np.isfinite(auroc[:, 0]).sum())
    return Ranked(
        auroc=_sample(_macro(auroc), genes, terms),
        auprc=_sample(_macro(auprc), genes, terms),
        terms=terms,
    )


def _macro(values: FloatArray) -> FloatArray:
    """Return the mean over terms of each draw, nan where there is none `(draws,)`."""
    found = np.isfinite(values)
    total = np.where(found, values, 0).sum(axis=0)
    return np.where(found.any(axis=0), total / np.maximum(found.sum(axis=0), 1), math.nan)


def _sample(values: FloatArray, units: int, readouts: int = 0) -> Sample:
    """Return the value of the first column with the others as its resamples."""
    return Sample(float(values[0]), values[1:].astype(np.float64), units, readouts)
