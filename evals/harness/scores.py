"""One long table of all that a benchmark measured: where, who, by what measure, and how much."""

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, overload

import pandas as pd
from pydantic import ValidationError

from evals.harness.resampling import Estimate, Sample
from knowledge.errors import DataError
from knowledge.files import replace_text
from knowledge.schema import Frozen

Key = str | int | float | bool
Verdict = Literal["better", "level", "worse"]
FactsT = TypeVar("FactsT", bound=Frozen)
ROUNDING = 0.0005
"""A gain that a table shows as zero is none."""
BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(
        ("auroc", "roc_auc", "rouge_recall", "rouge_f1", "agrees", "itself in first ten",
         "complex in first hundred", "in order", "called", "right of the called", "sign", "gene",
         "within"),
        (0.0, 1.0),
    ),
    "pearson": (-1.0, 1.0),
    "r2": (-math.inf, 1.0),
}  # fmt: skip
"""What values of a measure cannot pass, and so no interval of a score."""
WHO = ("predictor", "role", "than", "measure")
FIGURES = ("value", "low", "high", "n")


class Measure(Frozen):
    """What is measured, in what unit, and which way is better.

    Attributes:
        name: What tables call it.
        unit: Of its values, empty for a share or a correlation.
        better: Whether more or less is better.
        relative: Whether a gain is told as a share of the other's value.
    """

    name: str
    unit: str = ""
    better: Literal["more", "less"] = "more"
    relative: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def ahead(self, mine: Sample, theirs: Sample) -> Sample:
        """Return how far one is ahead of another, positive where it is better."""
        gain = (
            mine / theirs - Sample(1, theirs.draws * 0 + 1, 0) if self.relative else mine - theirs
        )
        return -gain if self.better == "less" else gain


@dataclass(frozen=True, init=False)
class Score:
    """What one predictor reaches by one measure.

    Attributes:
        predictor: What tables call it.
        measure: By what.
        value: With its interval.
        role: What the predictor is in the comparison.
        keys: Where: task, line, split and whatever else tells scores apart.
    """

    predictor: str
    measure: str
    value: Estimate
    role: str
    keys: Mapping[str, Key]

    def __init__(
        self,
        predictor: str,
        measure: str,
        value: Estimate | Sample | float,
        role: str = "",
        /,
        **keys: Key,
    ) -> None:
        if isinstance(value, Sample):
            value = value.estimate()
        elif not isinstance(value, Estimate):
            value = Estimate(value=value)
        if measure in BOUNDS and not isinstance(self, Gain):
            value = value.within(*BOUNDS[measure])
        given = {"predictor": predictor, "measure": measure, "value": value, "role": role}
        for name, one in (given | {"keys": keys}).items():
            object.__setattr__(self, name, one)

    @property
    def than(self) -> str:
        """Return over whom a gain is; a score is over nobody."""
        return ""

    def __getitem__(self, column: str) -> Any:  # noqa: ANN401  # a key of the benchmark's own
        """Return the value of a column; None for a key that the score has not."""
        return getattr(self, column) if column in WHO else self.keys.get(column)

    def __str__(self) -> str:
        return str(self.value)


class Gain(Score):
    """How far one predictor is ahead of another on the same resamples, positive where better."""

    def __init__(
        self,
        predictor: str,
        than: str,
        measure: str,
        value: Estimate | Sample | float,
        role: str = "",
        /,
        **keys: Key,
    ) -> None:
        super().__init__(predictor, measure, value, role, **keys)
        object.__setattr__(self, "_than", than)

    @property
    def than(self) -> str:
        """Return over whom it is."""
        return str(self.__dict__["_than"])

    @property
    def verdict(self) -> Verdict:
        """Return whether the interval of the gain leaves out zero, and on which side."""
        if self.value.low > ROUNDING:
            return "better"
        return "worse" if self.value.high < -ROUNDING else "level"


