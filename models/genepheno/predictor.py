"""Learns phenotypes from sequences: relatives and profile, then functions, then phenotypes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.errors import DataError
from knowledge.schema import Frozen
from models.genepheno.alignment import SequenceIndex, self_bits
from models.genepheno.baselines import Aligner
from models.genepheno.encoder import ProfileEncoder, SequenceEncoder
from models.genepheno.functions import KernelRegression, KernelSettings, fitted_kernel
from models.genepheno.homology import Hits
from models.genepheno.network import Head, HeadSettings, fitted_head, probabilities
from models.genepheno.ontology import GeneFunctions, IntArray, coincidence
from models.genepheno.phenotypes import PhenotypeLabels
from models.genepheno.sequences import Protein

FloatArray: TypeAlias = NDArray[np.float32]


class PhenotypeSettings(Frozen):
    """Everything that can be chosen about the model.

    Attributes:
        kernel: How proteins are compared.
        head: How functions lead to phenotypes.
        bottleneck: Whether phenotypes are predicted through functions, or straight from likeness.
        fewest: Genes learnt from that a function needs.
        broadest: A function that a larger share of them has says nothing.
    """

    kernel: KernelSettings = KernelSettings()
    head: HeadSettings = HeadSettings()
    bottleneck: bool = True
    fewest: int = 20
    broadest: float = 0.8

    def without(self, part: str) -> "PhenotypeSettings":
        """Return the settings of an ablation: no `contrastive`, `exclusivity` or `bottleneck`.

        Raises:
            ValueError: There is no such part.
        """
        if part == "bottleneck":
            return self.model_copy(update={"bottleneck": False})
        if part not in ("contrastive", "exclusivity"):
            raise ValueError(f"no part {part!r} of the model")
        return self.model_copy(update={"head": self.head.model_copy(update={part: 0.0})})


def aligned(queries: Sequence[Protein], targets: Sequence[Protein]) -> Hits:
    """Return the alignments that the model's own search finds."""
    return SequenceIndex([one.sequence for one in targets]).search(
        [one.sequence for one in queries]
    )


@dataclass(frozen=True, eq=False, slots=True)
class FunctionUnits:
    """Named functions, and how likely proteins have them.

    Attributes:
        terms: GO ids.
        names: What each is called.
        rows: Columns of the functions that were read `(functions,)`.
        rarity: Weight of each, the logarithm of one over its share `(functions,)`.
        share: Share of the reference that has each `(functions,)`.
        kernel: From proteins to rarity-weighted functions.
    """

    terms: tuple[str, ...]
    names: tuple[str, ...]
    rows: IntArray
    rarity: FloatArray
    share: FloatArray
    kernel: KernelRegression

    @property
    def entry(self) -> FloatArray:
        """What each unit adds to the latent functions `(functions, rank)`."""
        return np.ascontiguousarray(self.rarity[:, None] * self.kernel.loadings.T)

    def activations(self, latent: FloatArray) -> FloatArray:
        """Return the probability of each function `(proteins, functions)`."""
        found = latent @ (self.kernel.loadings / self.rarity) + self.share
        return np.clip(found, 0.0, 1.0)


