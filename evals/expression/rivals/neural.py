"""The AdaptivePerturbPredictor as a predictor: fitted to a screen, kept in a folder, asked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from evals.expression.rivals.architecture import (
    AdaptivePerturbPredictor,
    AppConfig,
    PerturbationDecoder,
)
from evals.expression.rivals.fitting import (
    BATCH,
    SumOfSingles,
    Task,
    held_out_parts,
    member_rows,
    network_features,
    train,
)
from evals.expression.rivals.network import GeneNetwork
from knowledge.errors import DataError
from models.expression.genes import GeneFeatures
from models.expression.screens import ExpressionScreen, FloatArray, Genes

PAPER = AppConfig()
EXTENDED = AppConfig(
    embedding="features",
    layers=1,
    decoder="mlp",
    state=("attended", "context", "spread"),
    rank=20,
    responses=20,
    base="sum",
    dropout=0.1,
    loss="distance",
    members=5,
)
"""Known genes, shown responses, a residual on the scaled sum and five models."""
ABLATIONS: Mapping[str, AppConfig] = {
    "no network, identity": AppConfig(layers=0),
    "no network, random": AppConfig(layers=0, embedding="random"),
    "no attention": AppConfig(attention=0),
    "MLP decoder": AppConfig(decoder="mlp"),
    "sum aggregation": AppConfig(aggregation="sum"),
    "max aggregation": AppConfig(aggregation="max"),
}
"""One change each to `PAPER`; `evals.expression.rivals.network.degraded` spoils networks."""
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class FittedApp:
    """Trained models, averaged. Only what predicting needs: the states of genes and the decoders.

    Attributes:
        name: Of the predictor.
        config: What was trained.
        network: The genes that states are of.
        readouts: What is predicted.
        base: What the models add to, `None`: to nothing.
        scale: Of the models' output.
        states: Of each model's genes `(genes, width)`.
        decoders: Of each model.
    """

    name: str
    config: AppConfig
    network: GeneNetwork
    readouts: tuple[str, ...]
    base: SumOfSingles | None
    scale: float
    states: tuple[Tensor, ...]
    decoders: tuple[PerturbationDecoder, ...]

    def predict(self, perturbations: Sequence[Genes]) -> FloatArray:
        """Return the change of every readout `(perturbations, readouts)`.

        Raises:
            UnknownGeneError: A gene is outside the network; the sentence names it.
        """
        change = np.zeros((len(perturbations), len(self.readouts)), np.float32)
        with torch.no_grad():
            for start in range(0, len(perturbations), BATCH):
                members = member_rows(self.network, perturbations[start : start + BATCH])
                for states, decoder in zip(self.states, self.decoders, strict=True):
                    change[start : start + BATCH] += decoder(states, members).numpy()
        change *= self.scale / len(self.decoders)
        return change if self.base is None else change + self.base.predict(perturbations)

    def attention(self, genes: Genes) -> list[tuple[str, float]]:
        """Return every gene of the network and its weight, highest first; weights sum to one."""
        members = member_rows(self.network, [genes])
        with torch.no_grad():
            found = [
                decoder.attention(states, members)[0]
                for states, decoder in zip(self.states, self.decoders, strict=True)
            ]
        weights = torch.stack(found).mean(0).tolist()
        pairs = zip(self.network.symbols, weights, strict=True)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def save(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors` into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        config: dict[str, Any] = {
            "format": _FORMAT,
            "name": self.name,
            "config": self.config.model_dump(mode="json"),
            "genes": self.network.symbols,
            "readouts": self.readouts,
            "scale": self.scale,
        }
        tensors = {"edges": torch.from_numpy(self.network.pairs).clone()}
        if self.base is not None:
            config["base"] = {"genes": self.base.genes, "scale": self.base.scale}
            tensors["base.mean"] = torch.tensor(self.base.mean)
            tensors["base.single"] = torch.tensor(self.base.single)
        for member, (states, decoder) in enumerate(zip(self.states, self.decoders, strict=True)):
            tensors[f"{member}.states"] = states.contiguous()
            for name, tensor in decoder.state_dict().items():
                tensors[f"{member}.decoder.{name}"] = tensor.clone()
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        save_file(tensors, folder / "model.safetensors")

    @classmethod
    def load(cls, folder: Path) -> "FittedApp":
        """Read what `save` wrote.

        Raises:
            DataError: The folder is missing, damaged or of another format.
        """
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            if config["format"] != _FORMAT:
                raise DataError(
                    f"{folder}: format {config['format']}, expected {_FORMAT}; train it again."
                )
            return cls._from(config, load_file(folder / "model.safetensors"))
        except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
            # A ValidationError is a ValueError; tensors of the wrong size are a RuntimeError.
            raise DataError(
                f"{folder} holds no readable network ({type(error).__name__}: {error}); "
                "train it again with `knockwise train expression`."
            ) from error

    @classmethod
    def _from(cls, config: dict[str, Any], tensors: dict[str, Tensor]) -> "FittedApp":
        settings = AppConfig.model_validate(config["config"])
        readouts = tuple(config["readouts"])
        base = None
        if "base" in config:
            base = SumOfSingles(
                tensors["base.mean"].numpy(),
                tuple(config["base"]["genes"]),
                tensors["base.single"].numpy(),
                float(config["base"]["scale"]),
            )
        decoders = []
        for member in range(settings.members):
            start = f"{member}.decoder."
            own = {
                name.removeprefix(start): tensor
                for name, tensor in tensors.items()
                if name.startswith(start)
            }
            decoder = PerturbationDecoder(settings, len(readouts), own.get("basis"))
            decoder.load_state_dict(own)
            decoders.append(decoder.eval())
        return cls(
            config["name"],
            settings,
            GeneNetwork(tuple(config["genes"]), tensors["edges"].numpy()),
            readouts,
            base,
            float(config["scale"]),
            tuple(tensors[f"{member}.states"] for member in range(settings.members)),
            tuple(decoders),
        )


@dataclass(frozen=True, slots=True)
class NeuralApp:
    """The AdaptivePerturbPredictor with its settings, but without data.

    Attributes:
        name: What tables call it.
        config: Which model.
        network: Every gene that is or will be perturbed, and its neighbours.
        features: What is known of each gene, where the config asks for it.
    """

    name: str
    config: AppConfig
    network: GeneNetwork
    features: GeneFeatures | None = None

    def fit(self, screen: ExpressionScreen, seed: int) -> FittedApp:
        """Train on the rows of `screen`; equal seeds give equal numbers.

        Each model stops early on a part of the rows that is held out from it.

        Raises:
            UnknownGeneError: A gene is outside the network, or has no features where they are
                asked for; the sentence names it.
        """
        base = SumOfSingles.of(screen) if self.config.base == "sum" else None
        task = Task.of(self.config, self.network, screen, base)
        known = None
        if self.config.embedding == "features" and self.features is not None:
            known = torch.from_numpy(network_features(self.features, self.network))
        held_out = held_out_parts(screen, self.config.held_out, seed)
        fitted = []
        with torch.random.fork_rng(devices=[]):  # leaves the state of others alone
            for member in range(self.config.members):
                torch.manual_seed(1000 * seed + member)
                model = AdaptivePerturbPredictor(
                    self.config,
                    len(self.network.symbols),
                    len(screen.readouts),
                    known,
                    task.basis,
                )
                train(model, task, held_out == member % max(self.config.held_out, 1), self.config)
                fitted.append(model.eval().requires_grad_(False))
        return FittedApp(
            self.name,
            self.config,
            self.network,
            screen.readouts,
            base,
            task.scale,
            tuple(model.encoder(task.edges, task.shown) for model in fitted),
            tuple(model.decoder for model in fitted),
        )