class Scores(Sequence[Score]):
    """Scores and gains in the order in which they were found."""

    def __init__(self, found: Iterable[Score] = ()) -> None:
        self._found = tuple(found)

    def __len__(self) -> int:
        return len(self._found)

    @overload
    def __getitem__(self, at: int) -> Score: ...
    @overload
    def __getitem__(self, at: slice) -> "Scores": ...
    def __getitem__(self, at: int | slice) -> "Score | Scores":
        return Scores(self._found[at]) if isinstance(at, slice) else self._found[at]

    def __iter__(self) -> Iterator[Score]:
        return iter(self._found)

    def where(self, **columns: Key | Collection[Key] | None) -> "Scores":
        """Return those whose columns have these values, or one of several."""
        wanted = {
            name: (value,) if isinstance(value, str) or not isinstance(value, Collection) else value
            for name, value in columns.items()
        }
        return Scores(
            one for one in self._found if all(one[name] in some for name, some in wanted.items())
        )

    def find(self, **columns: Key | Collection[Key] | None) -> Score | None:
        """Return the first of `where`, if there is one."""
        return next(iter(self.where(**columns)), None)

    @property
    def gains(self) -> tuple[Gain, ...]:
        """Return the gains alone."""
        return tuple(one for one in self._found if isinstance(one, Gain))

    @property
    def plain(self) -> "Scores":
        """Return all but the gains."""
        return Scores(one for one in self._found if not isinstance(one, Gain))

    def by(self, *columns: str) -> dict[tuple[Any, ...], Score]:
        """Return them by the values of these columns; of two with the same ones the last."""
        return {tuple(one[name] for name in columns): one for one in self._found}

    def values(self, column: str) -> list[Any]:
        """Return the values of a column, each once, in order of appearance."""
        return list(dict.fromkeys(one[column] for one in self._found if one[column] is not None))

    @property
    def keys(self) -> list[str]:
        """Return the names of all keys, in order of appearance."""
        return list(dict.fromkeys(name for one in self._found for name in one.keys))

    def rows(self) -> Iterator[list[Any]]:
        """Yield the rows of the long table: keys, `WHO` and `FIGURES`; None where there is none."""
        names = [*self.keys, *WHO]
        for one in self._found:
            figures = (getattr(one.value, name) for name in FIGURES)
            yield [one[name] for name in names] + [None if _isnan(f) else f for f in figures]

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as records, without what they have not."""
        names = [*self.keys, *WHO, *FIGURES]
        rows = (dict(zip(names, row, strict=True)) for row in self.rows())
        return [{name: one for name, one in row.items() if one not in (None, "")} for row in rows]

    def table(self) -> pd.DataFrame:
        """Return the long table."""
        return pd.DataFrame(list(self.rows()), columns=[*self.keys, *WHO, *FIGURES])

    @classmethod
    def of(cls, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Self:
        """Return the scores of a long table."""
        return cls(_score(dict(zip(columns, row, strict=True))) for row in rows)


@dataclass(frozen=True, eq=False)
class Results:
    """Everything that a run found.

    Attributes:
        kind: Which benchmark's they are.
        scores: All figures that are compared.
        facts: What else the page tells, as the benchmark's own model has it.
    """

    kind: str
    scores: Scores
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, kind: str, scores: Iterable[Score], facts: Frozen | None = None) -> Self:
        """Return results of these scores and facts."""
        return cls(kind, Scores(scores), facts.model_dump(mode="json") if facts else {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Results) and self.dump() == other.dump()

    def __hash__(self) -> int:
        return hash(self.dump())

    def about(self, model: type[FactsT]) -> FactsT:
        """Return the facts as the benchmark's own model."""
        return model.model_validate(self.facts)

    def dump(self) -> str:
        """Return them as JSON, a score a line; equal results give equal text."""
        rows = ",\n  ".join(json.dumps(row) for row in self.scores.rows())
        columns = json.dumps([*self.scores.keys, *WHO, *FIGURES])
        facts = json.dumps(self.facts, indent=1)
        return (
            f'{{\n "kind": {json.dumps(self.kind)},\n "facts": {facts},\n "scores": {{\n'
            f'  "columns": {columns},\n  "rows": [\n  {rows}\n ]}}\n}}\n'
        )

    @classmethod
    def load(cls, record: Mapping[str, Any], whence: Path) -> Self:
        """Return the results that `dump` wrote.

        Raises:
            DataError: They are not of this form.
        """
        try:
            long = record["scores"]
            return cls(record["kind"], Scores.of(long["columns"], long["rows"]), record["facts"])
        except (KeyError, TypeError, ValueError, ValidationError) as error:
            raise DataError(
                f"{whence} holds no figures of this version ({type(error).__name__}); run the "
                "evaluation again in another folder."
            ) from error

    def save(self, out: Path) -> None:
        """Write `metrics.json`, and the long table for people as `scores.csv`."""
        self.scores.table().to_csv(out / "scores.csv", index=False)
        replace_text(out / "metrics.json", self.dump())


def _score(row: dict[str, Any]) -> Score:
    who = {name: row.pop(name) for name in WHO}
    figures = {name: math.nan if (f := row.pop(name)) is None else f for name in FIGURES}
    keys = {name: value for name, value in row.items() if value is not None}
    value = Estimate(**figures)
    if who["than"]:
        return Gain(who["predictor"], who["than"], who["measure"], value, who["role"], **keys)
    return Score(who["predictor"], who["measure"], value, who["role"], **keys)


def _isnan(value: float) -> bool:
    return isinstance(value, float) and math.isnan(value)
