"""A trained model of cells' pictures: phenotypes of a cell, and the picture of phenotypes."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from knowledge.schema import Frozen
from models.checkpoint import Checkpoint, Format, read_checkpoint, write_checkpoint
from models.images.network import CellNetwork

Array = NDArray[np.float32]
BATCH = 256


class Config(Frozen):
    """What a model was trained on.

    Attributes:
        channels: Names of the channels, in order.
        planes: Of a cell's picture: the channels, then what tells its outline and surroundings.
        phenotypes: How many numbers a cell is told by.
        seed: Of the training.
        steps: Of the training.
        cells: How many it saw.
    """

    channels: tuple[str, ...]
    planes: int
    phenotypes: int
    seed: int
    steps: int
    cells: int


FORMAT = Format("model of cells' pictures", "knockwise image analyse", Config)


class PhenotypeModel:
    """Encodes cells and decodes phenotypes.

    Attributes:
        config: What it was trained on.
        names: Of the phenotypes: `learnt_01` and so on.
    """

    def __init__(self, config: Config, network: CellNetwork) -> None:
        self.config = config
        self.names = tuple(f"learnt_{i + 1:02d}" for i in range(config.phenotypes))
        self._network = network

    def save(self, folder: Path) -> None:
        """Write it as a checkpoint."""
        arrays = {name: value.numpy() for name, value in self._network.state_dict().items()}
        record = self.config.model_dump(mode="json")
        write_checkpoint(folder, FORMAT, Checkpoint(self.config, arrays=arrays), record)

    @classmethod
    def load(cls, folder: Path) -> "PhenotypeModel":
        """Read what `save` wrote.

        Raises:
            DataError: It is missing or damaged.
        """
        stored = read_checkpoint(folder, FORMAT)
        network = CellNetwork(stored.config.planes, stored.config.phenotypes)
        network.load_state_dict({name: torch.from_numpy(a) for name, a in stored.arrays.items()})
        network.eval()
        return cls(stored.config, network)

    def embed(self, crops: NDArray[np.uint8]) -> Array:
        """Return the phenotypes of cells `(cells, phenotypes)` from pictures of all planes."""
        found = []
        with torch.inference_mode():
            for start in range(0, len(crops), BATCH):
                batch = torch.from_numpy(crops[start : start + BATCH]).float() / 255
                found.append(self._network.encode(batch).mean.numpy())
        return np.concatenate(found) if found else np.zeros((0, self.config.phenotypes), np.float32)

    def decode(self, phenotypes: NDArray[np.floating]) -> Array:
        """Return pictures of the channels `(cells, channels, 48, 48)`, from 0 to 1."""
        with torch.inference_mode():
            made = self._network.decode(torch.from_numpy(np.asarray(phenotypes, np.float32)))
        return np.asarray(made[:, : len(self.config.channels)].numpy().clip(0, 1))
