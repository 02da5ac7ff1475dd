"""The drug model: whether a drug changes a transcript in a kind of cells, and which way."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from knowledge.drugs import Drug, Drugs, plain_name, squashed
from knowledge.errors import QuestionError
from knowledge.schema import Interval
from models.checkpoint import read_checkpoint
from models.drugs import checkpoint as stored
from models.drugs.checkpoint import FORMAT, SHIPPED, TABLE, Checkpoint, Line, ScreenConfig
from models.drugs.features import Described, shared
from models.drugs.levels import CHANGE, DOWN, POSITION, UNRANKED, UP, unpacked, words
from models.drugs.ridge import Learner, Ridge, Sums
from models.drugs.screens import OP3, Context, Screen

Floats = NDArray[np.float64]
NO_DRUG = "no table has the drug, so this is what drugs usually do to the gene"
NO_FEATURES = "nothing is known that it binds or does, so this is what drugs usually do to the gene"
NO_RELATIVE = "no drug of {} shares its target or mode of action"
NO_GENE = "{} was not read in {}"
# 90 % of a normal distribution.
_HALF = 1.645
# Drugs that a gene's usual rate is held to 10 % by, or to 50 % of up and down.
_RATE, _RATE_WEIGHT, _UP_WEIGHT = 0.1, 10.0, 2.0
_DOSE = re.compile(r"\b\d*hcl\b")
ALIASES = {
    "op3t": ("tcells", "tcell", "t"),
    "op3b": ("bcells", "bcell", "b"),
    "op3nk": ("nkcells", "nkcell", "nk"),
    "op3myeloid": ("myeloidcells", "myeloid", "monocytes"),
    "hepg2c3a": ("c3a",),
}


class Relative(NamedTuple):
    """A drug of a screen that a prediction rests on.

    Attributes:
        drug: As the screen writes it.
        likeness: From 0 to 1, of what counts.
        shares: Targets that both have, or `mode of action`; empty where they have none in common.
        did: What it did to the readout, in words; empty where no readout is asked about.
    """

    drug: str
    likeness: float
    shares: tuple[str, ...]
    did: str


class DrugEffect(NamedTuple):
    """What a drug is predicted to do to one transcript; the numbers are None where it abstains.

    Attributes:
        gene: The readout.
        p_de: P(changes): that it is among the 10 % of genes that the drug moves most.
        p_up: P(up if it changes).
        interval: 90 % interval of `p_de`.
        up_interval: 90 % interval of `p_up`.
        measured: What the screen measured of this very drug, which the numbers do not use.
        reason: Why there is no prediction; empty where there is one.
    """

    gene: str
    p_de: float | None
    p_up: float | None
    interval: Interval | None
    up_interval: Interval | None
    measured: str
    reason: str


class DrugPrediction(NamedTuple):
    """What a drug is predicted to do in a kind of cells.

    Attributes:
        drug: As it is known; what was asked where no table has it.
        context: The kind of cells.
        screen: The study that measured other drugs in them.
        in_scope: Whether a drug of the screen is its relative, which is where held-out drugs were
            predicted better than by chance.
        reason: What the prediction rests on, or why it is out of scope.
        effects: One per readout, in the order asked.
    """

    drug: str
    context: str
    screen: str
    in_scope: bool
    reason: str
    effects: tuple[DrugEffect, ...]


@dataclass(frozen=True)
class _Known:
    config: ScreenConfig
    learner: Learner
    sums: Sums
    names: tuple[str, ...]


class DrugModel:
    """Predicts from signatures of related drugs; `DrugModel.load()` returns the shipped one.

    Args:
        checkpoint: The parts of it.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._stored = checkpoint
        self.version = checkpoint.version
        self.drugs = Drugs(stored.drugs_from(checkpoint.texts[TABLE]))
        rows = stored.structure_bits(checkpoint.arrays[stored.STRUCTURES])
        self._bits = dict(zip(checkpoint.names[stored.STRUCTURES], rows, strict=True))
        older = (pair.partition(">") for pair in checkpoint.names[stored.OLDER])
        self.older: dict[str, str] = {old: new for old, _, new in older}
        self._place: dict[str, tuple[int, int]] = {}
        for number, screen in enumerate(checkpoint.config.screens):
            for at, context in enumerate(screen.contexts):
                key = squashed(context)
                for word in (key, *ALIASES.get(key, ())):
                    self._place[word] = number, at

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Return the model in a folder, the shipped one by default.

        Raises:
            DataError: It is missing or damaged.
        """
        return cls(read_checkpoint(folder or SHIPPED, FORMAT))

    @property
    def contexts(self) -> tuple[str, ...]:
        """Return the kinds of cells in which drugs were measured."""
        return tuple(one for screen in self._stored.config.screens for one in screen.contexts)

    def context(self, word: str) -> str:
        """Return the kind of cells that a word means, whatever its case, blanks and hyphens.

        Raises:
            QuestionError: No screen of drugs has such cells.
        """
        number, at = self._placed(word)
        return self._stored.config.screens[number].contexts[at]

    def __contains__(self, context: str) -> bool:
        return squashed(context) in self._place

    def readouts(self, context: str) -> tuple[str, ...]:
        """Return the readouts of a kind of cells."""
        return self._stored.names[stored.genes_of(self.context(context))]

    def find(self, text: str) -> Drug | None:
        """Return the drug that a name means in any usual spelling; None where no table has it."""
        for word in spellings(text):
            if (drug := self.drugs.known(word)) is not None:
                return drug
        return None

    def screened(self, context: str) -> tuple[str, ...]:
        """Return the drugs that were measured in a kind of cells, as its screen writes them."""
        number, at = self._placed(context)
        one = self._known[number].learner.screen
        read = (one.contexts[at].levels != UNRANKED).any(1)
        return tuple(drug for drug, here in zip(one.drugs, read, strict=True) if here)

    def predict(self, drug: Drug | str, genes: Sequence[str], context: str) -> DrugPrediction:
        """Return what a drug does to readouts, from other drugs alone: never from its own rows.

        Args:
            drug: A drug, or a name that no table need have: then the gene's usual rate is returned.
            genes: Readouts by the names of `readouts`.
            context: One of `contexts`.

        Raises:
            QuestionError: No screen of drugs has such cells.
        """
        number, at = self._placed(context)
        known = self._known[number]
        screen = known.learner.screen
        where = screen.contexts[at]
        found = self.find(drug) if isinstance(drug, str) else drug
        described = self._described(found)
        own = self._own(known, drug if isinstance(drug, str) else drug.name, found)
        train = np.setdiff1d(np.arange(len(screen.drugs)), own)
        similarity = known.learner.likeness.to([described])
        weights = known.learner.weights(similarity, train)
        asked = [gene for gene in dict.fromkeys(genes) if known.sums.at(at, gene) is not None]
        columns = np.array([known.sums.at(at, gene) for gene in asked], np.int64)
        level = where.levels[:, columns]
        rate, up = rates(level[train])
        direction = known.sums.sums(weights.direction, POSITION, at, asked)[0]
        change = known.sums.sums(weights.change, CHANGE, at, asked)[0]
        doubt = float(np.sqrt(weights.doubt[0]))
        p_de, low, high = _chances(known.config.change, change, rate, doubt)
        p_up, up_low, up_high = _chances(known.config.up, direction, up, doubt)
        row = {gene: i for i, gene in enumerate(asked)}
        effects = []
        for gene in genes:
            if (i := row.get(gene)) is None:
                reason = NO_GENE.format(gene, where.name)
                effects.append(DrugEffect(gene, None, None, None, None, "", reason))
                continue
            measured = [words(int(level[one, i])) for one in own if level[one, i] != UNRANKED]
            effects.append(
                DrugEffect(
                    gene,
                    float(p_de[i]),
                    float(p_up[i]),
                    Interval(low=float(low[i]), high=float(high[i])),
                    Interval(low=float(up_low[i]), high=float(up_high[i])),
                    measured[0] if measured else "",
                    "",
                )
            )
        in_scope, reason = self._scope(known, found, described, train, similarity[0])
        name = found.name if found is not None else str(drug).strip()
        return DrugPrediction(name, where.name, screen.name, in_scope, reason, tuple(effects))

    def relatives(
        self, drug: Drug | str, context: str, gene: str | None = None, count: int = 5
    ) -> tuple[Relative, ...]:
        """Return the measured drugs that are most like a drug, and what each did to a readout.

        Raises:
            QuestionError: No screen of drugs has such cells.
        """
        number, at = self._placed(context)
        known = self._known[number]
        found = self.find(drug) if isinstance(drug, str) else drug
        described = self._described(found)
        own = self._own(known, drug if isinstance(drug, str) else drug.name, found)
        similarity = known.learner.likeness.to([described])[0]
        similarity[own] = 0.0
        where = known.learner.screen.contexts[at]
        column = None if gene is None else known.sums.at(at, gene)
        out = []
        for one in np.argsort(-similarity, kind="stable")[:count].tolist():
            if similarity[one] <= 0:
                break
            did = "" if column is None else words(int(where.levels[one, column]))
            out.append(
                Relative(
                    known.learner.screen.drugs[one],
                    float(min(1.0, similarity[one] / known.learner.most_alike)),
                    shared(described, known.learner.described[one]),
                    did,
                )
            )
        return tuple(out)

    def direction_weights(self, drug: str, screen: str = OP3) -> Floats | None:
        """Return what each drug of a screen counts for another one's direction `(drugs,)`.

        None where no drug of the screen is its relative. Its own rows count nothing.
        """
        known = next(one for one in self._known if one.config.name == screen)
        found = self.find(drug)
        described, own = self._described(found), self._own(known, drug, found)
        train = np.setdiff1d(np.arange(len(known.names)), own)
        if not any(shared(described, known.learner.described[one]) for one in train):
            return None
        similarity = known.learner.likeness.to([described])
        return np.asarray(known.learner.weights(similarity, train).direction[0])

    def _scope(
        self,
        known: _Known,
        drug: Drug | None,
        described: Described,
        train: NDArray[np.int64],
        similarity: Floats,
    ) -> tuple[bool, str]:
        if drug is None:
            return False, NO_DRUG
        if not described.known:
            return False, NO_FEATURES
        order = train[np.argsort(-similarity[train], kind="stable")]
        near = [
            known.learner.screen.drugs[one].strip()
            for one in order
            if shared(described, known.learner.described[one])
        ]
        if not near:
            return False, NO_RELATIVE.format(known.config.name)
        return True, f"told from {', '.join(near[:3])} ({known.config.name})"

    def _described(self, drug: Drug | None) -> Described:
        return Described.of(drug, None if drug is None else self._bits.get(drug.name))

    def _own(self, known: _Known, asked: str, drug: Drug | None) -> NDArray[np.int64]:
        """Return the rows of the drug itself, its salts among them."""
        keys = {squashed(word) for word in spellings(asked)}
        return np.array(
            [
                at
                for at, (written, name) in enumerate(
                    zip(known.learner.screen.drugs, known.names, strict=True)
                )
                if (drug is not None and name == drug.name) or squashed(written) in keys
            ],
            np.int64,
        )

    def _placed(self, word: str) -> tuple[int, int]:
        try:
            return self._place[squashed(word)]
        except KeyError:
            raise QuestionError(
                f"No screen of drugs was made in '{word.strip()}'; ask about one of "
                f"{', '.join(self.contexts)}."
            ) from None

    @cached_property
    def _known(self) -> tuple[_Known, ...]:
        names, arrays, config = self._stored.names, self._stored.arrays, self._stored.config
        out = []
        for one in config.screens:
            contexts = tuple(
                Context(
                    context,
                    names[stored.genes_of(context)],
                    unpacked(
                        arrays[stored.levels_of(context)], len(names[stored.genes_of(context)])
                    ),
                )
                for context in one.contexts
            )
            screen = Screen(one.name, names[stored.drugs_of(one.name)], contexts, one.plates)
            called = names[stored.known_of(one.name)]
            described = tuple(
                self._described(self.drugs.known(name) if name else None) for name in called
            )
            learner = Learner(screen, described, config.ridge)
            out.append(_Known(one, learner, Sums(screen), called))
        return tuple(out)

    @property
    def held_out(self) -> dict[str, dict[str, float]]:
        """Return the figures of held-out drugs by screen."""
        return {one.name: one.held_out for one in self._stored.config.screens}

    @property
    def ridge(self) -> Ridge:
        """Return how predictions are held back."""
        return self._stored.config.ridge

    def lines(self, screen: str) -> tuple[Line, Line]:
        """Return the calibrations of a screen: of the direction, and of the change."""
        one = next(one for one in self._stored.config.screens if one.name == screen)
        return one.up, one.change

    def screen(self, name: str = OP3) -> Learner:
        """Return what was learnt from a screen.

        Raises:
            KeyError: There is none of that name.
        """
        for one in self._known:
            if one.config.name == name:
                return one.learner
        raise KeyError(name)


def rates(level: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Return how often each gene changes under any drug, and goes up if it does `(genes,)`."""
    up, down = np.isin(level, UP).sum(0), np.isin(level, DOWN).sum(0)
    ranked = (level != UNRANKED).sum(0)
    change = (up + down + _RATE * _RATE_WEIGHT) / (ranked + _RATE_WEIGHT)
    return change, (up + _UP_WEIGHT / 2) / (up + down + _UP_WEIGHT)


def _chances(line: Line, value: Floats, rate: Floats, doubt: float) -> tuple[Floats, ...]:
    """Return probabilities and the ends of their 90 % intervals."""
    middle = line.bias + line.slope * value + line.prior * np.log(rate / (1 - rate))
    half = _HALF * abs(line.slope) * line.spread * doubt
    return tuple(1 / (1 + np.exp(-(middle + by))) for by in (0.0, -half, half))


def spellings(text: str) -> tuple[str, ...]:
    """Return a name as it stands, and without salts, brackets and second names."""
    found: dict[str, None] = {}
    for part in (text, *re.split(r"[;|]", text)):
        inner = re.findall(r"\(([^()]{3,})\)", part)
        outer = _DOSE.sub(" ", re.sub(r"\([^()]*\)", " ", part.casefold()))
        for word in (plain_name(part), part, plain_name(outer), outer, *inner):
            if len(squashed(word)) >= 2:
                found.setdefault(" ".join(word.split()))
    return tuple(found)


@lru_cache(maxsize=1)
def shipped_drugs() -> DrugModel:
    """Return the shipped model, read when it is first asked."""
    return DrugModel.load()
