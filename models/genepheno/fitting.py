"""How the networks that GenePheno is compared with are fitted: inputs, layers, steps."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.genepheno.phenotypes import PhenotypeLabels

if TYPE_CHECKING:
    from torch import Tensor, nn

FloatArray: TypeAlias = NDArray[np.float32]
COMPONENTS = 128
"""Directions that wide features are reduced to before a linear model."""
HIDDEN = 512


@dataclass(frozen=True, slots=True)
class Fitting:
    """How a network of a baseline is fitted.

    Attributes:
        steps: How many batches are learnt from.
        rate: Learning rate of AdamW.
        decay: Weight decay.
        batch: Proteins per step.
    """

    steps: int = 150
    rate: float = 3e-3
    decay: float = 0.1
    batch: int = 256


class Scaler:
    """Main directions of features; over the training proteins the first has unit spread."""

    def __init__(self, features: FloatArray, seed: int) -> None:
        from sklearn.decomposition import PCA

        self._mean = features.mean(axis=0)
        self._spread = np.maximum(features.std(axis=0), 1e-6)
        size = min(COMPONENTS, *features.shape)
        self._axes = PCA(size, svd_solver="randomized", random_state=seed)
        self._axes.fit(self._standard(features))

    def __call__(self, features: FloatArray) -> FloatArray:
        """Return features along these directions `(rows, directions)`."""
        reduced = self._axes.transform(self._standard(features))
        return np.asarray(reduced / np.sqrt(self._axes.explained_variance_[0]), np.float32)

    def _standard(self, features: FloatArray) -> FloatArray:
        return np.asarray((features - self._mean) / self._spread, np.float32)


def output_layer(width: int, labels: PhenotypeLabels) -> "nn.Linear":
    """Return a linear layer over `width` inputs that begins at the term frequencies."""
    import torch

    terms = len(labels.vocabulary)
    layer: nn.Linear = torch.nn.utils.skip_init(torch.nn.Linear, width, terms)  # type: ignore[no-untyped-call]
    share = (labels.frequencies() * len(labels) + 0.5) / (len(labels) + 1)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(torch.from_numpy(np.log(share / (1 - share))))
    return layer


def hidden_layer(width: int, seed: int) -> "nn.Linear":
    """Return a linear layer over `width` inputs with weights drawn as torch draws them."""
    import torch

    layer: nn.Linear = torch.nn.utils.skip_init(torch.nn.Linear, width, HIDDEN)  # type: ignore[no-untyped-call]
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for values in (layer.weight, layer.bias):
            values.uniform_(-(width**-0.5), width**-0.5, generator=generator)
    return layer


def fitted(
    network: "nn.Module", inputs: FloatArray, labels: PhenotypeLabels, fitting: Fitting, seed: int
) -> "nn.Module":
    """Return the network after AdamW on the cross entropy summed over all terms."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    x = torch.from_numpy(inputs)
    optimizer = torch.optim.AdamW(network.parameters(), fitting.rate, weight_decay=fitting.decay)
    rows = torch.zeros(0, dtype=torch.int64)
    for _ in range(fitting.steps):
        if not len(rows):
            rows = torch.randperm(len(x), generator=generator)
        batch, rows = rows[: fitting.batch], rows[fitting.batch :]
        known = labels.propagated[batch.numpy()].toarray().astype(np.float32)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            network(x[batch]), torch.from_numpy(known), reduction="sum"
        )
        optimizer.zero_grad()
        (loss / len(batch)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network


def network_probabilities(network: "nn.Module", inputs: FloatArray) -> FloatArray:
    """Return the probabilities that a network gives `(proteins, terms)`."""
    import torch

    with torch.inference_mode():
        logits: Tensor = network(torch.from_numpy(inputs))
        return np.asarray(torch.sigmoid(logits).numpy(), np.float32)
