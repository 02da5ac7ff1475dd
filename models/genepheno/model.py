"""Answers which phenotypes the loss of a protein causes, from a trained checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import KnockwiseError
from models.checkpoint import read_checkpoint
from models.genepheno.alignment import SequenceIndex, self_bits
from models.genepheno.checkpoint import FORMAT, Checkpoint
from models.genepheno.encoder import SequenceEncoder, encoder
from models.genepheno.explanation import Function, carrier, carrying, switched_off
from models.genepheno.functions import KernelRegression, Profiles, likeness
from models.genepheno.homology import Hits
from models.genepheno.layers import Layer, ragged, read_layer, single
from models.genepheno.network import probabilities
from models.genepheno.ontology import ancestry
from models.genepheno.phenotypes import Collection, TermVocabulary
from models.genepheno.sequences import Protein, Species
from models.inputs.genes import UnknownGeneError

FloatArray: TypeAlias = NDArray[np.float32]
Basis = Literal["sequence", "curated functions"]
SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "genepheno"
# Genes whose terms are computed together when all are asked.
CURATED_AT_ONCE = 512
NEIGHBOURS = 5
_CHUNK = 512


class Neighbour(NamedTuple):
    """A protein learnt from that resembles the one asked for.

    Attributes:
        gene: Approved human symbol of its gene.
        species: Whose protein it is.
        identity: Share of the aligned residues that are the same.
        score: Bits of the alignment, 0 for chance to 1 for the same sequence.
    """

    gene: str
    species: str
    identity: float
    score: float


@dataclass(frozen=True, eq=False, slots=True)
class PhenotypePrediction:
    """The predicted phenotypes of one protein in one collection.

    Attributes:
        collection: Which.
        basis: What it was predicted from.
        terms: Identifiers.
        names: What each term is called.
        probabilities: Of each term; a parent's is never below its child's `(terms,)`.
        priors: Share of the genes learnt from that have each term `(terms,)`.
        activations: Probability of each function `(functions,)`.
        neighbours: Proteins learnt from that resemble it, the nearest first.
    """

    collection: Collection
    basis: Basis
    terms: tuple[str, ...]
    names: tuple[str, ...]
    probabilities: FloatArray
    priors: FloatArray
    activations: FloatArray
    neighbours: tuple[Neighbour, ...]
    _model: "GenePhenoModel" = field(repr=False)

    def functions(self, row: int, most: int = 3) -> tuple[Function, ...]:
        """Return the functions that raised a phenotype, the most telling first.

        Of a function and those above it only one is named. A parent that owes its probability to a
        child was raised by the child's functions.

        Args:
            row: Of the phenotype.
            most: How many to return.
        """
        return self._model.carried(self, row, most)


class GenePhenoModel:
    """A trained phenotype model.

    Attributes:
        collections: Whose terms it predicts.
        genes: Genes whose sequence it has.
        functions: Identifier and name of each function unit.
        version: Hash of the stored files.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        names, arrays = checkpoint.names, checkpoint.arrays
        self.version = checkpoint.version
        self.collections = tuple(one.collection for one in checkpoint.config.collections)
        self.genes = names["genes"]
        self.functions = tuple(zip(names["functions"], names["function names"], strict=True))
        self._checkpoint = checkpoint
        self._row = {gene: row for row, gene in enumerate(self.genes)}
        self._reference = arrays["reference"].astype(np.int64)
        self._share = single(arrays["share"])
        self._rarity = single(arrays["rarity"])
        self._kernel = KernelRegression(
            profiles=Profiles(
                *(single(arrays[f"profile/{name}"]) for name in Profiles.__dataclass_fields__)
            ),
            own_bits=np.array([self_bits(self._sequence(row)) for row in self._reference], "f4"),
            duals=single(arrays["duals"]),
            primal=single(arrays["primal"]),
            loadings=single(arrays["loadings"]),
            mean=self._rarity * self._share,
        )
        self._layers: dict[Collection, Layer] = {}

    @classmethod
    def load(cls, folder: Path | None = None) -> "GenePhenoModel":
        """Read a checkpoint; the shipped one by default.

        Raises:
            DataError: It is missing or damaged.
        """
        return cls(read_checkpoint(folder or SHIPPED, FORMAT))

    def vocabulary(self, collection: Collection) -> TermVocabulary:
        """Return the terms that are predicted.

        Raises:
            KnockwiseError: The model does not predict this collection.
        """
        return self._layer(collection).vocabulary

    def protein(self, gene: str) -> Protein:
        """Return the protein of an approved symbol.

        Raises:
            UnknownGeneError: The model has no sequence of it.
        """
        row = self._row.get(gene)
        if row is None:
            raise UnknownGeneError(
                f"The phenotype model has no sequence of {gene}; give one with "
                "`knockwise phenotype --fasta FILE`."
            )
        species: Species = "mouse" if self._checkpoint.names["species"][row] == "mouse" else "human"
        return Protein(gene, species, self._sequence(row), "mirror", inferred=False)

    def known(self, gene: str, collection: Collection) -> tuple[str, ...] | None:
        """Return the terms that were observed of a gene, the most specific as stated.

        None if nothing is known of it; empty if it was examined and nothing abnormal was found.

        Raises:
            KnockwiseError: The model does not know this collection.
        """
        layer = self._layer(collection)
        rows = layer.known.get(gene)
        return None if rows is None else tuple(layer.vocabulary.terms[row] for row in rows)

    def predict(
        self,
        protein: Protein | str,
        collection: Collection,
        without: Sequence[str] = (),
    ) -> PhenotypePrediction:
        """Return the phenotypes that the loss of a protein is expected to cause.

        Args:
            protein: A protein, or its sequence in the twenty residues and X. Of a gene learnt from,
                its own alignment and known functions are left out.
            collection: Whose terms.
            without: GO ids of functions to switch off: they count as in the average protein.

        Raises:
            KnockwiseError: The model does not predict this collection.
        """
        self._layer(collection)
        sequence = protein if isinstance(protein, str) else protein.sequence
        gene = "" if isinstance(protein, str) else protein.gene
        activations, hits = self._activations([sequence], [gene])
        return self._prediction(
            collection, "sequence", activations, without, self._neighbours(sequence, hits)
        )

    def predict_curated(
        self, gene: str, collection: Collection, without: Sequence[str] = ()
    ) -> PhenotypePrediction:
        """Return the phenotypes expected from the functions that GO says a gene has.

        Args:
            gene: An approved symbol.
            collection: Whose terms.
            without: GO ids of functions to switch off.

        Raises:
            UnknownGeneError: No curated functions of it are at hand.
            KnockwiseError: The model does not predict this collection.
        """
        found = self._curated.get(gene)
        if found is None:
            raise UnknownGeneError(
                f"The phenotype model has no curated functions of {gene}; give its sequence with "
                "`knockwise phenotype --fasta FILE`."
            )
        activations = np.zeros((1, len(self.functions)), np.float32)
        activations[0, list(found)] = 1.0
        return self._prediction(collection, "curated functions", activations, without, ())

    def probabilities(self, sequences: Sequence[str]) -> dict[Collection, FloatArray]:
        """Return the probability of every term of every collection `(sequences, terms)`."""
        parts: dict[Collection, list[FloatArray]] = {name: [] for name in self.collections}
        for start in range(0, max(len(sequences), 1), _CHUNK):
            chunk = sequences[start : start + _CHUNK]
            activations, _ = self._activations(chunk, [""] * len(chunk))
            for name in self.collections:
                parts[name].append(self._probabilities(name, activations, "sequence"))
        return {name: np.concatenate(found) for name, found in parts.items()}

    def carried(self, prediction: PhenotypePrediction, row: int, most: int) -> tuple[Function, ...]:
        """Return the functions that raised a phenotype; see `PhenotypePrediction.functions`."""
        layer = self._layer(prediction.collection)
        departure = prediction.activations - self._share
        gain = layer.head.gain if prediction.basis == "sequence" else 1.0
        under = layer.below.indices[layer.below.indptr[row] : layer.below.indptr[row + 1]]
        scores = layer.head.prior[under] + gain * (departure @ layer.weights[:, under])
        weights = gain * layer.weights[:, carrier(scores, row, under)]
        return tuple(
            Function(
                *self.functions[unit],
                activation=float(prediction.activations[unit]),
                weight=float(weights[unit]),
                share=float(self._share[unit]),
            )
            for unit in carrying(weights * departure, self._above, most)
        )

    def genes_with(self, term: str, collection: Collection) -> dict[str, float]:
        """Return P(term) for every gene with curated functions, as `predict_curated` gives it.

        Raises:
            KnockwiseError: The model does not predict this term or collection.
        """
        terms = self.vocabulary(collection).terms
        if term not in terms:
            raise KnockwiseError(f"The phenotype model does not predict {term}; name another.")
        row, names = terms.index(term), list(self._curated)
        found: dict[str, float] = {}
        for start in range(0, len(names), CURATED_AT_ONCE):
            part = names[start : start + CURATED_AT_ONCE]
            activations = np.zeros((len(part), len(self.functions)), np.float32)
            for at, gene in enumerate(part):
                activations[at, list(self._curated[gene])] = 1.0
            p = self._probabilities(collection, activations, "curated functions")[:, row]
            found |= dict(zip(part, p.tolist(), strict=True))
        return found

    def weights(self, collection: Collection) -> FloatArray:
        """Return what each function that is annotated adds to each phenotype `(functions, terms)`.

        Predicted functions, which vary less, add more by the gain of the collection.
        """
        return self._layer(collection).weights

    def _prediction(
        self,
        collection: Collection,
        basis: Basis,
        activations: FloatArray,
        without: Sequence[str],
        neighbours: tuple[Neighbour, ...],
    ) -> PhenotypePrediction:
        layer = self._layer(collection)
        units = {go: unit for unit, (go, _) in enumerate(self.functions)}
        off = [units[go] for go in without if go in units]
        activations = switched_off(activations, self._share, off)
        return PhenotypePrediction(
            collection=collection,
            basis=basis,
            terms=layer.vocabulary.terms,
            names=layer.vocabulary.names,
            probabilities=self._probabilities(collection, activations, basis)[0],
            priors=layer.head.prior,
            activations=activations[0],
            neighbours=neighbours,
            _model=self,
        )

    def _activations(
        self, sequences: Sequence[str], genes: Sequence[str]
    ) -> tuple[FloatArray, Hits]:
        """Return the probability of each function, and the alignments it owes to."""
        hits = self._index.search(sequences)
        own = np.array(genes, object)[hits.query] == self._owners[hits.target]
        if own.any():
            kept = np.flatnonzero(~own)
            fields = ("query", "target", "identity", "coverage", "bits")
            hits = Hits(hits.queries, hits.targets, *(getattr(hits, f)[kept] for f in fields))
        bits = np.array([self_bits(one) for one in sequences], np.float32)
        latent = self._kernel.latent(self._encoder.encode(sequences), bits, hits)
        found = latent @ (self._kernel.loadings / self._rarity) + self._share
        return np.clip(found, 0.0, 1.0), hits

    def _probabilities(
        self, collection: Collection, activations: FloatArray, basis: Basis
    ) -> FloatArray:
        layer = self._layer(collection)
        inward = (activations - self._share) @ self._entry
        scores = layer.head.scores(np.asarray(inward, np.float32), annotated=basis != "sequence")
        return probabilities(scores, layer.head.prior, layer.vocabulary.parents, layer.order)

    def _neighbours(self, sequence: str, hits: Hits) -> tuple[Neighbour, ...]:
        bits = np.array([self_bits(sequence)], np.float32)
        near = likeness(hits, bits, self._kernel.own_bits)
        order = np.argsort(-near.data, kind="stable")[:NEIGHBOURS]
        targets = [int(near.indices[place]) for place in order]
        identities = self._index.identities(sequence, targets)
        species = self._checkpoint.names["species"]
        return tuple(
            Neighbour(
                str(self._owners[target]),
                species[self._reference[target]],
                identity,
                float(near.data[place]),
            )
            for place, target, identity in zip(order, targets, identities, strict=True)
        )

    def _sequence(self, row: int) -> str:
        return self._checkpoint.names["sequences"][row]

    @cached_property
    def _encoder(self) -> SequenceEncoder:
        return encoder(self._checkpoint.config.encoder)

    @cached_property
    def _index(self) -> SequenceIndex:
        return SequenceIndex([self._sequence(row) for row in self._reference])

    @cached_property
    def _owners(self) -> NDArray[np.object_]:
        return np.array([self.genes[row] for row in self._reference], object)

    @cached_property
    def _entry(self) -> FloatArray:
        return np.ascontiguousarray(self._rarity[:, None] * self._kernel.loadings.T)

    @cached_property
    def _above(self) -> tuple[frozenset[int], ...]:
        """Rows of the functions above each function."""
        closed = ancestry(ragged(self._checkpoint.arrays, "function parents"))
        return tuple(
            frozenset(map(int, closed.indices[start:end])) - {row}
            for row, (start, end) in enumerate(
                zip(closed.indptr[:-1], closed.indptr[1:], strict=True)
            )
        )

    @cached_property
    def _curated(self) -> Mapping[str, frozenset[int]]:
        """Rows of the functions that GO says genes have, ancestors included."""
        direct = ragged(self._checkpoint.arrays, "curated")
        return {
            gene: frozenset(map(int, rows)).union(*(self._above[row] for row in rows))
            for gene, rows in zip(self._checkpoint.names["curated"], direct, strict=True)
        }

    def _layer(self, collection: Collection) -> Layer:
        if collection not in self._layers:
            self._layers[collection] = read_layer(self._checkpoint, collection, self._entry)
        return self._layers[collection]
