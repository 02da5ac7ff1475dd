"""What other packages add to Knockwise, found by the entry points that they declare.

A package that declares `NAME = "MODULE:OBJECT"` under `[project.entry-points."knockwise.tools"]`
adds a tool by being installed; nothing of Knockwise is edited. The groups and their objects:

    knockwise.tools       (knowledge, predictor) -> tools.base.Tool
    knockwise.strategies  agent.strategies.Strategy
    knockwise.reasoners   (settings) -> agent.reasoners.base.Reasoner
    knockwise.sources     path of a file like sources.toml
    knockwise.segmenters  (picture of nuclei) -> labels of the same shape, 0 outside nuclei
    knockwise.benchmarks  a command of `knockwise eval`: a typer function
"""

import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any, Literal

from knowledge.errors import KnockwiseError

Group = Literal["tools", "strategies", "reasoners", "sources", "segmenters", "benchmarks"]


def plugin_names(group: Group) -> tuple[str, ...]:
    """Return the names that other packages registered in a group, without importing them."""
    return tuple(sorted(_found(group)))


def plugins(group: Group) -> Iterator[tuple[str, Any]]:
    """Iterate over what other packages registered in a group, by name.

    Raises:
        KnockwiseError: One of them cannot be imported; names its package.
    """
    for name in plugin_names(group):
        yield name, plugin(group, name)


def plugin(group: Group, name: str) -> Any:  # noqa: ANN401  # whatever the group holds
    """Return what is registered under a name.

    Raises:
        KeyError: Nothing is.
        KnockwiseError: It cannot be imported; names its package.
    """
    point = _found(group)[name]
    try:
        return point.load()
    except Exception as error:  # somebody else's code, imported
        package = point.dist.name if point.dist else point.value
        raise KnockwiseError(
            f"The package {package} adds {name!r} to knockwise.{group}, but it cannot be loaded "
            f"({type(error).__name__}: {' '.join(str(error).split())}); update or uninstall it."
        ) from error


def _found(group: Group) -> dict[str, EntryPoint]:
    return {point.name: point for point in _declared(f"knockwise.{group}", tuple(sys.path))}


@cache
def _declared(group: str, path: tuple[str, ...]) -> EntryPoints:
    """Return what all packages on the path declare; looking takes a tenth of a second."""
    return entry_points(group=group)
