"""Pathways, complexes and processes as named sets of genes, found by member."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal

from knowledge.schema import Frozen


class GeneSet(Frozen):
    """A named set of genes with the database it comes from."""

    id: str
    name: str
    kind: Literal["pathway", "complex", "process"]
    source: str
    reference: str = ""
    members: tuple[str, ...]


class GeneSets:
    """Gene sets, found by id or by member.

    Args:
        sets: Sets with distinct ids; the last of an id wins.
    """

    def __init__(self, sets: Iterable[GeneSet]) -> None:
        self._sets = {gene_set.id: gene_set for gene_set in sets}

    def __len__(self) -> int:
        return len(self._sets)

    def __iter__(self) -> Iterator[GeneSet]:
        return iter(self._sets.values())

    def get(self, identifier: str) -> GeneSet:
        """Return the set with this id.

        Raises:
            KeyError: There is no such set.
        """
        return self._sets[identifier]

    def containing(self, symbol: str) -> tuple[GeneSet, ...]:
        """Return the sets that `symbol` is a member of, the smallest (most specific) first."""
        found = (self._sets[identifier] for identifier in self._by_member.get(symbol, ()))
        return tuple(sorted(found, key=lambda gene_set: (len(gene_set.members), gene_set.id)))

    @cached_property
    def _by_member(self) -> dict[str, list[str]]:
        table: dict[str, list[str]] = defaultdict(list)
        for gene_set in self._sets.values():
            for member in gene_set.members:
                table[member].append(gene_set.id)
        return dict(table)
