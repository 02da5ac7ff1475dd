"""Hides a tenth of the signed pairs and asks which of them can be proposed from what is left.

A pair is hidden whole: both ways round, all databases. What is left is the other relations, the
complexes, pathways and processes two genes share, and the screens. A proposer ranks every gene that
is not already linked; ours is a logistic model of those clues, fitted to a second tenth that is
hidden from the rest in the same way, so no hidden pair is ever looked at.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from evals.altered_graphs import Pair, Relations
from evals.harness.metrics import FloatArray, IntArray
from evals.harness.resampling import Resampler
from evals.harness.scores import Gain, Score
from knowledge.base import Knowledge
from knowledge.graph import Relation

SHARE = 0.1
SOURCES = 400
FITTED_SOURCES = 200
FIRST = 10
LARGEST_SET = 300
ABOUT = "recovery"
RANKED, SIGN = ("precision at 10", "average precision"), "right sign"
OURS = "clues left in the knowledge"
CLUES = (
    "targets' degree",
    "common neighbours",
    "two steps",
    "what relatives act on",
    "shared sets",
    "screens",
    "is measured",
)


@dataclass(frozen=True, slots=True)
class Links:
    """Signed relations among genes as matrices `(genes, genes)`, rows act on columns.

    Attributes:
        linked: 1 where there is a relation.
        signed: Its sign, of several their sum.
    """

    linked: sparse.csr_array
    signed: sparse.csr_array


@dataclass(frozen=True, slots=True)
class Clues:
    """What does not depend on which pairs are hidden.

    Attributes:
        genes: The nodes.
        sets: Which genes share a complex, pathway or process, weighted and normalised
            `(genes, sets)`.
        moved: Mean measured change of each readout under each gene's loss `(genes, genes)`.
        changed: How often it changed at all; negative where it was measured and did not.
    """

    genes: tuple[str, ...]
    sets: sparse.csr_array
    moved: sparse.csr_array
    changed: sparse.csr_array


@dataclass(frozen=True, slots=True)
class Hunt:
    """A graph from which relations are hidden, and a proposer that has not seen them.

    Attributes:
        known: What does not depend on which are hidden.
        visible: The relations that are left.
        answers: Those that are hidden.
        weights: Of the clues `(clues,)`, for whether two genes are linked.
        sign_weights: Of the clues to the sign of a link.
    """

    known: Clues
    visible: Links
    answers: Links
    weights: FloatArray
    sign_weights: FloatArray

    def ranked(self, source: int) -> IntArray:
        """Return every gene that is not linked to a source yet, the likeliest target first."""
        targets, table = _clue_table(source, self.visible, self.known)
        return targets[np.argsort(-(table @ self.weights), kind="stable")]


def hidden_pairs(relations: Relations, rng: np.random.Generator) -> frozenset[Pair]:
    """Return a tenth of the linked pairs of genes, both ways round."""
    pairs = sorted({_unordered(one) for one in relations.all if _between_genes(one, relations)})
    drawn = rng.permutation(len(pairs))[: round(SHARE * len(pairs))]
    chosen = [pairs[number] for number in drawn]
    return frozenset([*chosen, *((b, a) for a, b in chosen)])


def clues(knowledge: Knowledge, relations: Relations, measured: pd.DataFrame) -> Clues:
    """Return what is known of genes besides their relations.

    Args:
        knowledge: Its gene sets and complexes are used.
        relations: Give the genes.
        measured: Training rows of the screens: `pert`, `gene`, `de`, `is_up`.
    """
    linked = [one for one in relations.all if _between_genes(one, relations)]
    genes = tuple(sorted({node for one in linked for node in (one.source, one.target)}))
    index = {gene: i for i, gene in enumerate(genes)}
    members = [one.members for one in knowledge.gene_sets if len(one.members) <= LARGEST_SET]
    members += [one.members for one in knowledge.graph.groups if len(one.members) <= LARGEST_SET]
    rows = measured[measured.pert.isin(index) & measured.gene.isin(index)]
    at = (rows.pert.map(index).to_numpy(), rows.gene.map(index).to_numpy())
    sign = np.where(rows.is_up.isna(), 0.0, 2 * rows.is_up - 1)
    shape = (len(genes), len(genes))
    moved = sparse.csr_array((sign, at), shape=shape)
    changed = sparse.csr_array((np.where(rows.de == 1, 1.0, -0.1), at), shape=shape)
    return Clues(genes, _sets(members, index), moved, changed)


def hunt(
    relations: Relations, known: Clues, hidden: frozenset[Pair], rng: np.random.Generator
) -> Hunt:
    """Return what is left without the hidden relations, and a proposer fitted to it.

    Args:
        relations: All of the graph.
        known: From `clues`.
        hidden: From `hidden_pairs`.
        rng: Draws what is hidden to fit.
    """
    visible = _links(relations, known.genes, without=hidden)
    answers = _links(relations, known.genes, only=hidden)
    second = _second_tenth(relations, hidden, rng)
    fitting = _links(relations, known.genes, without=hidden | second)
    weights, sign_weights = _fitted(
        known, fitting, _links(relations, known.genes, only=second), rng
    )
    return Hunt(known, visible, answers, weights, sign_weights)


def recovered(
    relations: Relations,
    known: Clues,
    hidden: frozenset[Pair],
    rng: np.random.Generator,
    seed: int,
) -> Iterator[Score]:
    """Yield how well each proposer finds the hidden relations again.

    Args:
        relations: All of the graph.
        known: From `clues`.
        hidden: From `hidden_pairs`.
        rng: Draws the sources that are asked about, and what is hidden to fit.
        seed: Of the resamples.
    """
    found = hunt(relations, known, hidden, rng)
    visible, answers = found.visible, found.answers
    weights, sign_weights = found.weights, found.sign_weights
    sources = _drawn(answers, SOURCES, rng)
    if not len(sources):
        return
    scores: dict[str, list[tuple[float, float]]] = {name: [] for name in _rankers(weights)}
    right: dict[str, list[tuple[str, float]]] = {OURS: [], "every relation activates": [],
                                                 "the source's commoner sign": []}  # fmt: skip
    sizes = []
    relations_found = 0
    for source in sources:
        targets, table = _clue_table(int(source), visible, known)
        sizes.append(len(targets))
        label = answers.linked[[source]].toarray()[0][targets] > 0
        relations_found += int(label.sum())
        for name, weight in _rankers(weights).items():
            scores[name].append(_ranked(table @ weight, label))
        truth = np.sign(answers.signed[[source]].toarray()[0][targets])
        asked = label & (truth != 0)
        said = _sign_table(int(source), targets[asked], visible, known) @ sign_weights
        own = float(np.sign(visible.signed[[source]].sum())) or 1.0
        for name, answer in (
            (OURS, np.where(said >= 0, 1.0, -1.0)),
            ("every relation activates", np.ones(asked.sum())),
            ("the source's commoner sign", np.full(asked.sum(), own)),
        ):
            right[name] += [
                (known.genes[source], float(ok)) for ok in answer == truth[asked]
            ]  # fmt: skip
    yield Score(OURS, "relations", relations_found, about=ABOUT)
    yield Score(OURS, "candidates", float(np.mean(sizes)), about=ABOUT)
    yield from _told([known.genes[source] for source in sources], scores, right, seed)


def _told(
    names: Sequence[str],
    scores: Mapping[str, list[tuple[float, float]]],
    right: Mapping[str, list[tuple[str, float]]],
    seed: int,
) -> Iterator[Score]:
    resampler = Resampler(names, seed)
    for place, measure in enumerate(RANKED):
        means = {
            name: resampler.mean(names, [row[place] for row in rows])
            for name, rows in scores.items()
        }
        for name, mean in means.items():
            yield Score(name, measure, mean, about=ABOUT)
            if name != OURS:
                yield Gain(OURS, name, measure, means[OURS] - mean, about=ABOUT)
    for name, found in right.items():
        sign = resampler.mean([unit for unit, _ in found], [ok for _, ok in found])
        if sign.known:
            yield Score(name, SIGN, sign, about=ABOUT)


def _rankers(weights: FloatArray) -> dict[str, FloatArray]:
    """Return how each proposer weighs the clues."""
    single = np.eye(len(CLUES))
    return {
        OURS: weights,
        "common neighbours": single[CLUES.index("common neighbours")],
        "targets' degree": single[CLUES.index("targets' degree")],
    }


def _ranked(score: FloatArray, label: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the precision among the first ten and the average precision, ties at their mean.

    Both are 0 where no hidden relation is among the candidates.
    """
    if not label.any():
        return 0.0, 0.0
    from sklearn.metrics import average_precision_score

    best = np.argsort(-score, kind="stable")[:FIRST]
    return float(label[best].mean()), float(average_precision_score(label, score))


