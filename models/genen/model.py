"""Answers what properties a gene has and what embeds it, from a trained checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import DataError
from knowledge.texts.encoder import Encoder
from knowledge.texts.vector_store import text_digest
from models.checkpoint import damaged, read_checkpoint
from models.genen.attribution import Influence, InfluenceKind, influences
from models.genen.checkpoint import FORMAT, Checkpoint, PropertyConfig
from models.genen.heads import probabilities
from models.genen.labels import TaskName
from models.genen.neighbourhood import Neighbourhood
from models.genen.representation import TextSpace, heard
from models.genen.texts import FloatArray, GeneText, embed
from models.inputs.genes import rows_of

SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "genen"
Support = Literal["text and neighbours", "text alone", "neighbours alone", "nothing"]
CHANCE: Mapping[str, float] = {"AUROC": 0.5, "Pearson r": 0.0}
MARGIN = 0.1
"""How far above chance the low end of a head's held-out interval must be for it to speak."""


@dataclass(frozen=True, slots=True)
class Property:
    """What is predicted of one property of a gene, and what is known of it.

    Attributes:
        config: The property, and how its head did on held-out genes.
        scores: Probability of each class, of a class that applies or not (several labels), or the
            value itself. Of a binary property: the negative class, then the positive one.
        held_out: The same from heads that never saw this gene's label, if it has one.
        known: The label it has: a class, classes joined by commas (`neither` for none), or a value.
        support: What the prediction could be made from.
        silence: Why nobody should rely on it; empty where nothing speaks against it.
        resemblance: Cosine to the most alike of the other genes that the head learnt from.
        towards: The class whose score `influences` moved.
        influences: All that moved that score, the strongest first; with `intercept` they add up to
            the log-odds of the class (of several classes: to its distance from the classes' mean),
            or to the value.
        intercept: The score of a gene of which nothing is known.
    """

    config: PropertyConfig
    scores: tuple[float, ...]
    held_out: tuple[float, ...] | None
    known: str | float | None
    support: Support
    silence: str
    resemblance: float
    towards: str
    influences: tuple[Influence, ...]
    intercept: float

    @property
    def name(self) -> TaskName:
        """Return what tables and commands call it."""
        return self.config.name

    def moved_by(self, kind: InfluenceKind) -> float:
        """Return what all influences of a kind added to the score."""
        return sum(one.push for one in self.influences if one.kind == kind)

    @property
    def call(self) -> str:
        """Return the class of the highest probability, classes above a half, or the value."""
        return called(self.config, self.scores)


