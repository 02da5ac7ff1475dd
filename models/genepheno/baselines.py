"""What GenePheno must beat: term frequencies, the nearest sequence, composition, dense networks.

Every predictor learns from proteins and the labels of their genes and gives each protein a
probability per term. None sees a label of a gene that it predicts; the one that is told the true
functions of the genes it predicts says so in its name, and is an upper reference.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.genepheno.composition import composition
from models.genepheno.fitting import (
    HIDDEN,
    Fitting,
    Scaler,
    fitted,
    hidden_layer,
    network_probabilities,
    output_layer,
)
from models.genepheno.homology import Hits, search
from models.genepheno.ontology import GeneFunctions, children_first
from models.genepheno.phenotypes import PhenotypeLabels
from models.genepheno.sequences import Protein

FloatArray: TypeAlias = NDArray[np.float32]
Aligner = Callable[[Sequence[Protein], Sequence[Protein]], Hits]
"""Finds the local alignments of queries to targets."""
PRIOR_BITS = 100.0
"""How many bits of alignment the term frequencies weigh as much as."""


class PhenotypePredictor(Protocol):
    """Anything that learns phenotypes from proteins."""

    name: str

    def fit(self, proteins: Sequence[Protein], labels: PhenotypeLabels) -> Self:
        """Learn from proteins and the labels of their genes, row by row."""
        ...

    def predict(self, proteins: Sequence[Protein]) -> FloatArray:
        """Return a probability per term `(proteins, terms)`."""
        ...


def searched(queries: Sequence[Protein], targets: Sequence[Protein]) -> Hits:
    """Return the alignments that MMseqs2 finds."""
    return search([one.sequence for one in queries], [one.sequence for one in targets])


class AllAgainstAll:
    """An aligner that looks up alignments found once, as folds need them again and again.

    Args:
        proteins: Every protein that will be asked for.
        hits: Their alignments among themselves; found now where they are left out.
    """

    def __init__(self, proteins: Sequence[Protein], hits: Hits | None = None) -> None:
        self.hits = searched(proteins, proteins) if hits is None else hits
        self._row = {protein: row for row, protein in enumerate(proteins)}

    def __call__(self, queries: Sequence[Protein], targets: Sequence[Protein]) -> Hits:
        """Return the alignments of these among those.

        Raises:
            KeyError: A protein was not among those aligned.
        """
        rows = [np.array([self._row[one] for one in each], np.int64) for each in (queries, targets)]
        return self.hits.among(*rows)


class TermFrequency:
    """Gives every protein the share of the training genes that have each term (CAFA's "naive")."""

    name = "term frequency"

    def fit(self, proteins: Sequence[Protein], labels: PhenotypeLabels) -> Self:
        """Count."""
        self._share = labels.frequencies().astype(np.float32)
        return self

    def predict(self, proteins: Sequence[Protein]) -> FloatArray:
        """Return the same row for all `(proteins, terms)`."""
        return np.tile(self._share, (len(proteins), 1))


class NearestSequence:
    """Gives a protein the terms of the training protein that resembles it most.

    A protein that resembles none gets the term frequencies.

    Args:
        align: Finds the resemblances.
    """

    name = "nearest sequence"

    def __init__(self, align: Aligner = searched) -> None:
        self._align = align

    def fit(self, proteins: Sequence[Protein], labels: PhenotypeLabels) -> Self:
        """Remember the proteins and their terms."""
        self._proteins, self._labels = tuple(proteins), labels.propagated.astype(np.float32)
        self._share = labels.frequencies().astype(np.float32)
        return self

    def predict(self, proteins: Sequence[Protein]) -> FloatArray:
        """Return 1 for the terms of the nearest, else 0 `(proteins, terms)`."""
        bits = _resemblance(self._align, proteins, self._proteins)
        found = np.tile(self._share, (len(proteins), 1))
        rows = np.flatnonzero(np.diff(bits.indptr))
        best = np.array(
            [
                bits.indices[start + int(bits.data[start:end].argmax())]
                for start, end in zip(bits.indptr[rows], bits.indptr[rows + 1], strict=True)
            ],
            np.int64,
        )
        found[rows] = self._labels[best].toarray()
        return found


class HomologyTransfer(NearestSequence):
    """Gives a protein its relatives' terms, each weighted by the bits of the alignment.

    The weighted share of relatives with a term is DeepGOPlus's DiamondScore (Kulmanov and Hoehndorf
    2020); term frequencies join in with the weight of a weak relative, so that distant or few
    relatives move them little.

    Args:
        align: Finds the relatives.
        prior_bits: Weight of the term frequencies.
    """

    name = "homology transfer"

    def __init__(self, align: Aligner = searched, prior_bits: float = PRIOR_BITS) -> None:
        super().__init__(align)
        self._prior = prior_bits

    def predict(self, proteins: Sequence[Protein]) -> FloatArray:
        """Return the weighted share of relatives with each term `(proteins, terms)`."""
        bits = _resemblance(self._align, proteins, self._proteins)
        return _transferred(bits, self._labels, self._share, self._prior)


class CompositionLogistic:
    """Logistic regression per term on the frequencies of residues, pairs and reduced triads.

    Args:
        seed: Of the order in which proteins are seen.
        fitting: How it is fitted.
    """

    name = "composition"

    def __init__(self, seed: int = 0, fitting: Fitting | None = None) -> None:
        self._seed, self._fitting = seed, fitting or Fitting()

    def fit(self, proteins: Sequence[Protein], labels: PhenotypeLabels) -> Self:
        """Reduce the frequencies to their main directions and fit all terms at once."""
        features = composition([one.sequence for one in proteins])
        self._scaler = Scaler(features, self._seed)
        inputs = self._scaler(features)
        self._network = fitted(
            output_layer(inputs.shape[1], labels), inputs, labels, self._fitting, self._seed
        )
        return self

    def predict(self, proteins: Sequence[Protein]) -> FloatArray:
        """Return probabilities `(proteins, terms)`."""
        features = composition([one.sequence for one in proteins])
        return network_probabilities(self._network, self._scaler(features))


class TrueFunctions:
    """Logistic regression per term on what GO says of the very genes that are predicted.

    It is told what a sequence does not say, and much of it was concluded from the phenotypes: an
    upper reference of what a bottleneck of functions can carry.

    Args:
        functions: GO annotations of all genes, those predicted included.
        seed: Of the order in which genes are seen.
        fitting: How it is fitted.
    """

    name = "true functions (upper reference)"

    def __init__(
        self, functions: GeneFunctions, seed: int = 0, fitting: Fitting | None = None
    ) -> None:
        self._functions = functions
        self._row = {gene: row for row, gene in enumerate(functions.genes)}
        self._seed, self._fitting = seed, fitting or Fitting()

    def fit(self, proteins: Sequence[Protein], labels: PhenotypeLabels) -> Self:
        """Reduce the functions to their main directions and fit all terms at once."""
        features = self._features(proteins)
        self._scaler = Scaler(features, self._seed)
        inputs = self._scaler(features)
        self._network = fitted(
            output_layer(inputs.shape[1], labels), inputs, labels, self._fitting, self._seed
        )
        return self

    def predict(self, proteins: Sequence[Protein]) -> FloatArray:
        """Return probabilities `(proteins, terms)`."""
        return network_probabilities(self._network, self._scaler(self._features(proteins)))

    def _features(self, proteins: Sequence[Protein]) -> FloatArray:
        return np.asarray(_annotations(self._functions, self._row, proteins).toarray())


class DenseNetwork:
    """A dense network from functions that relatives suggest, and composition, to phenotypes.

    As DeepPheno (Kulmanov and Hoehndorf 2020) it goes from predicted functions through a wide layer
    to terms of which none is below one under it; where that one predicts functions by a network of
    its own, here they are transferred from the training proteins.

    Args:
        functions: GO annotations of genes; only those of training genes are looked at.
        align: Finds relatives.
        seed: Of the weights and the order in which proteins are seen.
        fitting: How it is fitted.
    """

    name = "dense network"

    def __init__(
        self,
        functions: GeneFunctions,
        align: Aligner = searched,
        seed: int = 0,
        fitting: Fitting | None = None,
    ) -> None:
        self._functions, self._align, self._seed = functions, align, seed
        self._row = {gene: row for row, gene in enumerate(functions.genes)}
        self._fitting = fitting or Fitting(rate=1e-3)

    def fit(self, proteins: Sequence[Protein], labels: PhenotypeLabels) -> Self:
        """Transfer functions among the training proteins, and learn what they lead to."""
        from torch import nn

        self._proteins = tuple(proteins)
        self._known = _annotations(self._functions, self._row, proteins)
        self._share = np.asarray(self._known.mean(axis=0), np.float32).ravel()
        self._parents = labels.vocabulary.parents
        text = composition([one.sequence for one in proteins])
        self._scaler = Scaler(text, self._seed)
        inputs = self._features(proteins, text)
        layers = (
            hidden_layer(inputs.shape[1], self._seed),
            nn.ReLU(),
            output_layer(HIDDEN, labels),
        )
        network = nn.Sequential(*layers)
        self._network = fitted(network, inputs, labels, self._fitting, self._seed)
        return self

    def predict(self, proteins: Sequence[Protein]) -> FloatArray:
        """Return probabilities, parents never below children `(proteins, terms)`."""
        text = composition([one.sequence for one in proteins])
        columns = network_probabilities(self._network, self._features(proteins, text)).T.copy()
        for term in children_first(self._parents):
            for parent in self._parents[term]:
                np.maximum(columns[parent], columns[term], out=columns[parent])
        return columns.T

    def _features(self, proteins: Sequence[Protein], text: FloatArray) -> FloatArray:
        bits = _resemblance(self._align, proteins, self._proteins)
        functions = _transferred(bits, self._known, self._share, PRIOR_BITS)
        return np.concatenate([functions - self._share, self._scaler(text)], axis=1)


def _resemblance(
    align: Aligner, queries: Sequence[Protein], targets: Sequence[Protein]
) -> sparse.csr_array:
    """Return bit scores `(queries, targets)`, none between proteins of the same gene."""
    hits = align(queries, targets)
    asked = np.array([one.gene or one.sequence for one in queries], object)
    held = np.array([one.gene or one.sequence for one in targets], object)
    other = asked[hits.query] != held[hits.target]
    cells = (hits.bits[other], (hits.query[other], hits.target[other]))
    return sparse.csr_array(cells, shape=(len(queries), len(targets)))


def _transferred(
    bits: sparse.csr_array, known: sparse.csr_array, share: FloatArray, prior: float
) -> FloatArray:
    """Return the share of relatives with each term, weighted by bits, with a prior."""
    total = np.asarray(bits.sum(axis=1), np.float32).reshape(-1, 1)
    carried = (bits @ known).toarray()
    weight = np.where(total > 0, prior, 1.0)
    return np.asarray((carried + weight * share) / (total + weight), np.float32)


def _annotations(
    functions: GeneFunctions, row: dict[str, int], proteins: Sequence[Protein]
) -> sparse.csr_array:
    """Return the functions of the proteins' genes, none where GO is silent, as 0 and 1."""
    pick = np.array([row.get(one.gene, -1) for one in proteins], np.int64)
    known = functions.matrix[np.maximum(pick, 0)].astype(np.float32)
    silenced: sparse.csr_array = (
        sparse.diags_array((pick >= 0).astype(np.float32)) @ known
    ).tocsr()
    return silenced
