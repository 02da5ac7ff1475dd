"""Reads ontologies in the OBO format through obonet."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import obonet

from knowledge.errors import DataError
from knowledge.parsers.table import open_text


class OboTerm(NamedTuple):
    """One live term and the terms it is a kind or a part of."""

    id: str
    name: str
    namespace: str
    definition: str
    parents: tuple[str, ...]


# Only these two relations pass an annotation on (the true-path rule); `regulates` does not.
_PARENTAL = ("is_a", "part_of")


def read_obo(path: Path) -> Iterator[OboTerm]:
    """Yield the terms of an OBO file that are not obsolete.

    Raises:
        DataError: The file is not OBO.
    """
    try:
        with open_text(path) as handle:
            graph = obonet.read_obo(handle, ignore_obsolete=True)
    except ValueError as error:
        raise DataError(
            f"{path} is not an OBO file ({error}); run `knockwise data pull` again."
        ) from None
    if not graph:
        raise DataError(f"{path} has no OBO terms; run `knockwise data pull` again.")
    for node, data in graph.nodes(data=True):
        if "name" not in data:  # a term that is only pointed at
            continue
        parents = [
            parent for _, parent, kind in graph.out_edges(node, keys=True) if kind in _PARENTAL
        ]
        yield OboTerm(
            id=node,
            name=data["name"],
            namespace=data.get("namespace", ""),
            definition=_definition(data.get("def", "")),
            parents=tuple(dict.fromkeys(parents)),
        )


def _definition(text: str) -> str:
    """Return the quoted part of an OBO `def` line."""
    first, last = text.find('"'), text.rfind('"')
    return text[first + 1 : last].replace('\\"', '"') if 0 <= first < last else text
