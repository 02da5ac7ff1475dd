"""Turns protein sequences into vectors: our own profile, or a protein language model by name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import KnockwiseError
from models.genepheno.descriptors import descriptors
from models.inputs.unirep import UniRep, encoded

FloatArray: TypeAlias = NDArray[np.float32]
PROFILE = "profile"
UNIREP = ".npz"
"""The suffix of UniRep's weights, by which they are known."""
WINDOW = 1022
"""Residues that ESM-2 was trained on at once, without its two marks."""


class SequenceEncoder(Protocol):
    """Anything that turns sequences of the twenty residues and X into vectors."""

    name: str

    def encode(self, sequences: Sequence[str]) -> FloatArray:
        """Return one vector per sequence `(sequences, width)`."""
        ...

    def weights(self, width: int) -> FloatArray:
        """Return what each standardised entry of a vector counts `(width,)`."""
        ...


class ProfileEncoder:
    """Composition, physico-chemical patterns, spaced pairs of residue classes and motifs.

    Nothing is learnt here. Each family of descriptors is divided by the root of its size, such that
    large families do not drown small ones once every descriptor has unit spread.
    """

    name = PROFILE

    def encode(self, sequences: Sequence[str]) -> FloatArray:
        """Return the descriptors `(sequences, descriptors)`."""
        rows = [np.concatenate(list(descriptors(one).values())) for one in sequences]
        return np.array(rows, np.float32).reshape(len(rows), len(family_weights()))

    def weights(self, width: int) -> FloatArray:
        """Return the same for all descriptors of a family, and as much for each family."""
        return family_weights()


def family_weights() -> FloatArray:
    """Return what each standardised descriptor is multiplied with `(descriptors,)`."""
    sizes = [len(values) for values in descriptors("X").values()]
    return np.concatenate([np.full(size, size**-0.5) for size in sizes]).astype(np.float32)


class LanguageEncoder:
    """A protein language model of the ESM-2 kind: the mean of its last hidden states.

    Sequences beyond its window are read window by window, each residue once.

    Args:
        name: A Hugging Face name, such as `facebook/esm2_t6_8M_UR50D`, or a folder.

    Raises:
        KnockwiseError: It is not on this machine and cannot be had.
    """

    def __init__(self, name: str) -> None:
        from transformers import AutoModel, AutoTokenizer

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(name)
            self._model = AutoModel.from_pretrained(name).eval()
        except (OSError, ValueError) as error:
            why = next(iter(str(error).splitlines()), type(error).__name__)
            raise KnockwiseError(
                f"The encoder {name} cannot be loaded ({why}); download it on a machine with "
                f"internet and name its folder, or use the encoder {PROFILE!r}."
            ) from error
        self.name = name

    def encode(self, sequences: Sequence[str]) -> FloatArray:
        """Return the mean of the residues' last hidden states `(sequences, width)`."""
        rows = [self._one(one or "X") for one in sequences]
        return np.array(rows, np.float32).reshape(len(rows), self._model.config.hidden_size)

    def weights(self, width: int) -> FloatArray:
        """Return the same for every entry."""
        return _alike(width)

    def _one(self, sequence: str) -> FloatArray:
        import torch

        total = np.zeros(self._model.config.hidden_size, np.float64)
        for start in range(0, len(sequence), WINDOW):
            read = self._tokenizer(sequence[start : start + WINDOW], return_tensors="pt")
            with torch.inference_mode():
                hidden = self._model(**read).last_hidden_state[0, 1:-1]
            total += hidden.sum(0).double().numpy()
        return (total / len(sequence)).astype(np.float32)


class UniRepEncoder:
    """UniRep's mean hidden state, beside our own profile.

    Args:
        path: UniRep's weights.
        folder: Where its states are kept, so that none is worked out twice.

    Raises:
        DataError: The file does not hold them.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self.name = str(path)
        self._path, self._folder = path, folder
        self._units, self._profile = UniRep(path).units, ProfileEncoder()

    def encode(self, sequences: Sequence[str]) -> FloatArray:
        """Return the descriptors, then UniRep's states `(sequences, descriptors + units)`."""
        states = encoded(self._path, sequences, self._folder)
        return np.hstack([self._profile.encode(sequences), states])

    def weights(self, width: int) -> FloatArray:
        """Return those of the profile, and as much as one family for UniRep."""
        return np.concatenate([family_weights(), _alike(self._units)])


def _alike(width: int) -> FloatArray:
    return np.full(width, width**-0.5, np.float32)


def encoder(name: str = PROFILE) -> SequenceEncoder:
    """Return the encoder of that name.

    Args:
        name: `profile`, the `.npz` file of UniRep's weights, or a language model of the ESM-2 kind
            by its Hugging Face name or folder.

    Raises:
        KnockwiseError: It cannot be loaded.
    """
    if name == PROFILE:
        return ProfileEncoder()
    return UniRepEncoder(Path(name)) if name.endswith(UNIREP) else LanguageEncoder(name)
