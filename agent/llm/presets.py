"""The open models we know how to serve, and what their families need of vLLM."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from agent.llm.model_folder import is_folder, read_folder
from knowledge.schema import Frozen
from knowledge.strict_yaml import read_yaml

PRESETS = Path(__file__).with_name("presets.yaml")
# Words of chat templates: what a reply begins with, and that it may begin without a thought.
GENERATION, SWITCH = "add_generation_prompt", "enable_thinking"


class Family(Frozen):
    """How models of one kind write what is not prose.

    Attributes:
        names: Patterns of the names they go by.
        model_types: What `config.json` calls them.
        tool_parser: vLLM's parser of their tool calls; empty if it has none.
        reasoning_parser: vLLM's parser of their thoughts; empty if they have none.
        thought: What their chat template lets a reply of those begin with that think.
        thinks: Whether they cannot be kept from thinking.
    """

    names: tuple[str, ...]
    model_types: tuple[str, ...] = ()
    tool_parser: str = ""
    reasoning_parser: str = ""
    thought: str = ""
    thinks: bool = False


class Call(Frozen):
    """How a chat template tells that calls are written, and vLLM's parser of it."""

    holds: str
    tool_parser: str


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
    calls: tuple[Call, ...]
    presets: dict[str, Preset]


@cache
def _file() -> _File:
    return read_yaml(PRESETS, _File)


def presets() -> Mapping[str, Preset]:
    """Return the presets by name, the smallest first."""
    return _file().presets


def family_of(model: str) -> Family | None:
    """Return the family of a model by preset, name or folder; `None` if nobody knows it.

    A folder's own chat template has the last word: a model that is told of no tools calls none.

    Raises:
        LLMError: The folder cannot be read.
    """
    families = _file().families
    for name, preset in presets().items():
        if model in {name, preset.model}:
            return families[preset.family]
    if not is_folder(model):
        return _named(model)
    folder = read_folder(Path(model).expanduser())
    of_type = (one for one in families.values() if folder.model_type in one.model_types)
    named = _named(model) or next(of_type, None)
    return _told(named, folder.template) if folder.template else named


def _named(model: str) -> Family | None:
    """Return the family that a name begins with, or else tells first, and most of."""
    name = Path(model).name.casefold()
    found = [
        (match.start(), -len(pattern), family)
        for family in _file().families.values()
        for pattern in family.names
        if (match := re.search(pattern, name))
    ]
    return min(found, key=lambda one: one[:2])[2] if found else None


def _told(family: Family | None, template: str) -> Family | None:
    """Return a family as a chat template of it has it."""
    parser = family.tool_parser if family else ""
    known = next((one.tool_parser for one in _file().calls if one.holds in template), parser)
    changes: dict[str, str | bool] = {
        "tool_parser": known if re.search(r"\btools\b", template) else ""
    }
    if family and family.thought:
        if family.thought not in template.rpartition(GENERATION)[2]:
            changes["reasoning_parser"] = ""
        elif SWITCH not in template:
            changes["thinks"] = True
    if family is None and not changes["tool_parser"]:
        return None
    return (family or Family(names=())).model_copy(update=changes)
