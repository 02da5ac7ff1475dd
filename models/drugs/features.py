"""How alike two drugs are: by mode of action, targets, structure; never by name."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.drugs import Drug, squashed

Floats = NDArray[np.float64]
# Enzymes and a pump that half of all drugs meet, and that say how they leave the body.
DISPOSITION = frozenset(
    ("CYP1A2", "CYP2C8", "CYP2C9", "CYP2C19", "CYP2D6", "CYP3A4", "ABCB1")
)  # fmt: skip
CURATED = frozenset(("Tahoe-100M", "Drug Repurposing Hub"))
LISTS = frozenset(("DGIdb", "IDG", "KinomeScan"))
FAMILIES = ("modes", "targets", "touched")
BITS = 2048
_FLOOR = 0.3
# Tanimoto of Morgan fingerprints from which on two compounds are analogues of one parent.
ANALOGUE = 0.85


class Described(NamedTuple):
    """What is known of a drug.

    Attributes:
        modes: Its modes of action, squashed.
        targets: What it is used for or curated to bind.
        touched: Everything that a table says it meets.
        bits: Morgan fingerprint `(BITS,)` of 0 and 1; all 0 without a structure.
    """

    modes: frozenset[str]
    targets: frozenset[str]
    touched: frozenset[str]
    bits: NDArray[np.uint8]

    @property
    def known(self) -> bool:
        """Return whether there is anything to compare it by."""
        return bool(self.modes or self.touched or self.bits.any())

    @classmethod
    def of(cls, drug: Drug | None, bits: NDArray[np.uint8] | None = None) -> Self:
        """Return what is known of a drug; nothing of one that no table has."""
        none = np.zeros(BITS, np.uint8)
        if drug is None:
            return cls(frozenset(), frozenset(), frozenset(), none)
        targets = {one.gene for one in drug.targets if CURATED.intersection(one.sources)}
        targets = targets or {one.gene for one in drug.targets if not LISTS.issuperset(one.sources)}
        targets = targets or {one.gene for one in drug.main_targets}
        return cls(
            frozenset(map(squashed, drug.modes)),
            frozenset(targets - DISPOSITION),
            frozenset(one.gene for one in drug.targets),
            none if bits is None else bits,
        )


def shared(one: Described, other: Described) -> tuple[str, ...]:
    """Return the targets that two drugs share, or else that a mode is; empty for no relatives."""
    targets = tuple(sorted(one.targets & other.targets))
    if targets:
        return targets
    return ("mode of action",) if one.modes & other.modes else ()


def has_relative(drugs: Sequence[Described]) -> NDArray[np.bool_]:
    """Return which drugs share a target or a mode of action with another one `(drugs,)`."""
    return np.array(
        [any(shared(one, other) for other in drugs if other is not one) for one in drugs], np.bool_
    )


class Likeness:
    """The similarity of any drug to those of a screen, by the weight of what is rare among them.

    The sum of the cosines of modes, targets and all that is touched, each word weighted by how rare
    it is, and of the Tanimoto index of the structures: 0 to `len(FAMILIES) + 1`.

    Args:
        drugs: Those of the screen.
        without: A family that is left out, or `structure`.
    """

    def __init__(self, drugs: Sequence[Described], without: str = "") -> None:
        self._families = tuple(name for name in FAMILIES if name != without)
        self._structures = without != "structure"
        self._words: dict[str, dict[str, int]] = {}
        self._rare: dict[str, Floats] = {}
        for name in self._families:
            words = sorted({word for one in drugs for word in getattr(one, name)})
            self._words[name] = {word: at for at, word in enumerate(words)}
            count = np.zeros(len(words))
            for one in drugs:
                for word in getattr(one, name):
                    count[self._words[name][word]] += 1
            self._rare[name] = np.log(len(drugs) / np.maximum(count, 1)) + _FLOOR
        self._unseen = np.log(max(len(drugs), 1)) + _FLOOR
        self._drugs = tuple(drugs)
        self._coded = self._code(self._drugs)

    def between(self) -> Floats:
        """Return the similarity of the screen's drugs to each other `(drugs, drugs)`."""
        return self._similar(self._coded)

    def to(self, drugs: Sequence[Described]) -> Floats:
        """Return the similarity of `drugs` to those of the screen `(asked, drugs)`."""
        return self._similar(self._code(drugs))

    def _code(self, drugs: Sequence[Described]) -> dict[str, Floats]:
        coded = {name: self._vectors(drugs, name) for name in self._families}
        if self._structures:
            coded["structure"] = np.array([one.bits for one in drugs], np.float64)
        return coded

    def _vectors(self, drugs: Sequence[Described], name: str) -> Floats:
        words, rare = self._words[name], self._rare[name]
        out = np.zeros((len(drugs), len(words)))
        for row, one in enumerate(drugs):
            found = [words[word] for word in getattr(one, name) if word in words]
            out[row, found] = rare[found]
            strange = (len(getattr(one, name)) - len(found)) * self._unseen**2
            length = np.sqrt((out[row] ** 2).sum() + strange)
            out[row] /= length if length else 1.0
        return out

    def _similar(self, coded: dict[str, Floats]) -> Floats:
        out = np.zeros((len(next(iter(coded.values()))), len(self._drugs)))
        for name in self._families:
            out += coded[name] @ self._coded[name].T
        if self._structures:
            out += tanimoto(coded["structure"], self._coded["structure"])
        return out


def tanimoto(some: Floats, others: Floats) -> Floats:
    """Return the Tanimoto index of fingerprints; 0 where one has none."""
    both = some @ others.T
    either = some.sum(1)[:, None] + others.sum(1)[None, :] - both
    return np.asarray(both / np.maximum(either, 1.0))


def parents(drugs: Sequence[Described], names: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of each drug's parent: salts and near-identical analogues share one.

    Args:
        drugs: What is known of them.
        names: The name of each without its salt.
    """
    bits = np.array([one.bits for one in drugs], np.float64)
    close = tanimoto(bits, bits) >= ANALOGUE
    parent = list(range(len(names)))
    for i in range(len(names)):
        for j in range(i):
            if names[i] == names[j] or close[i, j]:
                old, new = parent[i], parent[j]
                parent = [new if one == old else one for one in parent]
    return np.unique(parent, return_inverse=True)[1].astype(np.int64)


def by_mode(drugs: Sequence[Described], names: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of each drug's mode of action: drugs joined by any share one."""
    label = list(names)
    for i, one in enumerate(drugs):
        for j in range(i):
            if one.modes & drugs[j].modes or (one.targets and one.targets == drugs[j].targets):
                old, new = label[i], label[j]
                label = [new if name == old else name for name in label]
    return np.unique(label, return_inverse=True)[1].astype(np.int64)
