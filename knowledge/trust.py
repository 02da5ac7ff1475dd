"""How far a signed relation of the databases is trusted: learnt from what perturbations moved.

`knockwise train fusion` compares the signs of relations with the measured directions of training
perturbations and of training regulators (`models.fusion.edge_trust`) and writes `edge_trust.json`.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import exp, log, log1p
from pathlib import Path

from knowledge.errors import DataError
from knowledge.files import content_digest, replace_text
from knowledge.schema import Edge, Frozen

FILE = Path(__file__).parent / "edge_trust.json"
# The starter pack is written edge by edge against the databases and the literature.
STARTER_TRUST = 0.9
# What is left of the trust in a relation that the databases contradict each other about.
LEAST_TRUST = 0.05
# However many databases agree, they are trusted less than the starter pack.
DATABASE_TRUST = 0.85


class EdgeTrust(Frozen):
    """A logistic model of whether the sign of a relation is the measured one.

    `logit p = bias + inhibits [sign < 0] + databases[d] + ... + more log k + papers log(1 + n)` for
    a relation that `k` databases `d` assert, with `n` papers in all. Each further database or paper
    adds trust or nothing: all weights but `bias` and `inhibits` are at least 0. Trust is the
    correlation `2 p - 1` on the scale on which a direct edge of the starter pack has
    `STARTER_TRUST`: what noise in the labels takes from both, cancels.

    Attributes:
        bias: Log-odds of a relation of a database without a weight of its own.
        inhibits: Log-odds added where the relation is an inhibition.
        databases: Log-odds added by each database, see `trust_name`.
        more: Log-odds added by the logarithm of the number of databases.
        papers: Log-odds added by `log(1 + n)` of the papers cited.
        starter_agreement: Share of the starter pack's direct edges with the measured sign.
    """

    bias: float
    inhibits: float
    databases: Mapping[str, float]
    more: float
    papers: float
    starter_agreement: float

    def of(self, edges: Iterable[Edge]) -> float:
        """Return the trust in a relation that these edges, all of one sign, assert."""
        found = list(edges)
        if any(is_starter(edge) for edge in found):
            return STARTER_TRUST
        names = set(map(trust_name, found))
        papers = {reference for edge in found for reference in edge.references}
        score = self.bias + self.inhibits * (found[0].sign < 0)
        score += self.more * log(len(names)) + self.papers * log1p(len(papers))
        score += sum(self.databases.get(name, 0.0) for name in names)
        correlation = 2 / (1 + exp(-score)) - 1
        scale = STARTER_TRUST / (2 * self.starter_agreement - 1)
        return min(max(correlation * scale, LEAST_TRUST), DATABASE_TRUST)


def trust_name(edge: Edge) -> str:
    """Return what an edge is trusted as: a database is one thing for transcripts, another else."""
    return edge.database if edge.changes_expression else f"{edge.database}, protein"


@lru_cache(maxsize=1)
def load_edge_trust(path: Path = FILE) -> EdgeTrust:
    """Read the learnt trust.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        told = json.loads(path.read_bytes())
        if told.pop("sha256") != content_digest(told):
            raise ValueError("it is not as it was written")
        return EdgeTrust.model_validate(told["trust"])
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise DataError(f"{path} is missing or damaged; reinstall Knockwise.") from error


def save_edge_trust(trust: EdgeTrust, labelled: Mapping[str, float], path: Path = FILE) -> None:
    """Write the learnt trust, and the counts and shares of what it was learnt on."""
    content = {"trust": trust.model_dump(mode="json"), "labelled": dict(labelled)}
    told = {**content, "sha256": content_digest(content)}
    replace_text(path, json.dumps(told, indent=1) + "\n")
    load_edge_trust.cache_clear()


def is_starter(edge: Edge) -> bool:
    """Return whether the starter pack asserts `edge`."""
    return edge.database.startswith("starter")
