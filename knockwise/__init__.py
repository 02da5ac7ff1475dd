"""Knockwise from Python: `knockwise.ask("Knock out HSPA5 in K562: what happens to DDIT3?")`.

In a checkout the parts of the house are the folders beside this one, and `knockwise.agent.session`
is `agent.session` itself. A wheel holds them inside this package (see hatch_build.py), so that
nothing of it can clash with a folder of yours called `models` or `tools`.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.session import Session
    from agent.settings import Settings
    from app.answer import Answer
    from app.api import (
        ask,
        ask_async,
        embeddings,
        express,
        expression_contexts,
        langchain_tools,
        load_answer,
        open_session,
        perturbation_of,
        phenotypes,
        predict,
        read_question,
        toolbox,
    )
    from app.comparing import compare
    from app.lists import explain, find, who
    from knowledge.errors import KnockwiseError

__all__ = [
    "Answer",
    "KnockwiseError",
    "Session",
    "Settings",
    "ask",
    "ask_async",
    "compare",
    "embeddings",
    "explain",
    "express",
    "expression_contexts",
    "find",
    "langchain_tools",
    "load_answer",
    "open_session",
    "perturbation_of",
    "phenotypes",
    "predict",
    "read_question",
    "toolbox",
    "who",
]

PARTS = ("agent", "app", "evals", "knowledge", "models", "tools")
_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parent
_ELSEWHERE = {
    "Answer": "app.answer",
    "KnockwiseError": "knowledge.errors",
    "Session": "agent.session",
    "Settings": "agent.settings",
    "compare": "app.comparing",
    "explain": "app.lists",
    "find": "app.lists",
    "who": "app.lists",
}
_PUBLIC = {name: _ELSEWHERE.get(name, "app.api") for name in __all__}


def __getattr__(name: str) -> Any:  # noqa: ANN401  # whatever the part defines
    """Return a public name, imported when it is first asked for."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)


class _Parts(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `knockwise.agent` and all below it as `agent`, the folder of the checkout."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for a part, or None for any other name."""
        package, _, inner = fullname.partition(".")
        if package != __name__ or inner.partition(".")[0] not in PARTS:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Return the part itself: one module under two names."""
        module = importlib.import_module(spec.name.partition(".")[2])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back, as importing it twice changed it."""
        spec = module.__spec__
        if spec is not None:
            module.__spec__ = spec.loader_state


def _hidden() -> str:
    """Return the folder or file that stands before a part of the checkout, if there is one."""
    for part in PARTS:
        loaded = sys.modules.get(part)
        spec = loaded.__spec__ if loaded else importlib.util.find_spec(part)
        found = (spec.submodule_search_locations or [spec.origin or part]) if spec else [part]
        places = list(found)
        if _ROOT / part not in [Path(place).resolve() for place in places]:
            return places[0]
    return ""


if not (_HERE / "agent").is_dir():
    if _folder := _hidden():
        raise ImportError(
            f"{_folder} hides a part of Knockwise of the same name; "
            "rename it, start Python in another folder, or install a wheel of Knockwise."
        )
    # First, or `knockwise.models.response` would be found in the folder of `models` a second time.
    sys.meta_path.insert(0, _Parts())