def _clue_table(source: int, links: Links, known: Clues) -> tuple[IntArray, FloatArray]:
    """Return the targets that are not linked to a source yet, and the clues about each."""
    linked = links.linked
    own = linked[[source]]
    into = linked[:, [source]].T.tocsr()
    either = ((own + into) > 0).astype(np.float64)
    both = links.linked + links.linked.T
    relatives = _relatives(source, links, known)
    columns = [
        np.log1p(linked.sum(0)),
        np.log1p(_dense(either @ both)),
        np.log1p(_dense(own @ linked)),
        np.sqrt(_dense(relatives @ linked)),
        _dense(known.sets[[source]] @ known.sets.T),
        _dense(known.changed[[source]]),
        np.full(linked.shape[0], float(known.changed[[source]].nnz > 0)),
    ]
    free = _dense(own) == 0
    free[source] = False
    targets = np.flatnonzero(free)
    return targets, np.column_stack(columns)[targets]


def _sign_table(source: int, targets: IntArray, links: Links, known: Clues) -> FloatArray:
    """Return clues about the sign of relations `(targets, 3)`: relatives, own habit, screens."""
    relatives = _relatives(source, links, known)
    vote = _dense(relatives @ links.signed)[targets]
    weight = _dense(relatives @ links.linked)[targets]
    signed, linked = float(links.signed[[source]].sum()), float(links.linked[[source]].sum())
    habit = np.full(len(targets), signed / (linked + 1))
    # What rises when the source is lost was held down by it.
    screens = -np.sign(_dense(known.moved[[source]])[targets])
    return np.column_stack([vote / (weight + 0.1), habit, screens])


