"""The calibrated change of each readout: response model and cascade, fused."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from knowledge.base import Knowledge
from knowledge.cascade import (
    MAX_STEPS,
    MIN_CONFIDENCE,
    CellState,
    Reach,
    RelationKey,
    reach,
    start,
)
from knowledge.schema import Direction, Effect, Evidence, Interval, Perturbation
from models.fusion import Floats, Fusion, logit
from models.response import Outcome, ResponseModel, ResponsePrediction
from tools.experiments import MeasuredRow, analogue_facts, measured_outcome, measured_row

# How often a training row of a screen is taken to be wrong. The screens call a change at a false
# discovery rate of .05; the direction of a called change is hardly ever wrong.
MEASUREMENT_ERROR = 0.05
Path = Literal["open", "cut", "none"]
_TELLS_DE: Mapping[Outcome | None, int] = {"up": 1, "down": 1, "unchanged": -1}
_TELLS_UP: Mapping[Outcome | None, int] = {"up": 1, "down": -1}
# A path of this confidence, some three steps of the starter pack, explains a change. With such a
# path and this P(up), the direction is named even where P(DE) is below its threshold.
EXPLICABLE = 0.05
SURE_DIRECTION = 0.75
OWN_GENE = "it is the perturbed gene itself, whose transcript the method of perturbation decides"
NOTHING_TO_LOSE = (
    "the line has no working copy to lose, so no change is expected; the screens perturbed "
    "expressed genes only"
)
FROM_PATH = "the prediction rests on the signed path alone"
FROM_CUT_PATH = "the main signed path to it is cut off in this cell line"
NO_SUPPORT = "neither a measured analogue nor a signed path supports a prediction"


class EffectPredictor:
    """Predicts effects for one perturbation at a time, for a few readouts or for every gene."""

    def __init__(
        self,
        knowledge: Knowledge,
        response: ResponseModel,
        fusion: Fusion,
        *,
        max_steps: int = MAX_STEPS,
        min_confidence: float = MIN_CONFIDENCE,
    ) -> None:
        self.knowledge, self.response, self.fusion = knowledge, response, fusion
        self._max_steps, self._min_confidence = max_steps, min_confidence
        self._observed = lru_cache(maxsize=None)(self._read_by_screen)
        self._reached = lru_cache(maxsize=64)(self._search)
        self._predicted = lru_cache(maxsize=16)(self._predict)

    def cell_state(self, cell_line: str) -> CellState:
        """Return what `cell_line` does not pass on."""
        line = self.knowledge.cell_lines.ground(cell_line)
        return CellState(line, self.knowledge.expression, self._observed(line.name))

    def _read_by_screen(self, cell_line: str) -> frozenset[str]:
        return frozenset(self.response.readouts(cell_line))

    def reach(
        self,
        perturbation: Perturbation,
        *,
        lesions: bool = True,
        without: frozenset[RelationKey] = frozenset(),
    ) -> Reach:
        """Return the best signed paths from a perturbation; the same search is done only once.

        Args:
            perturbation: What is done, and in which line.
            lesions: Whether the line's lesions and silent genes stop a path.
            without: Relations that must not be used.
        """
        return self._reached(perturbation, lesions, without)

    def _search(
        self, perturbation: Perturbation, lesions: bool, without: frozenset[RelationKey]
    ) -> Reach:
        return reach(
            self.knowledge.graph,
            start(perturbation),
            cell=self.cell_state(perturbation.cell_line) if lesions else None,
            max_steps=self._max_steps,
            min_confidence=self._min_confidence,
            without=without,
        )

    def effects(
        self,
        perturbation: Perturbation,
        readouts: Sequence[str] | None = None,
        *,
        without: frozenset[RelationKey] = frozenset(),
    ) -> list[Effect]:
        """Return one effect per readout, without evidence ids.

        A main path that the lesions of the line cut off is a reason to predict no change, whatever
        weaker detours there are.

        Args:
            perturbation: What is done, and in which line.
            readouts: Approved symbols; None for every gene that the model or the cascade reaches.
            without: Relations that have been refuted.
        """
        wanted = tuple(readouts) if readouts is not None else None
        return list(self._predicted(perturbation, wanted, without))

    def _predict(
        self,
        perturbation: Perturbation,
        readouts: tuple[str, ...] | None,
        without: frozenset[RelationKey],
    ) -> tuple[Effect, ...]:
        reached = self.reach(perturbation, without=without)
        unhindered = self.reach(perturbation, lesions=False)
        line = perturbation.cell_line
        measured = self.response.readouts(line)
        genes = list(readouts) if readouts is not None else _union(measured, reached)
        rows = self._responses(perturbation, genes)
        paths = [_path(gene, reached, unhindered) for gene in genes]
        up, down = np.array(
            [
                [reached.confidence(gene, "up"), reached.confidence(gene, "down")]
                if path == "open"
                else [0.0, 0.0]
                for gene, path in zip(genes, paths, strict=True)
            ]
        ).T
        known = np.array([not row.abstained for row in rows])
        alone_de, alone_up = np.array([[row.p_de, row.p_up] for row in rows]).T
        p_de = self.fusion.p_de(np.where(known, alone_de, np.nan), up, down)
        p_up = self.fusion.p_up(np.where(known, alone_up, np.nan), up, down)
        outcomes = [measured_outcome(self.response, perturbation, gene) for gene in genes]
        p_de = _informed(p_de, [_TELLS_DE.get(outcome, 0) for outcome in outcomes])
        p_up = _informed(p_up, [_TELLS_UP.get(outcome, 0) for outcome in outcomes])
        around_de = _moved([row.interval for row in rows], known, alone_de, p_de)
        around_up = _moved([row.p_up_interval for row in rows], known, alone_up, p_up)
        cell = self.cell_state(line)
        losing_nothing = perturbation.kind != "activation" and all(
            cell.lacks(gene) for gene in perturbation.genes
        )
        effects = []
        for index, (gene, row) in enumerate(zip(genes, rows, strict=True)):
            own = gene in perturbation.genes
            path = paths[index]
            effect = Effect(
                gene=gene,
                p_de=p_de[index],
                p_up=p_up[index],
                interval=around_de[index],
                p_up_interval=around_up[index],
                call="unknown",
                seen_in_training=row.seen_in_training,
                abstained=own or losing_nothing or (row.abstained and path == "none"),
                reason=NOTHING_TO_LOSE if losing_nothing else _reason(row, path, own=own),
            )
            effects.append(effect.model_copy(update=self._reading(effect, reached, path)))
        return tuple(effects)

    def _responses(
        self, perturbation: Perturbation, readouts: Sequence[str]
    ) -> list[ResponsePrediction]:
        """Return the response model's prediction of each readout, from the genes that act on it."""
        acting = self._acting(perturbation, readouts)
        found: dict[str, ResponsePrediction] = {}
        for genes in dict.fromkeys(acting.values()):
            of_these = [readout for readout in readouts if acting[readout] == genes]
            predictions = self.response.predict(
                genes, of_these, perturbation.cell_line, kind=perturbation.kind
            )
            note = _epistasis(perturbation.genes, genes)
            for row in predictions:
                reason = "; ".join(filter(None, (row.reason, note)))
                found[row.readout] = row.model_copy(update={"reason": reason})
        return [found[readout] for readout in readouts]

    def _acting(
        self, perturbation: Perturbation, readouts: Sequence[str]
    ) -> dict[str, tuple[str, ...]]:
        """Return which of the perturbed genes act on each readout.

        A gene whose main path to the readout leads through another perturbed gene has no say of
        its own: that gene is held where its own perturbation put it (epistasis).
        """
        genes = perturbation.genes
        if len(genes) == 1:
            return dict.fromkeys(readouts, genes)
        alone = {
            gene: self.reach(perturbation.model_copy(update={"genes": (gene,)}), lesions=False)
            for gene in genes
        }
        out = {}
        for readout in readouts:
            free = tuple(gene for gene in genes if not _through(alone[gene], readout, genes))
            out[readout] = free or genes
        return out

    def revised(
        self,
        perturbation: Perturbation,
        effect: Effect,
        p_de: float,
        p_up: float,
        *,
        without: frozenset[RelationKey] = frozenset(),
    ) -> Effect:
        """Return `effect` with other probabilities: intervals moved along, the call read anew.

        An abstained effect stays as it is.
        """
        if effect.abstained or (p_de, p_up) == (effect.p_de, effect.p_up):
            return effect
        known = np.array([True])
        (interval,) = _moved([effect.interval], known, np.array([effect.p_de]), np.array([p_de]))
        (p_up_interval,) = _moved(
            [effect.p_up_interval], known, np.array([effect.p_up]), np.array([p_up])
        )
        moved = effect.model_copy(
            update={
                "p_de": p_de,
                "p_up": p_up,
                "interval": interval,
                "p_up_interval": p_up_interval,
                "subtle": False,
            }
        )
        reached = self.reach(perturbation, without=without)
        path = _path(effect.gene, reached, self.reach(perturbation, lesions=False))
        return moved.model_copy(update=self._reading(moved, reached, path))

    def _reading(self, effect: Effect, reached: Reach, path: Path) -> dict[str, object]:
        """Return the `call`, and whether it is `subtle`."""
        direction: Direction = "up" if effect.p_up >= 0.5 else "down"
        if effect.abstained:
            return {"call": "unknown"}
        if effect.p_de >= self.fusion.de_threshold:
            return {"call": direction}
        sure = max(effect.p_up, 1 - effect.p_up) >= SURE_DIRECTION
        if sure and path == "open" and reached.confidence(effect.gene, direction) >= EXPLICABLE:
            return {"call": direction, "subtle": True}
        return {"call": "unchanged"}

    def measured(self, perturbation: Perturbation, readout: str) -> MeasuredRow | None:
        """Return the training row of exactly this experiment, if a screen has it."""
        return measured_row(self.response, perturbation, readout)

    def analogues(self, perturbation: Perturbation, readout: str) -> list[Evidence]:
        """Return related measured experiments, those that changed `readout` first."""
        line = perturbation.cell_line
        return [
            fact
            for gene in self._acting(perturbation, [readout])[readout]
            for group in analogue_facts(self.response, gene, readout, line)
            for fact in group
        ]

    def model_fact(self, perturbation: Perturbation, effect: Effect) -> Evidence:
        """Return the fused prediction itself as evidence of kind `model`."""
        genes = "+".join(perturbation.genes)
        line = perturbation.cell_line
        return Evidence(
            id=f"mod:effects:{genes}>{effect.gene}:{line}",
            kind="model",
            statement=(
                f"Response model and cascade, fused: P({effect.gene} changes) = "
                f"{effect.p_de:.2f}, P(up if it changes) = {effect.p_up:.2f}"
            ),
            source=f"response {self.response.version}, fusion {self.fusion.version}",
            weight=max(effect.p_de, 1 - effect.p_de),
            genes=(*perturbation.genes, effect.gene),
            sign=0 if effect.call not in ("up", "down") else 1 if effect.call == "up" else -1,
        )


