"""The shipped encoder in other precisions and with shorter texts."""

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from knowledge.texts.encoder import SentenceEncoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

OURS = "as shipped"
_BATCH = 32
_INPUTS = ("input_ids", "attention_mask")


class Float32(SentenceEncoder):
    """Computes in float32, as processors without bfloat16 do."""

    @cached_property
    def _model(self) -> "SentenceTransformer":
        return super()._model.float()


class TorchInt8(SentenceEncoder):
    """Linear layers with 8-bit weights, inputs quantised as they come (torch, fbgemm)."""

    @cached_property
    def _model(self) -> "SentenceTransformer":
        import torch
        from torch.ao.quantization import quantize_dynamic

        with warnings.catch_warnings():
            # It is to move to torchao, which offers nothing faster for a processor yet.
            warnings.simplefilter("ignore")
            model: SentenceTransformer = quantize_dynamic(  # type: ignore[no-untyped-call]
                super()._model.float(), {torch.nn.Linear}, dtype=torch.qint8
            )
        return model


class OnnxInt8(SentenceEncoder):
    """The same in ONNX Runtime, whose quantiser also takes the embeddings."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of texts, `(texts, dim)`."""
        found = []
        for start in range(0, len(texts), _BATCH):
            words = self._tokens(list(texts[start : start + _BATCH]))
            fed = {name: words[name].astype(np.int64) for name in _INPUTS}
            (hidden,) = self._session.run(None, fed)
            counted = fed["attention_mask"][..., None]
            found.append((hidden * counted).sum(1) / counted.sum(1))
        vectors: NDArray[np.float32] = np.concatenate(found).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def encode_query(self, query: str) -> NDArray[np.float32]:
        """Return the unit vector of a query, `(dim,)`."""
        vector: NDArray[np.float32] = self.encode([query])[0]
        return vector

    def _tokens(self, texts: list[str]) -> Mapping[str, Any]:
        model = self._model
        found: Mapping[str, Any] = model.tokenizer(
            texts, padding=True, truncation=True, max_length=model.max_seq_length,
            return_tensors="np",
        )  # fmt: skip
        return found

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401  # it has no types
        import torch
        from onnxruntime import InferenceSession, SessionOptions
        from onnxruntime.quantization import QuantType, quantize_dynamic

        first: Any = self._model[0]
        layers = first.auto_model.float().eval()

        class Hidden(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layers = layers

            def forward(self, words: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
                told = self.layers(input_ids=words, attention_mask=counted)
                found: torch.Tensor = told.last_hidden_state
                return found

        words = self._tokens(["a text", "another, longer text"])
        options = SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            whole, small = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
            axes = {0: "texts", 1: "tokens"}
            torch.onnx.export(
                Hidden(),
                tuple(torch.tensor(words[name]) for name in _INPUTS),
                whole,
                dynamo=False,
                opset_version=17,
                input_names=list(_INPUTS),
                output_names=["hidden"],
                dynamic_axes=dict.fromkeys((*_INPUTS, "hidden"), axes),
            )
            quantize_dynamic(whole, small, weight_type=QuantType.QInt8)
            return InferenceSession(small.read_bytes(), options, ["CPUExecutionProvider"])


def _shortened(tokens: int) -> type[SentenceEncoder]:
    class Shortened(SentenceEncoder):
        @cached_property
        def _model(self) -> "SentenceTransformer":
            model = super()._model
            model.max_seq_length = tokens
            return model

    return Shortened


RIVALS: Mapping[str, type[SentenceEncoder]] = {
    "float32": Float32,
    "int8, torch": TorchInt8,
    "int8, ONNX Runtime": OnnxInt8,
    "64 tokens": _shortened(64),
}
NEEDS: Mapping[str, str] = {"int8, ONNX Runtime": "onnx"}
"""Packages that a rival needs and no extra of ours brings."""


def missing(rival: str) -> str:
    """Return the package that a rival lacks here; empty if it can be tried."""
    package = NEEDS.get(rival, "")
    return package if package and find_spec(package) is None else ""
