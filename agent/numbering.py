"""Numbers the evidence of an answer in the order in which it is cited."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from knowledge.schema import (
    CascadeStep,
    DrugAccount,
    Effect,
    Evidence,
    Hypothesis,
    KnownPhenotype,
    Phenotype,
    ProgrammePath,
)

_Phenotype = TypeVar("_Phenotype", Phenotype, KnownPhenotype)


class Numbering:
    """Gives each cited piece of evidence a short id: E1, E2, ..."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._evidence = {item.id: item for item in evidence}
        self._numbers: dict[str, str] = {}

    def cite(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return the short ids, giving new ones where needed.

        Raises:
            KeyError: An id has no evidence behind it.
        """
        ids = tuple(ids)
        for known in ids:
            if known not in self._evidence:
                raise KeyError(known)
        return tuple(self._numbers.setdefault(i, f"E{len(self._numbers) + 1}") for i in ids)

    def step(self, step: CascadeStep) -> CascadeStep:
        """Return the step with short ids."""
        return step.model_copy(update={"evidence_ids": self.cite(step.evidence_ids)})

    def effect(self, effect: Effect) -> Effect:
        """Return the effect with short ids."""
        return effect.model_copy(update={"evidence_ids": self.cite(effect.evidence_ids)})

    def phenotype(self, phenotype: _Phenotype) -> _Phenotype:
        """Return a phenotype, known or predicted, with short ids."""
        return phenotype.model_copy(update={"evidence_ids": self.cite(phenotype.evidence_ids)})

    def hypothesis(self, hypothesis: Hypothesis) -> Hypothesis:
        """Return the hypothesis with short ids."""
        return hypothesis.model_copy(
            update={
                "steps": tuple(self.step(step) for step in hypothesis.steps),
                "branches": tuple(tuple(map(self.step, path)) for path in hypothesis.branches),
                "supporting": self.cite(hypothesis.supporting),
                "contradicting": self.cite(hypothesis.contradicting),
            }
        )

    def programme(self, path: ProgrammePath) -> ProgrammePath:
        """Return the path through a programme with short ids."""
        return path.model_copy(
            update={
                "steps": tuple(map(self.step, path.steps)),
                "driven_by": tuple(map(self.step, path.driven_by)),
            }
        )

    def drug(self, account: DrugAccount) -> DrugAccount:
        """Return the account of a drug with short ids in its steps."""
        steps = (
            step.model_copy(update={"evidence_ids": self.cite(step.evidence_ids)})
            for step in account.steps
        )
        return account.model_copy(update={"steps": tuple(steps)})

    def cited(self) -> tuple[Evidence, ...]:
        """Return the cited evidence under its short ids, in order."""
        return tuple(
            self._evidence[long].model_copy(update={"id": short})
            for long, short in self._numbers.items()
        )