class Workbench:
    """What many fits share: functions of genes, alignments, vectors, the last functions learnt.

    Args:
        functions: GO annotations of genes; a fit looks only at those of genes it learns from.
        align: Finds alignments; our own search by default.
        encoder: Makes vectors of sequences.
    """

    def __init__(
        self,
        functions: GeneFunctions,
        align: Aligner = aligned,
        encoder: SequenceEncoder | None = None,
    ) -> None:
        self.functions = functions
        self.align = align
        self.encoder = encoder or ProfileEncoder()
        self.row = {gene: row for row, gene in enumerate(functions.genes)}
        self._vectors: dict[str, FloatArray] = {}
        self._units: tuple[object, FunctionUnits] | None = None

    def vectors(self, proteins: Sequence[Protein]) -> FloatArray:
        """Return the encoder's vectors, each sequence encoded once `(proteins, width)`."""
        new = [s for s in dict.fromkeys(p.sequence for p in proteins) if s not in self._vectors]
        if new:
            self._vectors |= zip(new, self.encoder.encode(new), strict=True)
        return np.stack([self._vectors[one.sequence] for one in proteins])

    def regression(
        self,
        proteins: Sequence[Protein],
        targets: sparse.csr_array,
        settings: KernelSettings,
        seed: int,
    ) -> KernelRegression:
        """Return the regression of targets on proteins."""
        vectors = self.vectors(proteins)
        return fitted_kernel(
            vectors,
            self.encoder.weights(vectors.shape[1]),
            own_bits(proteins),
            self.hits(proteins, proteins),
            targets,
            settings,
            seed,
        )

    def hits(self, queries: Sequence[Protein], targets: Sequence[Protein]) -> Hits:
        """Return alignments between proteins of different genes."""
        found = self.align(queries, targets)
        asked = np.array([one.gene or one.sequence for one in queries], object)
        held = np.array([one.gene or one.sequence for one in targets], object)
        other = asked[found.query] != held[found.target]
        return replace(
            found,
            query=found.query[other],
            target=found.target[other],
            identity=found.identity[other],
            coverage=found.coverage[other],
            bits=found.bits[other],
        )

    def known(self, genes: Sequence[str]) -> sparse.csr_array:
        """Return the functions of annotated genes `(genes, functions)`."""
        found: sparse.csr_array = self.functions.matrix[[self.row[gene] for gene in genes]]
        return found.astype(np.float32)

    def annotated(self, gene: str) -> bool:
        """Return whether GO says anything of a gene."""
        row = self.row.get(gene)
        return row is not None and bool(self.functions.annotated[row])

    def units(
        self, proteins: Sequence[Protein], settings: PhenotypeSettings, seed: int
    ) -> FunctionUnits:
        """Return the functions learnt from annotated proteins; those asked for last are kept.

        Raises:
            DataError: Too few of them share a function.
        """
        key = (tuple(proteins), settings.kernel, settings.fewest, settings.broadest, seed)
        if self._units is None or self._units[0] != key:
            self._units = (key, self._learn(proteins, settings, seed))
        return self._units[1]

    def _learn(
        self, proteins: Sequence[Protein], settings: PhenotypeSettings, seed: int
    ) -> FunctionUnits:
        matrix = self.known([one.gene for one in proteins])
        count = np.asarray(matrix.sum(axis=0)).ravel()
        kept = np.flatnonzero(
            (count >= settings.fewest) & (count <= settings.broadest * len(proteins))
        )
        if not len(kept):
            raise DataError(
                f"No function is shared by {settings.fewest} of the {len(proteins)} annotated "
                "proteins; learn from more."
            )
        share = (count[kept] / len(proteins)).astype(np.float32)
        rarity = (-np.log(share)).astype(np.float32)
        targets = (matrix[:, kept] @ sparse.diags_array(rarity)).tocsr()
        return FunctionUnits(
            terms=tuple(self.functions.terms[row] for row in kept),
            names=tuple(self.functions.names[row] for row in kept),
            rows=kept,
            rarity=rarity,
            share=share,
            kernel=self.regression(proteins, targets, settings.kernel, seed),
        )


