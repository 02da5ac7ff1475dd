"""Scores what strategies answered to contrast pairs: alone, beside the evidence, and with it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from evals.harness.resampling import Estimate
from evals.harness.scores import Results, Score
from evals.language.bias import EMPTY
from evals.language.outcome import cross_fused
from evals.language.pairs import PairScore, scored
from evals.rows import KEYS
from evals.tasks import TASKS, TaskName
from knowledge.errors import DataError
from knowledge.schema import Frozen

SCREENS = "screens"
"""Where pairs of the screens' training rows are from."""
REGULATORS = "regulators"
WHERE: Mapping[str, str] = {
    "all": "all pairs of the screens",
    "sure": "the half of them that the evidence parts most",
    "unsure": "the half that it parts least",
    REGULATORS: "regulators that no screen perturbed",
}
"""Which pairs a score is of."""
LLM, EVIDENCE, MEAN, FUSED = "llm", "evidence", "mean", "fused"
PREDICTORS = (LLM, EVIDENCE, MEAN, FUSED)
LEAST = 1e-3
COLUMNS = (
    *KEYS, "label", "pair", "source", "shift", "p_evidence", "model", "strategy", "prompts_hash",
    "p_llm", "failed", "prompt", "cached", "written", "seconds",
)  # fmt: skip


class Asked(Frozen):
    """What a strategy cost.

    Attributes:
        strategy: Its name.
        prompts_hash: Of everything that it may ask.
        questions: How many rows it was asked about.
        failed: Rows without a usable answer.
        prompt: Prompt tokens per question.
        cached: Share of them that the server had kept.
        written: Tokens written per question.
        seconds: Waited per question, side by side.
    """

    strategy: str
    prompts_hash: str
    questions: int
    failed: int
    prompt: float
    cached: float
    written: float
    seconds: float


class Bias(Frozen):
    """What a strategy says whatever it is asked, and what its probabilities are worth.

    Attributes:
        strategy: Its name.
        task: `de`: "yes" stands first; `dir`: "up" does.
        empty: P(first answer) where nothing is asked about; None where that failed.
        mean: Mean P(first answer) over the pairs, half of which it is right for.
        first: Share of questions with P(first answer) above one half.
        log_loss: Of its probabilities, in nats; .693 knows nothing.
        calibrated: The same after the log-odds of the empty case are taken off.
        evidence: The evidence's on the same rows.
    """

    strategy: str
    task: TaskName
    empty: float | None
    mean: float
    first: float
    log_loss: float
    calibrated: float | None
    evidence: float


class Facts(Frozen):
    """What else the page tells: the cost, the tests, and the bias."""

    model: str
    asked: tuple[Asked, ...]
    tests: tuple[PairScore, ...]
    bias: tuple[Bias, ...]


def read_replies(*paths: Path) -> pd.DataFrame:
    """Return the table that a run left, a row per question and strategy.

    Args:
        paths: Of several runs of one model, what the first of them says of a question counts.

    Raises:
        DataError: One is no such table, or they are of different pairs.
    """
    whole = pd.concat([_read(path) for path in paths], ignore_index=True)
    first = whole.drop_duplicates(["strategy", "source", *KEYS])
    rows = first[first.source != EMPTY].groupby(["strategy", "source", "pair"]).size()
    ways = first.groupby("strategy").prompts_hash.nunique()
    if (rows != 2).any() or (ways != 1).any():
        raise DataError(
            "These replies are of different pairs or prompts; score together what was asked with "
            "the same `--seed`, `--pairs`, `--regulators` and version."
        )
    return first.reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path, columns=list(COLUMNS))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} holds no replies to contrast pairs ({error}); `knockwise eval pairs` leaves "
            "them as `kept.parquet` in its folder."
        ) from error


def found(kind: str, replies: pd.DataFrame) -> Results:
    """Return the results of a model's replies, see `COLUMNS`."""
    asked = replies[replies.source != EMPTY]
    names = list(dict.fromkeys(asked.strategy))
    answers = {name: with_both(asked[asked.strategy == name]) for name in names}
    tests = [one for name in names for one in _scores(name, answers[name])]
    scores = [
        Score(
            name,
            "share",
            Estimate(value=one.share, low=one.low, high=one.high, n=one.pairs),
            one.predictor,
            task=one.task,
            where=one.where,
        )
        for name, one in tests
    ]
    told = [
        one.model_copy(update={"predictor": _named(name, one.predictor)})
        for name, one in tests
        if one.predictor != EVIDENCE
    ]
    told += [one for name in names[1:] for one in _against(names[0], name, answers)]
    empty = replies[replies.source == EMPTY]
    facts = Facts(
        model=str(replies.model.iloc[0]),
        asked=tuple(_cost(name, asked[asked.strategy == name]) for name in names),
        tests=tuple(told),
        bias=tuple(
            one
            for name in names
            for one in _bias(name, answers[name], empty[empty.strategy == name])
        ),
    )
    return Results.of(kind, scores, facts)


