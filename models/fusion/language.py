"""Fusion with a language model: what its answers add to the evidence, learnt on training rows.

The evidence keeps its weight of one; the language model gets a weight of its own per question, and
only where that lowers the log loss on held-out perturbations for certain. A model that knows
nothing therefore changes nothing.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.model_selection import GroupKFold

from knowledge.errors import DataError
from knowledge.files import replace_text
from knowledge.schema import Frozen
from models.fusion import Floats, logit

FOLDS = 5
# How many standard errors, over perturbations, the gain in log loss must exceed zero by.
SURE = 2.0
# Fewer perturbations cannot tell what a model knows: the error of the gain is itself unknown.
LEAST_PERTURBATIONS = 20
# The weight is drawn to zero as if it were known to be about so large.
PRIOR_WEIGHT = 1.0
# However certain a language model is, it counts as right 99 times in 100 at most.
LEAST = 0.01
Words = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Examples:
    """Judged training rows of one task, an entry per row `(n,)`.

    Attributes:
        label: 0 or 1.
        p_evidence: The evidence's probability, held out.
        p_llm: The language model's, NaN where it gave none.
        pert: The perturbed gene; folds never part its rows.
        shift: How much more often, in log-odds, rows of label 1 were drawn than rows of label 0.
    """

    label: Floats
    p_evidence: Floats
    p_llm: Floats
    pert: Words
    shift: Floats

    def __len__(self) -> int:
        return len(self.label)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Examples":
        """Return the chosen rows."""
        return Examples(*(getattr(self, field.name)[chosen] for field in fields(self)))


class Stack(Frozen):
    """`logit(p) = logit(p_evidence) + weight * logit(p_llm) + offset`; all zero: evidence alone.

    Attributes:
        weight: Of the language model.
        offset: Takes back what it says on average.
        rows: Rows with an answer of the language model.
        log_loss_without: Cross-validated, per row, of the evidence with an offset.
        log_loss_with: The same with the language model.
        gain_in_errors: The gain in log loss over its standard error.
    """

    weight: float = 0.0
    offset: float = 0.0
    rows: int = 0
    log_loss_without: float | None = None
    log_loss_with: float | None = None
    gain_in_errors: float = 0.0

    def probability(self, p_evidence: Floats, p_llm: Floats) -> Floats:
        """Return fused probabilities `(n,)`; where `p_llm` is NaN the evidence stands."""
        known = np.isfinite(p_llm)
        if not self.weight or not known.any():
            return np.array(p_evidence, np.float64)
        moved = self.weight * _said(np.where(known, p_llm, 0.5)) + self.offset
        fused = expit(logit(p_evidence) + moved)
        return np.where(known, fused, p_evidence)


class LanguageStacker(Frozen):
    """The stacks of one model and strategy, and what they were fitted on.

    `de` is for P(changes), `up` for P(up given a change).
    """

    format_version: Literal[1] = 1
    model: str
    strategy: str
    prompts_hash: str
    data_sha256: str
    de: Stack
    up: Stack

    @classmethod
    def load(
        cls, data: Path, model: str, strategy: str, prompts_hash: str | None = None
    ) -> "LanguageStacker | None":
        """Return the stacker kept under `data`, or None: then the model's answers weigh nothing.

        Args:
            data: The data folder of the settings.
            model: The model's id.
            strategy: The strategy's name.
            prompts_hash: Where given, a stacker that was fitted with other prompts is none.

        Raises:
            DataError: The file is damaged.
        """
        file = stacker_file(data, model, strategy)
        try:
            found = cls.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise DataError(
                f"{file} cannot be read ({error}); delete it and fit the stacker again with "
                f"`knockwise eval language --strategy {strategy} --fit`."
            ) from error
        return found if prompts_hash in (None, found.prompts_hash) else None

    def save(self, data: Path) -> Path:
        """Write the stacker under `data` and return its file."""
        file = stacker_file(data, self.model, self.strategy)
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_text(file, self.model_dump_json(indent=2) + "\n")
        return file

    def p_de(self, p_evidence: Floats, p_llm: Floats) -> Floats:
        """Return P(differentially expressed) `(n,)`; NaN in `p_llm` leaves the evidence alone."""
        return self.de.probability(p_evidence, p_llm)

    def p_up(self, p_evidence: Floats, p_llm: Floats) -> Floats:
        """Return P(up given differentially expressed); arguments as in `p_de`."""
        return self.up.probability(p_evidence, p_llm)


def stacker_file(data: Path, model: str, strategy: str) -> Path:
    """Return where the stacker of a model and strategy is kept."""
    slug = re.sub(r"[^A-Za-z0-9.-]+", "-", model).strip("-.")
    digest = hashlib.sha256(model.encode()).hexdigest()[:8]
    return data / "language" / f"{slug}-{digest}" / f"{strategy}.json"


def fit_stack(examples: Examples) -> Stack:
    """Return the stack of one task, with weight zero unless held-out perturbations gain by it."""
    answered = examples.take(np.isfinite(examples.p_llm))
    units = np.unique(answered.pert)
    if len(units) < LEAST_PERTURBATIONS or len(np.unique(answered.label)) < 2:
        return Stack(rows=len(answered))
    without, with_llm = np.empty(len(answered)), np.empty(len(answered))
    for fit, test in _folds(answered):
        train, held_out = answered.take(fit), answered.take(test)
        without[test] = _loss(held_out, *_fitted(train, llm=False))
        with_llm[test] = _loss(held_out, *_fitted(train, llm=True))
    gains = np.bincount(np.unique(answered.pert, return_inverse=True)[1], without - with_llm)
    error = float(gains.std(ddof=1)) * np.sqrt(len(gains))
    gain = float(gains.sum()) / error if error > 0 else 0.0
    weight, offset = _fitted(answered, llm=True) if gain > SURE else (0.0, 0.0)
    return Stack(
        weight=weight,
        # A weight of zero at the bound of the fit must leave the evidence as it is, too.
        offset=offset if weight else 0.0,
        rows=len(answered),
        log_loss_without=float(without.mean()),
        log_loss_with=float(with_llm.mean()),
        gain_in_errors=gain,
    )


def cross_fitted(examples: Examples) -> Floats:
    """Return fused probabilities `(n,)`, each from a stack that never saw the perturbation."""
    fused = np.array(examples.p_evidence, np.float64)
    if len(np.unique(examples.pert)) < FOLDS:
        return fused
    for fit, test in _folds(examples):
        stack = fit_stack(examples.take(fit))
        fused[test] = stack.probability(examples.p_evidence[test], examples.p_llm[test])
    return fused


def data_hash(*tasks: Examples) -> str:
    """Return a hash of everything stacks are fitted on."""
    digest = hashlib.sha256()
    for examples in tasks:
        digest.update(json.dumps(asdict(examples), default=np.ndarray.tolist).encode())
    return digest.hexdigest()


def _folds(examples: Examples) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    return GroupKFold(FOLDS).split(examples.label, groups=examples.pert)  # type: ignore[no-any-return]


def _said(p_llm: Floats) -> Floats:
    return logit(np.clip(p_llm, LEAST, 1 - LEAST))


def _loss(examples: Examples, weight: float, offset: float) -> Floats:
    """Return the log loss of each row, as it was drawn."""
    z = logit(examples.p_evidence) + examples.shift + weight * _said(examples.p_llm) + offset
    return np.asarray(np.logaddexp(0, z) - examples.label * z)


def _fitted(examples: Examples, *, llm: bool) -> tuple[float, float]:
    """Return the weight, shrunk and never negative, and the offset that fit best."""
    said = _said(examples.p_llm)
    base = logit(examples.p_evidence) + examples.shift

    def loss(x: Floats) -> tuple[float, Floats]:
        z = base + x[0] * said + x[1]
        wrong = expit(z) - examples.label
        value = np.sum(np.logaddexp(0, z) - examples.label * z) + (x[0] / PRIOR_WEIGHT) ** 2 / 2
        return float(value), np.array([wrong @ said + x[0] / PRIOR_WEIGHT**2, wrong.sum()])

    bounds = [(0.0, 5.0 if llm else 0.0), (-10.0, 10.0)]
    found = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), float(found.x[1])