def _path(gene: str, reached: Reach, unhindered: Reach) -> Path:
    """Return whether the main path to `gene` is open; a weaker detour is not believed."""
    if not unhindered.best(gene):
        return "none"
    return "open" if reached.best(gene) >= unhindered.best(gene) else "cut"


def _through(reached: Reach, readout: str, genes: Sequence[str]) -> bool:
    """Return whether the main path from one perturbed gene to `readout` meets another."""
    up, down = reached.confidence(readout, "up"), reached.confidence(readout, "down")
    path = reached.path(readout, "up" if up >= down else "down")
    return any(step.target.node in genes for step in path[:-1])


def _epistasis(genes: Sequence[str], acting: Sequence[str]) -> str:
    silent = [gene for gene in genes if gene not in acting]
    if not silent:
        return ""
    return f"{' and '.join(silent)} act{'s' if len(silent) == 1 else ''} on it through " + (
        f"{' and '.join(acting)}, which {'is' if len(acting) == 1 else 'are'} perturbed too"
    )


def _reason(row: ResponsePrediction, path: str, *, own: bool) -> str:
    if own:
        return OWN_GENE
    if not row.abstained:
        return row.reason
    rests = {"open": FROM_PATH, "cut": FROM_CUT_PATH, "none": NO_SUPPORT}
    return f"{row.reason}; {rests[path]}"


def _union(measured: Sequence[str], reached: Reach) -> list[str]:
    return sorted({*measured, *reached.transcripts()})


def _informed(p: Floats, told: Sequence[int]) -> Floats:
    """Return probabilities after measurements that said yes (+1), no (-1) or nothing (0).

    The model's own prediction leaves the measured row out, so the two are independent evidence.
    """
    likelihood_ratio = np.log((1 - MEASUREMENT_ERROR) / MEASUREMENT_ERROR)
    return np.asarray(expit(logit(p) + likelihood_ratio * np.array(told)))


def _moved(
    intervals: Sequence[Interval], known: NDArray[np.bool_], old: Floats, new: Floats
) -> list[Interval]:
    """Return intervals shifted, on the log-odds scale, as far as their centres were moved.

    Where the response model does not know, the interval is everything.
    """
    edges = np.array([[interval.low, interval.high] for interval in intervals]).T
    low, high = expit(logit(edges) + logit(new) - logit(old))
    low = np.where(known, np.minimum(low, new), 0.0)
    high = np.where(known, np.maximum(high, new), 1.0)
    return [Interval(low=a, high=b) for a, b in zip(low, high, strict=True)]
