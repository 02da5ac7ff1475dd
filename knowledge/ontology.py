"""The Gene Ontology: terms, their ancestors, and which genes are annotated to them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Self

from knowledge.schema import Frozen
from knowledge.symbols import SymbolTable


class Term(Frozen):
    """A term of the ontology."""

    id: str
    name: str
    namespace: str
    definition: str = ""


class GeneOntology:
    """Terms linked by `is_a` and `part_of`, and the most specific annotations of each gene.

    An annotation to a term holds for every ancestor of the term (the true-path rule).

    Args:
        terms: Every term.
        parents: Term id -> the ids it is a kind or a part of.
        annotations: Approved symbol -> the term ids it is annotated to.
    """

    def __init__(
        self,
        terms: Iterable[Term],
        parents: Mapping[str, tuple[str, ...]],
        annotations: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._terms = {term.id: term for term in terms}
        self._parents = parents
        self._annotations = annotations
        self._ancestors: dict[str, frozenset[str]] = {}

    @classmethod
    def from_files(cls, obo: Path, gaf: Path, symbols: SymbolTable) -> Self:
        """Build the ontology from an OBO and a GAF file, with symbols brought up to date.

        Raises:
            DataError: A file is malformed.
        """
        # obonet costs a second to import; a compiled ontology does without.
        from knowledge.parsers.gaf import read_gaf
        from knowledge.parsers.obo import read_obo

        found = list(read_obo(obo))
        annotations: dict[str, dict[str, None]] = defaultdict(dict)
        for annotation in read_gaf(gaf):
            symbol = symbols.approved(annotation.symbol)
            if symbol and not annotation.negated:
                annotations[symbol][annotation.term] = None
        return cls(
            (
                Term(id=t.id, name=t.name, namespace=t.namespace, definition=t.definition)
                for t in found
            ),
            {term.id: term.parents for term in found},
            {symbol: tuple(terms) for symbol, terms in annotations.items()},
        )

    def __len__(self) -> int:
        return len(self._terms)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._terms

    def __iter__(self) -> Iterator[Term]:
        return iter(self._terms.values())

    def term(self, identifier: str) -> Term:
        """Return the term with this GO id.

        Raises:
            KeyError: There is no such term.
        """
        return self._terms[identifier]

    def parents(self, identifier: str) -> tuple[str, ...]:
        """Return the terms that this one is directly a kind or a part of."""
        return self._parents.get(identifier, ())

    def ancestors(self, identifier: str) -> frozenset[str]:
        """Return every term above this one over `is_a` and `part_of`, itself left out."""
        known = self._ancestors.get(identifier)
        if known is None:
            above: set[str] = set()
            waiting = list(self.parents(identifier))
            while waiting:
                parent = waiting.pop()
                if parent not in above:
                    above.add(parent)
                    waiting.extend(self.parents(parent))
            known = self._ancestors[identifier] = frozenset(above)
        return known

    def annotations(self, symbol: str, propagate: bool = False) -> tuple[str, ...]:
        """Return the terms `symbol` is annotated to, with `propagate` their ancestors too."""
        direct = self._annotations.get(symbol, ())
        if not propagate:
            return direct
        above = {ancestor for term in direct for ancestor in self.ancestors(term)}
        return (*direct, *sorted(above.difference(direct)))

    def genes(self, identifier: str) -> tuple[str, ...]:
        """Return the genes annotated to this term or to a more specific one, sorted."""
        below = {identifier}
        waiting = [identifier]
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if child not in below:
                    below.add(child)
                    waiting.append(child)
        return tuple(sorted({gene for term in below for gene in self._direct.get(term, ())}))

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        table: dict[str, list[str]] = defaultdict(list)
        for term, parents in self._parents.items():
            for parent in parents:
                table[parent].append(term)
        return dict(table)

    @cached_property
    def _direct(self) -> dict[str, list[str]]:
        table: dict[str, list[str]] = defaultdict(list)
        for symbol, terms in self._annotations.items():
            for term in terms:
                table[term].append(symbol)
        return dict(table)
