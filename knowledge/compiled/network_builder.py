"""Turns signalling networks, regulons and complexes into the edges and groups of the graph."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from knowledge.compiled.builders import MAX_COMPLEX, Inputs, Rows, curated_complexes
from knowledge.parsers import networks
from knowledge.parsers.networks import COMPLEX, RawEdge

Reader = Callable[[Path], Iterator[RawEdge]]

# What the graph is made of: signed signalling and curated transcription. Interactomes, ChIP peaks
# and co-expression stay out, because a cascade walks every edge it is given.
NETWORKS: dict[str, tuple[str, Reader]] = {
    "omnipath-signed": ("OmniPath", networks.read_omnipath_signed),
    "signor": ("SIGNOR", networks.read_signor),
    "kegg-spia": ("KEGG", networks.read_kegg_spia),
    "collectri": ("CollecTRI", networks.read_collectri),
    "dorothea": ("DoRothEA", networks.read_dorothea),
    "trrust": ("TRRUST", networks.read_trrust),
    "causalpath": ("CausalPath", networks.read_causalpath),
}
# Files that only annotate the edges of others: which papers, which modification.
ANNOTATIONS = ("omnipath-enzsub", "dorothea-evidence")
_EFFECTS = {1: "activates", -1: "inhibits", 0: "regulates"}
_MAX_REFERENCES = 8
_SHOWN_MEMBERS = 3

Pair = tuple[str, str]


def build_network(inputs: Inputs) -> dict[str, Rows]:
    """Return the edges and the groups."""
    complexes = _Complexes(inputs)
    found: dict[str, list[RawEdge]] = {
        name: list(reader(inputs.paths[name]))
        for name, (_, reader) in NETWORKS.items()
        if name in inputs.paths
    }
    complexes.add_formed(found.get("signor", []))
    modifications = _modifications(inputs)
    papers = _papers(inputs)
    merged: dict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for name, edges in found.items():
        default = NETWORKS[name][0]
        for edge in edges:
            source = complexes.node(edge.source, name)
            target = complexes.node(edge.target, name)
            if not source or not target or source == target or _forms_complex(edge):
                continue
            mechanism, references = edge.mechanism, edge.references
            if name == "omnipath-signed":
                mechanism = mechanism or modifications.get((source, target), "")
            elif name == "dorothea":
                references = papers.get((source, target), ())
            database = edge.database or default
            key = (source, target, _EFFECTS[edge.sign], mechanism, database)
            merged[key].update(dict.fromkeys(references))
    columns = ("source", "target", "effect", "mechanism", "database")
    return {
        "edges": [
            {
                **dict(zip(columns, key, strict=True)),
                "references": list(references)[:_MAX_REFERENCES],
                "note": "",
            }
            for key, references in merged.items()
        ],
        "groups": complexes.rows,
    }


class _Complexes:
    """The complexes of all files, one node per member set, none named like a gene."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._by_members: dict[frozenset[str], str] = {}
        self._by_raw_name: dict[str, str] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        for source, entry, members in curated_complexes(inputs):
            self._add(entry.name, members, source, entry.summary, entry.id)
        for name, family in networks.FAMILIES.items():
            members = inputs.members(family, "collectri")
            self._by_raw_name[COMPLEX + name] = self._add(name, members, "CollecTRI")

    @property
    def rows(self) -> Rows:
        """Return the rows of the group table."""
        return list(self._rows.values())

    def add_formed(self, edges: Iterable[RawEdge]) -> None:
        """Add the complexes of SIGNOR, whose members are the proteins that bind to form them."""
        members: dict[str, list[str]] = {}
        for edge in edges:
            for raw in (edge.source, edge.target):
                if raw.startswith(COMPLEX):
                    members.setdefault(raw, [])
            if _forms_complex(edge) and not edge.source.startswith(COMPLEX):
                members[edge.target].append(edge.source)
        curated = {_plain(name): name for name in self._rows}
        for raw, names in members.items():
            name = raw.removeprefix(COMPLEX)
            found = self._inputs.members(names, "signor")
            if _plain(name) in curated:
                self._by_raw_name[raw] = curated[_plain(name)]
            elif 1 <= len(found) <= MAX_COMPLEX:
                self._by_raw_name[raw] = self._add(name, found, "SIGNOR")

    def node(self, raw: str, source: str) -> str | None:
        """Return the graph node that a file calls `raw`, or None if it is not human or unknown."""
        if raw.startswith(COMPLEX):
            return self._by_raw_name.get(raw)
        if "_" not in raw:
            return self._inputs.approved(raw, source)
        if raw not in self._by_raw_name:
            parts = raw.removeprefix("COMPLEX:").split("_")
            members = self._inputs.members(parts, source)
            if len(members) < len(parts) or not 2 <= len(members) <= MAX_COMPLEX:
                return None
            self._by_raw_name[raw] = self._add(_described(members), members, "OmniPath")
        return self._by_raw_name[raw]

    def _add(
        self,
        name: str,
        members: tuple[str, ...],
        source: str,
        summary: str = "",
        identifier: str = "",
    ) -> str:
        """Return the node of the complex of `members`, a new one unless another file has it."""
        known = self._by_members.get(frozenset(members)) if len(members) > 1 else None
        if known:
            return known
        unique = name if "complex" in name.casefold() or " " in name else f"{name} complex"
        if unique in self._inputs.symbols:
            unique = f"{unique} complex"
        if unique in self._rows:
            unique = f"{unique} ({identifier or source})"
        count = 2
        while unique in self._rows:
            unique = f"{name} ({source} {count})"
            count += 1
        self._by_members[frozenset(members)] = unique
        self._rows[unique] = {
            "name": unique,
            "kind": "complex",
            "members": list(members),
            "summary": summary,
            "source": source,
        }
        return unique