class GenenModel:
    """A trained model of gene properties.

    Attributes:
        config: What it predicts and how well.
        genes: Every gene it knows.
        version: Hash of the stored files, and of texts that were changed since.
    """

    def __init__(self, checkpoint: Checkpoint, neighbourhood: Neighbourhood | None = None) -> None:
        self.config = checkpoint.config
        self.genes = checkpoint.names["genes"]
        self.version = checkpoint.version
        self._checkpoint = checkpoint
        self._arrays = checkpoint.arrays
        self._row = {gene: row for row, gene in enumerate(self.genes)}
        self._neighbourhood = neighbourhood or Neighbourhood.restored(
            self.genes, checkpoint.names["terms"], checkpoint.arrays
        )
        self._own = self._arrays["own"].astype(np.float32)

    @classmethod
    def load(cls, folder: Path | None = None) -> "GenenModel":
        """Read a checkpoint; the shipped one by default.

        Raises:
            DataError: It is missing or damaged.
        """
        folder = folder or SHIPPED
        checkpoint = read_checkpoint(folder, FORMAT)
        try:
            return cls(checkpoint)
        except ValueError as error:
            raise damaged(folder, FORMAT, error) from error

    @cached_property
    def embeddings(self) -> NDArray[np.float16]:
        """Return a vector for every gene of `genes`, made without any label `(genes, d)`.

        What is written about the gene, what is written about its partners, and its place among
        partners and GO terms, in parts of equal weight; zeros where a part is unknown.
        """
        parts = (self._own, self._heard, self._arrays["place"])
        return np.concatenate([np.asarray(part, np.float16) for part in parts], axis=1)

    def embedding(self, gene: str) -> NDArray[np.float16]:
        """Return the gene's vector `(d,)`.

        Raises:
            UnknownGeneError: The model does not know the gene.
        """
        return np.asarray(self.embeddings[self._index(gene)])

    def support(self, gene: str) -> Support:
        """Return what is known of a gene to predict from.

        Raises:
            UnknownGeneError: The model does not know the gene.
        """
        row = self._index(gene)
        written = bool(self._own[row].any())
        if self._neighbourhood.connected[row]:
            return "text and neighbours" if written else "neighbours alone"
        return "text alone" if written else "nothing"

    def term_name(self, term: str) -> str:
        """Return the name of a GO term that `influences` name."""
        return self._term_names[term]

    def partners(self, gene: str) -> dict[str, float]:
        """Return the confidence of each of a gene's interactions, the surest first.

        Raises:
            UnknownGeneError: The model does not know the gene.
        """
        found = self._neighbourhood.partners[[self._index(gene)]]
        order = np.argsort(-found.data, kind="stable")
        return {self.genes[found.indices[i]]: float(found.data[i]) for i in order}

    def properties(self, gene: str) -> tuple[Property, ...]:
        """Return what is predicted and known of each property of a gene.

        Raises:
            UnknownGeneError: The model does not know the gene.
        """
        row = self._index(gene)
        return tuple(self._property(config, gene, row) for config in self.config.properties)

    def with_text(self, text: GeneText, encoder: Encoder) -> "GenenModel":
        """Return the model after another text was written about a gene; nothing is trained.

        The gene's own coordinates and what its partners hear of it follow the text; all other
        genes, and where it stands in the graph, stay. A text without description is no text.

        Args:
            text: The gene, its name and what is written about it.
            encoder: The one that the model was trained with.

        Raises:
            DataError: `encoder` is another.
            UnknownGeneError: The model does not know the gene.
        """
        if encoder.fingerprint != self.config.fingerprint:
            raise DataError(
                f"This Genen model reads texts with {self.config.encoder}, and vectors of "
                f"{encoder.name} differ; use its encoder, or train a model for yours with "
                "`knockwise train genen --encoder`."
            )
        row = self._index(text.symbol)
        vector = embed([text.text], encoder)
        space = TextSpace(self._arrays["text/mean"], self._arrays["text/directions"])
        own = self._arrays["own"].copy()
        own[row] = space.project(vector, np.array([bool(text.description)]))[0]
        changed = replace(
            self._checkpoint,
            arrays={**self._arrays, "own": own},
            version=f"{self.version}+{text.symbol}:{text_digest(text.text)[:8]}",
        )
        return GenenModel(changed, self._neighbourhood)

    def _index(self, gene: str) -> int:
        return int(rows_of([gene], self._row)[0])

    @cached_property
    def _heard(self) -> FloatArray:
        return heard(self._neighbourhood.hearing, self._own) * np.float32(self.config.heard_scale)

    @cached_property
    def _term_names(self) -> Mapping[str, str]:
        names = self._checkpoint.names
        return dict(zip(names["terms"], names["term_names"], strict=True))

    @cached_property
    def _directions(self) -> FloatArray:
        """Embeddings of unit length, by which genes are compared `(genes, d)`."""
        return unit(self.embeddings)

    def _property(self, config: PropertyConfig, gene: str, row: int) -> Property:
        name = config.name
        weights = self._arrays[f"{name}/weights"].astype(np.float64)
        intercept = self._arrays[f"{name}/intercept"].astype(np.float64)
        logits = self._logits(row, weights, intercept)
        scores = both_classes(config, probabilities(config.kind, logits[None])[0])
        labelled = self._arrays[f"{name}/rows"].astype(np.int64)
        place = np.flatnonzero(labelled == row)
        known, held_out = None, None
        if len(place):
            known = named(config, self._arrays[f"{name}/labels"][place[0]])
            found = self._arrays[f"{name}/held_out"][place[0]].astype(np.float64)
            held_out = both_classes(config, found)
        resemblance = self._resemblance(row, labelled)
        support = self.support(gene)
        output = _spoken_of(config, logits)
        vector, start = weights[:, output], float(intercept[output])
        if config.kind == "multiclass":
            vector, start = vector - weights.mean(axis=1), start - float(intercept.mean())
        towards = config.classes[1] if config.kind == "binary" else ""
        if config.kind in {"multiclass", "multilabel"}:
            towards = config.classes[output]
        return Property(
            config=config,
            scores=scores,
            held_out=held_out,
            known=known,
            support=support,
            silence=self._silence(config, row, support, resemblance, known is not None),
            resemblance=resemblance,
            towards=towards,
            influences=influences(
                row, self._own, self._neighbourhood, self.config.heard_scale, vector
            ),
            intercept=start,
        )

    def _logits(
        self, row: int, weights: NDArray[np.float64], intercept: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        texts = np.concatenate([self._own[row], self._heard[row]])
        width = len(texts)
        named_part = self._neighbourhood.rows[[row]] @ weights[width:]
        return np.asarray(texts @ weights[:width] + named_part[0] + intercept, np.float64)

    def _resemblance(self, row: int, labelled: NDArray[np.int64]) -> float:
        others = labelled[labelled != row]
        return float((self._directions[others] @ self._directions[row]).max(initial=-1.0))

    def _silence(
        self,
        config: PropertyConfig,
        row: int,
        support: Support,
        resemblance: float,
        labelled: bool,
    ) -> str:
        """Return why a prediction should not be relied on, or nothing."""
        if support == "nothing":
            return "neither a description nor an interaction nor an annotation of it is known"
        if near_chance(config):
            value, low, high = config.held_out
            return (
                "held-out genes can hardly be told apart "
                f"({config.metric} {value:.2f}, {low:.2f} to {high:.2f})"
            )
        if labelled:
            return ""
        if config.common and not self._has(row, config.common):
            name = self.term_name(config.common)
            return f"its labels are of genes with GO term {name} ({config.common}), which it lacks"
        if resemblance < config.nearest:
            return f"it resembles none of the {config.genes:,} genes whose labels were learnt from"
        return ""

    def _has(self, row: int, term: str) -> bool:
        column = self._checkpoint.names["terms"].index(term)
        return bool(column in self._neighbourhood.annotated[[row]].indices)


def both_classes(config: PropertyConfig, found: NDArray[np.float64]) -> tuple[float, ...]:
    """Return a number per class: of a binary property both, though one is predicted."""
    if config.kind == "binary":
        return 1 - float(found[0]), float(found[0])
    return tuple(float(value) for value in found)


def called(config: PropertyConfig, scores: Sequence[float]) -> str:
    """Return the class of the highest probability, the classes above a half, or the value."""
    if config.kind == "regression":
        return f"{scores[0]:.2f}"
    if config.kind == "multilabel":
        above = [name for name, p in zip(config.classes, scores, strict=True) if p > 0.5]
        return ", ".join(above) or "neither"
    return config.classes[int(np.argmax(scores))]


def named(config: PropertyConfig, label: NDArray[np.generic] | np.generic) -> str | float:
    """Return a stored label in words, or the value."""
    if config.kind == "regression":
        return float(np.asarray(label))
    if config.kind == "multilabel":
        held = [name for name, yes in zip(config.classes, np.asarray(label), strict=True) if yes]
        return ", ".join(held) or "neither"
    return config.classes[int(np.asarray(label))]


def unit(vectors: NDArray[np.floating]) -> FloatArray:
    """Return rows of unit length, zeros where there was nothing."""
    found: FloatArray = vectors.astype(np.float32)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.float32(1e-9))
    return found


def near_chance(config: PropertyConfig) -> bool:
    """Return whether the head cannot be told clearly from chance on held-out genes."""
    return config.held_out[1] < CHANCE[config.metric] + MARGIN


def _spoken_of(config: PropertyConfig, logits: NDArray[np.float64]) -> int:
    """Return the output whose score is explained: the likeliest class, or the surest label."""
    if config.kind == "multiclass":
        return int(np.argmax(logits))
    return int(np.argmax(np.abs(logits))) if config.kind == "multilabel" else 0
