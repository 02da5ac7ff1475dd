"""Answers which channels of a Cell Painting losing a gene alters: measured, and predicted apart."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.schema import Frozen
from models.checkpoint import read_checkpoint
from models.inputs.genes import UnknownGeneError
from models.morphology.checkpoint import FORMAT, Checkpoint
from models.morphology.kernel import alike, logistic

SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "morphology"
NEAREST = 5
NOT_MEASURED = 65535


class ChannelMeasured(Frozen):
    """What the screen counted in one channel.

    Attributes:
        channel: Its stain.
        features: Significantly changed features in DMEM.
        threshold: From how many the channel is altered.
        altered: Whether it is; never of a knockout that is no hit.
        percentile: Share of the measured knockouts with fewer.
        other_medium: Features in HPLM; None if it was not measured there.
    """

    channel: str
    features: int
    threshold: int
    altered: bool
    percentile: float
    other_medium: int | None


class ChannelPredicted(Frozen):
    """What is predicted of one channel.

    Attributes:
        channel: Its stain.
        probability: That losing the gene alters it, if it alters anything.
        usual: Share of the hits that alter it.
        auroc: Over held-out hits: value, low, high.
    """

    channel: str
    probability: float
    usual: float
    auroc: tuple[float, float, float]


class RelatedHit(Frozen):
    """A measured hit that the prediction rests on.

    Attributes:
        gene: Its symbol.
        likeness: How alike what is known of the two is; 1 is a gene to itself.
        altered: Channels that its knockout alters.
    """

    gene: str
    likeness: float
    altered: tuple[str, ...]


class Morphology(Frozen):
    """What losing a gene does to how HeLa cells look.

    Attributes:
        gene: Its symbol.
        measured: By channel; empty where the screen did not measure the gene.
        hit: Whether the screen lists the knockout as a hit; None if it was not measured.
        predicted: By channel, from other genes alone; empty where nothing is known of the gene.
        related: The hits that are most like it.
    """

    gene: str
    measured: tuple[ChannelMeasured, ...]
    hit: bool | None
    predicted: tuple[ChannelPredicted, ...]
    related: tuple[RelatedHit, ...]


class MorphologyModel:
    """The shipped screen and what was learnt from it.

    Attributes:
        config: What it predicts and how well.
        genes: Every gene it predicts.
        version: Hash of the stored files.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config = checkpoint.config
        self.genes = checkpoint.names["genes"]
        self.version = checkpoint.version
        self._arrays = checkpoint.arrays
        self._measured = checkpoint.names["measured"]

    @classmethod
    def load(cls, folder: Path | None = None) -> "MorphologyModel":
        """Read a checkpoint; the shipped one by default.

        Raises:
            DataError: It is missing or damaged.
        """
        return cls(read_checkpoint(folder or SHIPPED, FORMAT))

    @cached_property
    def _row(self) -> Mapping[str, int]:
        return {gene: row for row, gene in enumerate(self.genes)}

    @cached_property
    def _measured_row(self) -> Mapping[str, int]:
        return {gene: row for row, gene in enumerate(self._measured)}

    def of(self, gene: str) -> Morphology:
        """Return what is measured and what is predicted of a gene by its approved symbol.

        A gene that is a hit itself is predicted without its own label.

        Raises:
            UnknownGeneError: It is neither measured nor known of.
        """
        measured, hit = self._counted(gene)
        predicted, related = self._foreseen(gene)
        if not measured and not predicted:
            raise UnknownGeneError(
                f"{gene} was not measured in PERISCOPE, and nothing is known of it to predict "
                "from; ask about another gene."
            )
        return Morphology(
            gene=gene, measured=measured, hit=hit, predicted=predicted, related=related
        )

    def _counted(self, gene: str) -> tuple[tuple[ChannelMeasured, ...], bool | None]:
        row = self._measured_row.get(gene)
        if row is None:
            return (), None
        counts, hit = self._arrays["counts"], bool(self._arrays["hit"][row])
        elsewhere = self._arrays["counts_hplm"][row]
        found = []
        for number, channel in enumerate(self.config.channels):
            features, threshold = int(counts[row, number]), self.config.thresholds[number]
            there = int(elsewhere[number])
            found.append(
                ChannelMeasured(
                    channel=channel,
                    features=features,
                    threshold=threshold,
                    altered=hit and features >= threshold,
                    percentile=float((counts[:, number] < features).mean()),
                    other_medium=None if there == NOT_MEASURED else there,
                )
            )
        return tuple(found), hit

    def _foreseen(self, gene: str) -> tuple[tuple[ChannelPredicted, ...], tuple[RelatedHit, ...]]:
        row = self._row.get(gene)
        if row is None:
            return (), ()
        config, rows = self.config, self._arrays["rows"].astype(np.int64)
        vector = self._vectors[[row]]
        if not vector.any():
            return (), ()
        near = alike(vector, self._traits[[row]], self._vectors[rows], self._traits[rows])[0]
        own = np.flatnonzero(rows == row)
        if len(own):
            scores = self._arrays["held_out"][own[0]].astype(np.float32)
        else:
            scores = np.array(config.mean) + near @ self._arrays["duals"].astype(np.float32)
        chances = logistic(scores, np.array(config.slope), np.array(config.start))
        predicted = tuple(
            ChannelPredicted(
                channel=channel,
                probability=float(chances[number]),
                usual=config.mean[number],
                auroc=config.held_out[number],
            )
            for number, channel in enumerate(config.channels)
        )
        return predicted, self._related(row, rows)

    def _related(self, row: int, rows: NDArray[np.int64]) -> tuple[RelatedHit, ...]:
        lengths = np.linalg.norm(self._vectors[rows], axis=1) * np.linalg.norm(self._vectors[row])
        cosine = self._vectors[rows] @ self._vectors[row] / np.maximum(lengths, 1e-6)
        cosine[rows == row] = -1
        found = []
        for at in np.argsort(-cosine, kind="stable")[:NEAREST]:
            gene = self.genes[rows[at]]
            measured, _ = self._counted(gene)
            altered = tuple(one.channel for one in measured if one.altered)
            found.append(RelatedHit(gene=gene, likeness=float(cosine[at]), altered=altered))
        return tuple(found)

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        return np.asarray(self._arrays["vectors"].astype(np.float32) * self.config.vector_scale)

    @cached_property
    def _traits(self) -> NDArray[np.float32]:
        return np.asarray(self._arrays["traits"].astype(np.float32) * self.config.trait_scale)