def _forms_complex(edge: RawEdge) -> bool:
    """Return whether the edge says that a protein becomes part of a complex."""
    return (
        edge.target.startswith(COMPLEX)
        and not edge.source.startswith(COMPLEX)
        and edge.mechanism == "binding"
        and edge.sign == 1
    )


def _plain(name: str) -> str:
    """Return a complex's name as databases that punctuate differently agree on it."""
    return "".join(c for c in name.casefold().removesuffix("complex") if c.isalnum())


def _described(members: tuple[str, ...]) -> str:
    """Return a name for a complex that its file names only by listing it."""
    if len(members) <= _SHOWN_MEMBERS + 1:
        return f"{':'.join(members)} complex"
    shown = ", ".join(members[:_SHOWN_MEMBERS])
    return f"complex of {shown} and {len(members) - _SHOWN_MEMBERS} more"


def _modifications(inputs: Inputs) -> dict[Pair, str]:
    """Return how an enzyme modifies its substrate, where it does only one thing to it."""
    name = "omnipath-enzsub"
    found: dict[Pair, set[str]] = defaultdict(set)
    if name in inputs.paths:
        for edge in networks.read_enzyme_substrate(inputs.paths[name]):
            source, target = inputs.approved(edge.source, name), inputs.approved(edge.target, name)
            if source and target:
                found[source, target].add(edge.mechanism)
    return {pair: min(kinds) for pair, kinds in found.items() if len(kinds) == 1}


def _papers(inputs: Inputs) -> dict[Pair, tuple[str, ...]]:
    """Return the papers behind DoRothEA's curated edges."""
    name = "dorothea-evidence"
    found: dict[Pair, tuple[str, ...]] = {}
    if name in inputs.paths:
        for edge in networks.read_dorothea_evidence(inputs.paths[name]):
            source, target = inputs.approved(edge.source, name), inputs.approved(edge.target, name)
            if source and target and edge.references:
                found[source, target] = edge.references
    return found
