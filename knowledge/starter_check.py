"""Compares the hand-written edges of the starter pack with what the databases say."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple

from knowledge.compiled.builders import Inputs
from knowledge.compiled.network_builder import NETWORKS, build_network
from knowledge.errors import DataError
from knowledge.parsers.table import read_table
from knowledge.schema import Edge, Frozen
from knowledge.sources.registry import load_registry
from knowledge.starter import Starter

Verdict = Literal["confirmed", "unconfirmed", "contradicted", "not comparable"]

# Networks without signs: source, the database it is, and its two columns. They confirm that a
# relation exists, never its sign; the interactomes have no direction either.
_DIRECTED = {
    "omnipath-directed-all": ("OmniPath", ("source", "target")),
    "omnipath-transcriptional": ("OmniPath", ("tf", "target")),
    "omnipath-enzsub": ("OmniPath", ("source", "target")),
    "kegg-reactome-edges": ("KEGG/Reactome", ("source", "target")),
    "kinome-atlas-signed-predicted": ("Kinome atlas", ("source", "target")),
    "dorothea-evidence": ("DoRothEA", ("tf", "target")),
}
_UNDIRECTED = {
    "nci-pid2-indra-ndex": ("NCI-PID", ("source", "target")),
    "string-v12-notextmining": ("STRING", ("gene1", "gene2")),
    "lit-bm-17": ("Lit-BM", ("gene1", "gene2")),
    "irefindex17": ("iRefIndex", ("gene1", "gene2")),
}
# Factor to a list of targets, from ChIP-seq and from knockdowns of the factor.
_TARGET_LISTS = {
    "encode-chea-consensus": ("ENCODE/ChEA", ("tf", "targets")),
    "remap-chipseq-chea3": ("ReMap", ("tf", "targets")),
}


class EdgeCheck(Frozen):
    """One starter edge and the databases that say the same, or the opposite.

    `supporting` leaves databases out that have the relation without a sign; those are `unsigned`.
    """

    edge: Edge
    verdict: Verdict
    supporting: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()
    opposing: tuple[str, ...] = ()

    @property
    def excused(self) -> bool:
        """Return whether the edge is not contradicted, or says why it may be."""
        return self.verdict != "contradicted" or bool(self.edge.note)


class _Assertion(NamedTuple):
    sign: int
    expression: bool
    database: str


Pair = tuple[str, str]
# They write activation wherever their sources leave the sign open, so that their +1 against an
# inhibition says no more than that the relation exists.
_DEFAULT_POSITIVE = {"CollecTRI", "DoRothEA"}
Assertions = dict[Pair, list[_Assertion]]


def check_starter(starter: Starter, folder: Path) -> tuple[EdgeCheck, ...]:
    """Return a verdict on every starter edge.

    An edge is confirmed if a database has it with the same sign or without one, contradicted if
    databases have it with the opposite sign only. An edge of a complex is compared through its
    members. What a process does has no sign in the databases: its edges are confirmed by a relation
    of any member, and otherwise not comparable.

    Args:
        starter: The starter pack.
        folder: A data folder (with `sources/`) or a mirror.

    Raises:
        DataError: There are no networks in `folder`.
    """
    paths = _paths(folder)
    if "hgnc" not in paths or "omnipath-signed" not in paths:
        raise DataError(
            f"{folder} holds no networks to compare with; pass a mirror, or a folder filled by "
            "`knockwise data pull knowledge networks`."
        )
    members = {group.name: group.members for group in starter.groups}
    pairs = {
        edge: tuple(
            product(
                members.get(edge.source, (edge.source,)), members.get(edge.target, (edge.target,))
            )
        )
        for edge in starter.edges
    }
    wanted = {pair for found in pairs.values() for pair in found}
    assertions = _assertions(Inputs(paths), wanted)
    processes = {group.name for group in starter.groups if group.kind == "process"}
    return tuple(
        _checked(edge, pairs[edge], assertions, processes.isdisjoint((edge.source, edge.target)))
        for edge in starter.edges
    )


def missing_networks(folder: Path) -> tuple[str, ...]:
    """Return the networks used for the comparison that `folder` lacks."""
    wanted = {**NETWORKS, **_DIRECTED, **_UNDIRECTED, **_TARGET_LISTS}
    return tuple(sorted(wanted.keys() - _paths(folder).keys()))


def _paths(folder: Path) -> dict[str, Path]:
    root = folder / "sources" if (folder / "sources").is_dir() else folder
    return {s.name: root / s.path for s in load_registry() if (root / s.path).is_file()}


def _checked(
    edge: Edge, pairs: tuple[Pair, ...], assertions: Assertions, comparable: bool
) -> EdgeCheck:
    found = [assertion for pair in pairs for assertion in assertions.get(pair, ())]
    signed = [a for a in found if comparable and _says_sign(a, edge)]
    supporting = _databases(a for a in signed if a.sign == edge.sign)
    opposing = _databases(a for a in signed if a.sign != edge.sign)
    unsigned = _databases(a for a in found if a not in signed)
    verdict: Verdict = "unconfirmed"
    if opposing and not supporting:
        verdict = "contradicted"
    elif found:
        verdict = "confirmed"
    elif not comparable:
        verdict = "not comparable"
    return EdgeCheck(
        edge=edge, verdict=verdict, supporting=supporting, unsigned=unsigned, opposing=opposing
    )


def _says_sign(assertion: _Assertion, edge: Edge) -> bool:
    """Return whether the assertion can support or oppose the sign of `edge`."""
    if not assertion.sign or not edge.sign or assertion.expression != edge.changes_expression:
        return False
    return assertion.sign == edge.sign or not (
        assertion.sign == 1 and assertion.database in _DEFAULT_POSITIVE
    )


def _databases(assertions: Iterable[_Assertion]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(assertion.database for assertion in assertions))


def _assertions(inputs: Inputs, wanted: set[Pair]) -> Assertions:
    """Return what every network says about the wanted pairs."""
    found: Assertions = defaultdict(list)
    network = build_network(inputs)
    names = {str(row["name"]): row["members"] for row in network["groups"]}
    for row in network["edges"]:
        edge = Edge.model_validate(row)
        ends = (names.get(edge.source, (edge.source,)), names.get(edge.target, (edge.target,)))
        for pair in product(*ends):
            if pair in wanted:
                found[pair].append(_Assertion(edge.sign, edge.changes_expression, edge.database))
    for pair, database in _unsigned(inputs):
        if pair in wanted:
            found[pair].append(_Assertion(0, False, database))
    return found


def _unsigned(inputs: Inputs) -> Iterator[tuple[Pair, str]]:
    for name, (database, columns) in (_DIRECTED | _UNDIRECTED).items():
        if name not in inputs.paths:
            continue
        for _, (first, second) in read_table(inputs.paths[name], columns):
            one, two = inputs.approved(first, name), inputs.approved(second, name)
            if one and two:
                yield (one, two), database
                if name in _UNDIRECTED:
                    yield (two, one), database
    for name, (database, columns) in _TARGET_LISTS.items():
        if name not in inputs.paths:
            continue
        for _, (factor, targets) in read_table(inputs.paths[name], columns):
            source = inputs.approved(factor, name)
            if source:
                for target in inputs.members(targets.split(";"), name):
                    yield (source, target), database
