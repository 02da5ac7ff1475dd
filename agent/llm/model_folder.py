"""What a model's folder says: how much it reads, in which numbers, how it writes calls."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent.llm.errors import LLMError
from knowledge.schema import Frozen

GB = 1e9
# Names of the same number in the configurations of different families.
_LENGTHS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
# These stretch what is said; others, such as yarn and llama3, have stretched it already.
_STRETCHING = ("linear", "dynamic")
_TEMPLATES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")


class ModelFolder(Frozen):
    """A folder that holds a language model, as its files describe it.

    Attributes:
        model_type: What `config.json` calls the architecture.
        context_length: Tokens that it reads and writes; 0 where it does not say.
        dtype: The numbers that its weights are stored in; empty where it does not say.
        quantised: By which method its weights are quantised; empty if they are not.
        template: How it writes a conversation; empty where that is not in the folder.
        weights_gb: Size of the weights, in decimal gigabytes.
    """

    model_type: str = ""
    context_length: int = 0
    dtype: str = ""
    quantised: str = ""
    template: str = ""
    weights_gb: float = 0.0


def is_folder(model: str) -> bool:
    """Return whether a model is named by its folder."""
    return Path(model).expanduser().is_dir()


def read_folder(folder: Path) -> ModelFolder:
    """Return what a model's folder says.

    Raises:
        LLMError: It holds no model that vLLM serves, or its files cannot be read.
    """
    if not (folder / "config.json").is_file():
        if (folder / "params.json").is_file():  # Mistral's own layout, which vLLM knows
            return ModelFolder(model_type="mistral", weights_gb=_weights_gb(folder))
        gguf = "a GGUF file is to be unpacked to safetensors first" if _has_gguf(folder) else ""
        raise LLMError(
            f"{folder} holds no config.json, so no model can be served from it"
            f"{f' ({gguf})' if gguf else ''}; name the folder that the model was downloaded to."
        )
    told = _read(folder / "config.json")
    # A model that sees pictures describes its language model one level below.
    text = {**told, **told["text_config"]} if isinstance(told.get("text_config"), dict) else told
    method = _mapping(text.get("quantization_config")).get("quant_method", "")
    try:
        return ModelFolder(
            model_type=str(told.get("model_type", "")),
            context_length=_context_length(text),
            dtype=str(text.get("dtype") or text.get("torch_dtype") or "").removeprefix("torch."),
            quantised=str(method),
            template=_template(folder),
            weights_gb=_weights_gb(folder),
        )
    except (ValueError, TypeError, ValidationError) as error:
        raise LLMError(
            f"{folder / 'config.json'} cannot be read ({error}); get the model again."
        ) from error


def _context_length(config: Mapping[str, Any]) -> int:
    length = next((int(config[name]) for name in _LENGTHS if config.get(name)), 0)
    scaling = _mapping(config.get("rope_parameters") or config.get("rope_scaling"))
    kind = scaling.get("rope_type", scaling.get("type"))
    return int(length * float(scaling.get("factor") or 1)) if kind in _STRETCHING else length


def _template(folder: Path) -> str:
    """Return the chat template; of several with names, all of them."""
    for name in _TEMPLATES:
        file = folder / name
        if not file.is_file():
            continue
        if file.suffix == ".jinja":
            return _text(file)
        if told := _read(file).get("chat_template"):
            return told if isinstance(told, str) else json.dumps(told)
    return ""


def _weights_gb(folder: Path) -> float:
    files = [*folder.glob("*.safetensors")] or [*folder.glob("*.bin")]
    return sum(file.stat().st_size for file in files) / GB


def _has_gguf(folder: Path) -> bool:
    return any(folder.glob("*.gguf"))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise LLMError(f"{file} cannot be read ({error}); get the model again.") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(_text(file))
    except ValueError as error:
        raise LLMError(f"{file} cannot be read ({error}); get the model again.") from error
    if not isinstance(told, dict):
        raise LLMError(f"{file} cannot be read (it is no object); get the model again.")
    return told
