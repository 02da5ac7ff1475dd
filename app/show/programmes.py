"""Which programmes of the starter pack the readouts of an answer belong to."""

from collections.abc import Iterable
from functools import lru_cache

from knowledge.schema import Effect, Frozen
from knowledge.starter import load_starter

MOST = 8


class Together(Frozen):
    """The readouts of a programme that are predicted to change."""

    name: str
    effects: tuple[Effect, ...]


def by_programme(effects: Iterable[Effect]) -> tuple[Together, ...]:
    """Return the changed readouts by programme, the fullest first; those of none are left out.

    A readout that stands in several programmes is told in each.
    """
    groups: dict[str, list[Effect]] = {}
    homes = _homes()
    for effect in effects:
        if effect.call in ("up", "down") and not effect.abstained:
            for name in homes.get(effect.gene, ()):
                groups.setdefault(name, []).append(effect)
    found = [Together(name=name, effects=tuple(of_it)) for name, of_it in groups.items()]
    return tuple(sorted(found, key=lambda one: -len(one.effects))[:MOST])


@lru_cache(maxsize=1)
def _homes() -> dict[str, tuple[str, ...]]:
    """Return the programmes of each gene, by name."""
    homes: dict[str, tuple[str, ...]] = {}
    for programme in load_starter().programmes:
        for gene in programme.genes:
            homes[gene] = (*homes.get(gene, ()), programme.name)
    return homes