def _relatives(source: int, links: Links, known: Clues) -> sparse.csr_array:
    """Return how alike each gene is to a source: in the sets it is in and in what it acts on."""
    together = known.sets[[source]] @ known.sets.T
    outgoing = np.sqrt(np.maximum(links.linked.sum(1), 1))
    shared = (links.linked[[source]] @ links.linked.T) / outgoing[None, :] / outgoing[source]
    alike = (together + sparse.csr_array(shared)).tolil()
    alike[0, source] = 0
    return alike.tocsr()


def _fitted(
    known: Clues, visible: Links, answers: Links, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return the weights of the clues, for links and for signs, from pairs hidden to fit."""
    from sklearn.linear_model import LogisticRegression

    tables, labels, sign_tables, signs = [], [], [], []
    for source in _drawn(answers, FITTED_SOURCES, rng):
        targets, table = _clue_table(int(source), visible, known)
        label = answers.linked[[source]].toarray()[0][targets] > 0
        tables.append(table)
        labels.append(label)
        truth = np.sign(answers.signed[[source]].toarray()[0][targets])
        asked = label & (truth != 0)
        sign_tables.append(_sign_table(int(source), targets[asked], visible, known))
        signs.append(truth[asked])
    link = _weights(LogisticRegression(C=1.0, max_iter=300), np.vstack(tables), np.hstack(labels))
    sign = _weights(
        LogisticRegression(C=1.0, fit_intercept=False), np.vstack(sign_tables), np.hstack(signs) > 0
    )
    return link, sign


def _weights(model: object, x: FloatArray, y: NDArray[np.bool_]) -> FloatArray:
    """Return the weights of a logistic model; 1 for each clue where there is but one class."""
    if len(np.unique(y)) < 2:
        return np.ones(x.shape[1])
    return np.asarray(model.fit(x, y).coef_[0], np.float64)  # type: ignore[attr-defined]


def _links(
    relations: Relations,
    genes: tuple[str, ...],
    *,
    without: frozenset[Pair] = frozenset(),
    only: frozenset[Pair] | None = None,
) -> Links:
    index = {gene: i for i, gene in enumerate(genes)}
    kept = [
        one
        for one in relations.all
        if one.source in index
        and one.target in index
        and (one.source, one.target) not in without
        and (only is None or (one.source, one.target) in only)
    ]
    at = ([index[one.source] for one in kept], [index[one.target] for one in kept])
    shape = (len(genes), len(genes))
    signed = sparse.csr_array((np.array([float(one.sign) for one in kept]), at), shape=shape)
    linked = sparse.csr_array((np.ones(len(kept)), at), shape=shape)
    linked.sum_duplicates()
    linked.data[:] = 1.0
    return Links(linked, signed)


def _second_tenth(
    relations: Relations, hidden: frozenset[Pair], rng: np.random.Generator
) -> frozenset[Pair]:
    pairs = sorted(
        {
            _unordered(one)
            for one in relations.all
            if _between_genes(one, relations) and (one.source, one.target) not in hidden
        }
    )
    drawn = rng.permutation(len(pairs))[: round(SHARE * len(pairs))]
    chosen = [pairs[number] for number in drawn]
    return frozenset([*chosen, *((b, a) for a, b in chosen)])


def _drawn(answers: Links, most: int, rng: np.random.Generator) -> IntArray:
    """Return sources of hidden relations, in the order of their number."""
    sources = np.flatnonzero(answers.linked.sum(1) > 0)
    return np.sort(rng.permutation(sources)[:most])


def _sets(members: Iterable[tuple[str, ...]], index: Mapping[str, int]) -> sparse.csr_array:
    rows: list[int] = []
    columns: list[int] = []
    weights: list[float] = []
    for number, genes in enumerate(members):
        known = [index[gene] for gene in genes if gene in index]
        rows += known
        columns += [number] * len(known)
        weights += [1 / np.sqrt(max(len(genes), 2))] * len(known)
    shape = (len(index), max(columns, default=0) + 1)
    table = sparse.csr_array((weights, (rows, columns)), shape=shape)
    norm = np.sqrt(table.multiply(table).sum(1))
    scale = sparse.diags_array(1 / np.where(norm > 0, norm, 1))
    return (scale @ table).tocsr()


def _dense(row: sparse.csr_array) -> FloatArray:
    return np.asarray(row.toarray()[0], np.float64)


def _between_genes(one: Relation, relations: Relations) -> bool:
    kind = relations.graph.kind
    return kind(one.source) == "gene" and kind(one.target) == "gene"


def _unordered(one: Relation) -> Pair:
    return (one.source, one.target) if one.source < one.target else (one.target, one.source)