class GenePheno:
    """Predicts phenotypes of proteins through the functions that they are likely to have.

    Args:
        bench: What fits share.
        settings: Of the model, or of an ablation.
        seed: Of random features, reductions and the order in which genes are seen.
        reference: More proteins to learn functions from, whose phenotypes are not asked for; none
            may be one that is predicted, or its relative where relatives are held out.
        background: Labels of genes without a sequence, with the same terms, to learn from what
            functions lead to; none may be of a gene that is predicted.
        name: What tables call it.
    """

    def __init__(
        self,
        bench: Workbench,
        settings: PhenotypeSettings | None = None,
        seed: int = 0,
        reference: Sequence[Protein] = (),
        background: PhenotypeLabels | None = None,
        name: str = "GenePheno",
    ) -> None:
        self.name = name
        self._bench, self._settings, self._seed = bench, settings or PhenotypeSettings(), seed
        self._reference, self._background = tuple(reference), background

    @property
    def functions(self) -> tuple[tuple[str, str], ...]:
        """Identifier and name of each function unit."""
        return tuple(zip(self.units.terms, self.units.names, strict=True))

    @property
    def weights(self) -> FloatArray:
        """What each function adds to each phenotype `(functions, terms)`."""
        return self.head.gain * (self.units.entry @ self.head.layer)

    def fit(self, proteins: Sequence[Protein], labels: PhenotypeLabels) -> Self:
        """Learn functions from proteins, then phenotypes from functions.

        Raises:
            DataError: Too little is annotated to learn from.
        """
        self._vocabulary = labels.vocabulary
        if not self._settings.bottleneck:
            targets = labels.propagated.astype(np.float32)
            self._proteins: tuple[Protein, ...] = tuple(proteins)
            self._straight = self._bench.regression(
                proteins, targets, self._settings.kernel, self._seed
            )
            return self
        own = {one.gene for one in proteins}
        more = (one for one in self._reference if one.gene not in own)
        self._proteins = tuple(one for one in (*proteins, *more) if self._bench.annotated(one.gene))
        self.units = self._bench.units(self._proteins, self._settings, self._seed)
        self.head = head(self._bench, self.units, labels, self._background, self._settings.head,
                         self._seed)  # fmt: skip
        return self

    def predict(self, proteins: Sequence[Protein]) -> FloatArray:
        """Return probabilities, parents never below children `(proteins, terms)`."""
        bench = self._bench
        kernel = self.units.kernel if self._settings.bottleneck else self._straight
        latent = kernel.latent(
            bench.vectors(proteins), own_bits(proteins), bench.hits(proteins, self._proteins)
        )
        if not self._settings.bottleneck:
            scores = latent @ kernel.loadings + kernel.mean
            return probabilities(scores, kernel.mean, self._vocabulary.parents)
        inward = (self.units.activations(latent) - self.units.share) @ self.units.entry
        scores = self.head.scores(np.asarray(inward, np.float32))
        return probabilities(scores, self.head.prior, self._vocabulary.parents)


def head(
    bench: Workbench,
    units: FunctionUnits,
    labels: PhenotypeLabels,
    background: PhenotypeLabels | None,
    settings: HeadSettings,
    seed: int,
) -> Head:
    """Return the layer from functions to phenotypes, learnt from annotated functions of genes.

    Args:
        bench: Knows the functions.
        units: Which functions there are.
        labels: Of genes to learn from; their shares of terms are the priors.
        background: Of more such genes.
        settings: Of the layer.
        seed: Of the order in which genes are seen.
    """
    parts = [labels] if background is None else [labels, background]
    kept = [part.among({g for g in part.genes if bench.annotated(g)}) for part in parts]
    genes = [gene for part in kept for gene in part.genes]
    inward = (bench.known(genes)[:, units.rows] - units.share) @ units.entry
    known = np.concatenate([part.propagated.toarray() for part in kept]).astype(np.float32)
    vocabulary = labels.vocabulary
    return fitted_head(
        np.ascontiguousarray(inward, np.float32),
        known,
        labels.frequencies().astype(np.float32),
        vocabulary.exclusive,
        coincidence(labels.propagated, vocabulary.exclusive),
        settings,
        seed,
    )


def own_bits(proteins: Sequence[Protein]) -> FloatArray:
    """Return the bit scores of proteins with themselves `(proteins,)`."""
    return np.array([self_bits(one.sequence) for one in proteins], np.float32)