def with_both(answers: pd.DataFrame) -> pd.DataFrame:
    """Return a strategy's answers with a column for each of `PREDICTORS`, and where a pair is.

    A row that the model gave nothing for counts as .5 of its own; fused weights are fitted on other
    perturbations, those of the regulators apart.
    """
    parts = []
    for _, part in answers.groupby("source", sort=False):
        table = part.reset_index(drop=True)
        table[LLM] = table.p_llm.fillna(0.5)
        table[EVIDENCE] = table.p_evidence
        table[MEAN] = expit((_log_odds(table[LLM]) + _log_odds(table[EVIDENCE])) / 2)
        table[FUSED] = cross_fused(table)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def widest(answers: pd.DataFrame) -> float:
    """Return the width of the widest interval of the model's own shares."""
    mine = _scores("", with_both(answers))
    return max((one.high - one.low for _, one in mine if one.predictor == LLM), default=1.0)


def _scores(name: str, answers: pd.DataFrame) -> Iterator[tuple[str, PairScore]]:
    """Yield the strategy's name and a score, for all pairs and parts of them."""
    of_screens = answers[answers.source == SCREENS]
    sure = _sure(of_screens)
    parts = {
        "all": of_screens,
        "sure": of_screens[sure],
        "unsure": of_screens[~sure],
        REGULATORS: answers[answers.source == REGULATORS],
    }
    for where, part in parts.items():
        if len(part):
            yield from ((name, one) for one in scored(part, PREDICTORS, EVIDENCE, where))


def _sure(rows: pd.DataFrame) -> pd.Series:
    """Return which rows are of the half of their task's pairs that the evidence parts most."""
    odds = pd.Series(_log_odds(rows.p_evidence), rows.index)
    apart = odds.groupby(rows.pair).transform(lambda two: two.max() - two.min())
    return apart >= apart.groupby(rows.task).transform("median")


def _against(first: str, name: str, answers: Mapping[str, pd.DataFrame]) -> Iterator[PairScore]:
    """Yield how a strategy compares with the first on the pairs that both were asked."""
    keys = [*KEYS, "pair", "source", "label"]
    both = answers[name][[*keys, LLM]].merge(
        answers[first][[*keys, LLM]], on=keys, suffixes=(f" {name}", f" {first}")
    )
    both = both[both.source == SCREENS].rename(
        columns={f"{LLM} {name}": name, f"{LLM} {first}": first}
    )
    for one in scored(both, (name, first), first, "all") if len(both) else ():
        if one.predictor == name:
            yield one


def _named(strategy: str, predictor: str) -> str:
    return strategy if predictor == LLM else f"{strategy}, {predictor}"


def _cost(name: str, answers: pd.DataFrame) -> Asked:
    spent = answers[["prompt", "cached", "written", "seconds"]].sum()
    return Asked(
        strategy=name,
        prompts_hash=str(answers.prompts_hash.iloc[0]),
        questions=len(answers),
        failed=int(answers.failed.ne("").sum()),
        prompt=float(spent.prompt / len(answers)),
        cached=float(spent.cached / max(1, spent.prompt)),
        written=float(spent.written / len(answers)),
        seconds=float(spent.seconds / len(answers)),
    )


def _bias(name: str, answers: pd.DataFrame, empty: pd.DataFrame) -> Iterator[Bias]:
    of_screens = answers[answers.source == SCREENS]
    for task in TASKS:
        rows = of_screens[of_screens.task == task]
        if rows.empty:
            continue
        said = empty[empty.task == task].p_llm.dropna()
        odds = _log_odds(rows[LLM])
        yield Bias(
            strategy=name,
            task=task,
            empty=float(said.iloc[0]) if len(said) else None,
            mean=float(rows[LLM].mean()),
            first=float((rows[LLM] > 0.5).mean()),
            log_loss=_log_loss(rows.label, odds),
            calibrated=_log_loss(rows.label, odds - _log_odds(said)) if len(said) else None,
            evidence=_log_loss(rows.label, _log_odds(rows[EVIDENCE]) + rows["shift"].to_numpy()),
        )


def _log_loss(label: pd.Series, log_odds: np.ndarray) -> float:
    """Return the mean log loss of these log-odds, in nats."""
    sign = np.where(label.to_numpy() > 0, -1.0, 1.0)
    return float(np.logaddexp(0.0, sign * log_odds).mean())


def _log_odds(p: pd.Series) -> np.ndarray:
    return np.asarray(logit(p.clip(LEAST, 1 - LEAST)), np.float64)
