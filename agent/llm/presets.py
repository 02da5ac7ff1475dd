"""The open models we know how to serve, and what their families need of vLLM."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from agent.llm.errors import LLMError
from knowledge.schema import Frozen
from knowledge.strict_yaml import read_yaml

PRESETS = Path(__file__).with_name("presets.yaml")


class Family(Frozen):
    """How models of one kind write what is not prose.

    Attributes:
        names: Patterns of the names they go by.
        model_types: What `config.json` calls them.
        tool_parser: vLLM's parser of their tool calls; empty if it has none.
        reasoning_parser: vLLM's parser of their thoughts; empty if they have none.
        thinks: Whether they cannot be kept from thinking.
        token: A word that their tokenizer must have, where others are of the same type.
    """

    names: tuple[str, ...]
    model_types: tuple[str, ...] = ()
    token: str = ""
    tool_parser: str = ""
    reasoning_parser: str = ""
    thinks: bool = False


class Preset(Frozen):
    """A model with what it needs; see the comment in `presets.yaml`."""

    model: str
    family: str
    parameters_b: float
    weights_gb: float
    gpus: str
    licence: str
    tensor_parallel: int = 1
    gated: bool = False
    note: str = ""


class _File(Frozen):
    families: dict[str, Family]
    presets: dict[str, Preset]


@cache
def _file() -> _File:
    return read_yaml(PRESETS, _File)


def presets() -> Mapping[str, Preset]:
    """Return the presets by name, the smallest first."""
    return _file().presets


def family_of(model: str) -> Family | None:
    """Return the family of a model by preset, name or folder; `None` if nobody knows it."""
    families = _file().families
    for name, preset in presets().items():
        if model in {name, preset.model}:
            return families[preset.family]
    config = Path(model) / "config.json"
    name = Path(model).name.casefold()
    # The longest pattern says most about a name.
    named = [
        (len(pattern), family)
        for family in families.values()
        for pattern in family.names
        if re.search(pattern, name)
    ]
    if named:
        return max(named, key=lambda one: one[0])[1]
    if not config.is_file():
        return None
    try:
        kind = json.loads(config.read_text(encoding="utf-8")).get("model_type", "")
    except (OSError, ValueError, AttributeError) as error:
        raise LLMError(f"{config} cannot be read ({error}); get the model again.") from error
    of_kind = (one for one in families.values() if kind in one.model_types)
    return next((one for one in of_kind if _has(Path(model), one.token)), None)


def _has(folder: Path, token: str) -> bool:
    """Return whether the tokenizer in a model's folder knows a word."""
    files = (folder / name for name in ("tokenizer_config.json", "tokenizer.json"))
    return not token or any(
        token in file.read_text(encoding="utf-8", errors="replace")
        for file in files
        if file.is_file()
    )
