"""The calibrated change of each readout: response model and cascade, fused."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from knowledge.cell_lines import Lesion
from knowledge.schema import Direction, Effect, Evidence, Interval, Perturbation
from models.fusion import Floats, Fusion, PathKind, Support, logit
from models.fusion.support import gathered
from models.response import Ground, Outcome, ResponseModel, ResponsePrediction
from tools.druggable import (
    DrugModel,
    DrugNumbers,
    inferred,
    inferred_from,
    knockdown_of,
)
from tools.experiments import MeasuredRow, analogue_facts, measured_outcome, measured_row

# How often a training row of a screen is taken to be wrong. The screens call a change at a false
# discovery rate of .05; the direction of a called change is hardly ever wrong.
MEASUREMENT_ERROR = 0.05
Path = Literal["open", "cut", "none"]
_TELLS_DE: Mapping[Outcome | None, int] = {"up": 1, "down": 1, "unchanged": -1}
_TELLS_UP: Mapping[Outcome | None, int] = {"up": 1, "down": -1}
# What a measured knockdown of its target is worth for a drug, beside a measurement of the very
# experiment (1): by choice, until a drug model of the cells takes its place.
KNOCKDOWN_FOR_DRUG = 0.5
# A path of this confidence, some three steps of the starter pack, explains a change. With such a
# path and this P(up), the direction is named even where P(DE) is below its threshold.
EXPLICABLE = 0.05
SURE_DIRECTION = 0.75
# Below this P(changes in that direction) nobody would say that it goes there.
LEAST_JOINT = 0.4
# An interval as wide as this is no knowledge.
SAYS_NOTHING = 0.9
OWN_GENE = "it is the perturbed gene itself, whose transcript the method of perturbation decides"
NOTHING_TO_LOSE = (
    "the line has no working copy to lose, so no change is expected; the screens perturbed "
    "expressed genes only"
)
NO_TARGET = "the line has no working target of the drug, so no change is expected"
FROM_PATH = "a signed path alone says which way"
EITHER_WAY = "it may well change, but which way is not known"
FROM_CUT_PATH = "the main signed path to it is cut off in this cell line"
OTHER_CELLS = "no screen looked at cells in this state"
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
        drug_model: DrugModel | None = None,
    ) -> None:
        self.knowledge, self.response, self.fusion = knowledge, response, fusion
        self.drug_model = drug_model
        self._max_steps, self._min_confidence = max_steps, min_confidence
        self._observed = lru_cache(maxsize=None)(self._read_by_screen)
        self._usual = lru_cache(maxsize=None)(response.habit)
        self._reached = lru_cache(maxsize=64)(self._search)
        self._predicted = lru_cache(maxsize=16)(self._predict)

    def cell_state(self, cell_line: str) -> CellState:
        """Return what `cell_line` does not pass on."""
        line = self.knowledge.cell_lines.ground(cell_line)
        return CellState(line, self.knowledge.expression, self._observed(line.name))

    def cell_of(self, perturbation: Perturbation) -> CellState:
        """Return what the cells do not pass on that are perturbed: lesions of the question too."""
        cell = self.cell_state(perturbation.cell_line)
        lost = tuple(
            Lesion(gene=gene, effect="loss", note="the question says so.")
            for gene in (*perturbation.background, *perturbation.lesions)
        )
        line = cell.line.model_copy(update={"lesions": (*lost, *cell.line.lesions)})
        return replace(cell, line=line) if lost else cell

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
            cell=replace(self.cell_of(perturbation), hindered=lesions),
            max_steps=self._max_steps,
            min_confidence=self._min_confidence,
            without=without,
            drugged=perturbation.drugged,
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
        if perturbation.conditional:
            rows = [_unscreened(row) for row in rows]
        elif perturbation.drugged:
            rows = [inferred(row, perturbation) for row in rows]
        paths = [_path(gene, reached, unhindered) for gene in genes]
        support = self._support(perturbation, genes, rows, reached, paths)
        alone_de, alone_up, usual = support.p_de, support.p_up, self._usual(line)
        p_de, p_up = self.fusion.p_de(support), self.fusion.p_up(support)
        lost = knockdown_of(perturbation)
        outcomes = [
            None if perturbation.conditional else measured_outcome(self.response, lost, gene)
            for gene in genes
        ]
        trust = KNOCKDOWN_FOR_DRUG if perturbation.drugged else 1.0
        p_de = informed(p_de, [trust * _TELLS_DE.get(outcome, 0) for outcome in outcomes])
        p_up = informed(p_up, [trust * _TELLS_UP.get(outcome, 0) for outcome in outcomes])
        # An interval of a knockdown is none of a drug.
        known = not perturbation.drugged
        around_de = _moved([row.interval if known else None for row in rows], alone_de, p_de)
        around_up = _moved([row.p_up_interval if known else None for row in rows], alone_up, p_up)
        modelled: Mapping[str, DrugNumbers] = {}
        if perturbation.drugged and self.drug_model is not None:
            modelled = self.drug_model.numbers(perturbation, genes)
        cell = self.cell_of(perturbation)
        loses = perturbation.kind != "activation" or perturbation.drugged
        losing_nothing = loses and all(cell.lacks(gene) for gene in perturbation.genes)
        effects = []
        for index, (gene, row) in enumerate(zip(genes, rows, strict=True)):
            path = paths[index]
            effect = Effect(
                gene=gene,
                p_de=None if np.isnan(p_de[index]) else p_de[index],
                p_up=p_up[index],
                interval=around_de[index],
                p_up_interval=around_up[index],
                call="unknown",
                seen_in_training=row.seen_in_training,
                usual=usual[gene].p_de if gene in usual else None,
                conflict=_conflict(support.take(np.array([index])), p_up[index], outcomes[index]),
            )
            if gene in perturbation.genes and not perturbation.drugged:
                read: dict[str, object] = {"abstained": True, "reason": OWN_GENE}
            elif losing_nothing:
                reason = NO_TARGET if perturbation.drugged else NOTHING_TO_LOSE
                read = {"abstained": True, "reason": reason}
            elif gene in modelled:
                read = _of_model(modelled[gene], reached, gene)
            else:
                read = self._reading(effect, row.reason, reached, path)
            effects.append(effect.model_copy(update=read))
        return tuple(effects)

    def _support(
        self,
        perturbation: Perturbation,
        genes: Sequence[str],
        rows: Sequence[ResponsePrediction],
        reached: Reach,
        paths: Sequence[Path],
    ) -> Support:
        """Return all that speaks about each readout, for the heads of fusion."""
        silent = np.array([row.abstained for row in rows])
        grounds = [self.response.ground(gene) for gene in perturbation.genes]
        joined = Ground(
            known=all(ground.known for ground in grounds),
            essential=float(np.mean([ground.essential for ground in grounds])),
            nearest=min(ground.nearest for ground in grounds),
        )
        return gathered(
            genes,
            np.where(silent, np.nan, [row.p_de for row in rows]),
            np.where(silent, np.nan, [row.p_up for row in rows]),
            joined,
            reached,
            self.fusion.habit.log_odds(genes),
            any(gene in self.fusion.habit.regulators for gene in perturbation.genes),
            perturbation.kind,
            [path == "open" for path in paths],
        )

    def _responses(
        self, perturbation: Perturbation, readouts: Sequence[str]
    ) -> list[ResponsePrediction]:
        """Return the response model's prediction of each readout, from the genes that act on it."""
        perturbation = knockdown_of(perturbation)
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
        if effect.abstained or effect.p_de is None or (p_de, p_up) == (effect.p_de, effect.p_up):
            return effect
        now_de, now_up = np.array([p_de]), np.array([p_up])
        moved = effect.model_copy(
            update={
                "p_de": p_de,
                "p_up": p_up,
                "interval": _moved([effect.interval], np.array([effect.p_de]), now_de)[0],
                "p_up_interval": _moved([effect.p_up_interval], np.array([effect.p_up]), now_up)[0],
                "subtle": False,
            }
        )
        reached = self.reach(perturbation, without=without)
        path = _path(effect.gene, reached, self.reach(perturbation, lesions=False))
        return moved.model_copy(update=self._reading(moved, effect.reason, reached, path))

    def _reading(
        self, effect: Effect, reason: str, reached: Reach, path: Path
    ) -> dict[str, object]:
        """Return the `call`, whether it is `subtle`, and whether and why there is none."""
        direction: Direction = "up" if effect.p_up >= 0.5 else "down"
        if effect.p_de is not None and (
            effect.p_de >= self.fusion.de_threshold and effect.joint >= LEAST_JOINT
        ):
            return {"call": direction, "reason": reason}
        # A drug that blocks a protein takes more away than a knockdown that changed little.
        agrees = reached.drugged and reached.curated(effect.gene)
        sure = max(effect.p_up, 1 - effect.p_up) >= (0.5 if agrees else SURE_DIRECTION)
        told = path == "open" and reached.confidence(effect.gene, direction) >= EXPLICABLE
        if sure and told:
            why = reason if effect.p_de is not None else f"{reason}; {FROM_PATH}"
            return {"call": direction, "subtle": True, "reason": why}
        if effect.p_de is not None and effect.p_de >= self.fusion.de_threshold:
            return {"call": "unknown", "reason": "; ".join(filter(None, (reason, EITHER_WAY)))}
        if effect.p_de is not None:
            return {"call": "unchanged", "reason": reason}
        if path == "cut":
            return {"call": "unchanged", "reason": f"{reason}; {FROM_CUT_PATH}"}
        return {"call": "unknown", "abstained": True, "reason": f"{reason}; {NO_SUPPORT}"}

    def measured(self, perturbation: Perturbation, readout: str) -> MeasuredRow | None:
        """Return the training row of exactly this experiment, if a screen has it."""
        if perturbation.conditional or perturbation.drugged:
            return None
        return measured_row(self.response, perturbation, readout)

    def analogues(self, perturbation: Perturbation, readout: str) -> list[Evidence]:
        """Return related measured experiments, those that changed `readout` first."""
        line = perturbation.cell_line
        if perturbation.conditional:
            return []
        lost = knockdown_of(perturbation)
        row = measured_row(self.response, lost, readout) if perturbation.drugged else None
        facts = [row.evidence] if row is not None else []
        return facts + [
            fact
            for gene in self._acting(lost, [readout])[readout]
            for group in analogue_facts(self.response, gene, readout, line)
            for fact in group
        ]

    def model_fact(self, perturbation: Perturbation, effect: Effect) -> Evidence:
        """Return the fused prediction itself as evidence of kind `model`."""
        genes = "+".join(perturbation.drugs if perturbation.drugged else perturbation.genes)
        line = perturbation.cell_line
        basis = f", {inferred_from(perturbation)}" if perturbation.drugged else ""
        return Evidence(
            id=f"mod:effects:{genes}>{effect.gene}:{line}{_state(perturbation)}",
            kind="model",
            statement=(
                f"Response model and cascade, fused{basis}: P({effect.gene} changes) = "
                f"{effect.p_de:.2f}, P(up if it changes) = {effect.p_up:.2f}"
                if effect.p_de is not None
                else f"No screen looked at {line} in this state; a signed path says {effect.call}"
                if perturbation.conditional
                else f"No screen read {effect.gene} in {line}; a signed path says {effect.call}"
            ),
            source=f"response {self.response.version}, fusion {self.fusion.version}",
            weight=max(effect.p_up, 1 - effect.p_up)
            if effect.p_de is None
            else max(effect.p_de, 1 - effect.p_de),
            genes=(*perturbation.genes, effect.gene),
            sign=0 if effect.call not in ("up", "down") else 1 if effect.call == "up" else -1,
        )


def _of_model(found: DrugNumbers, reached: Reach, gene: str) -> dict[str, object]:
    """Return what the drug model says of a gene, and whether a path would say otherwise."""
    up, down = reached.confidence(gene, "up"), reached.confidence(gene, "down")
    path = "up" if up > down else "down" if down > up else ""
    against = found.call in ("up", "down") and path not in ("", found.call)
    return {
        **found.model_dump(include={"p_de", "p_up", "call"}),
        "interval": found.interval,
        "p_up_interval": found.p_up_interval,
        "reason": f"drug model of {found.context}: {found.reason}",
        "conflict": f"related drugs were measured to do so, though a path says {path}"
        if against
        else "",
    }


def _state(perturbation: Perturbation) -> str:
    """Return what sets the cells apart, for an id."""
    lost = "".join(f"-{gene}" for gene in perturbation.background)
    around = (*perturbation.stimuli, *(() if perturbation.drugged else perturbation.drugs))
    return lost + "".join(f"+{name.replace(' ', '_')}" for name in around)


def _unscreened(row: ResponsePrediction) -> ResponsePrediction:
    """Return the prediction as none: the screens are of other cells than these."""
    return row.model_copy(
        update={"abstained": True, "reason": OTHER_CELLS, "seen_in_training": False}
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


def _conflict(support: Support, p_up: float, outcome: Outcome | None) -> str:
    """Return what contradicts the direction that is believed, or nothing.

    Args:
        support: What speaks about one readout.
        p_up: What came of it, measurement included.
        outcome: What a screen measured for this very pair.
    """
    believed: Direction = "up" if p_up >= 0.5 else "down"
    path: Direction | None = None
    if support.kind[0] != PathKind.NONE and support.up[0] != support.down[0]:
        path = "up" if support.up[0] > support.down[0] else "down"
    model = float(support.p_up[0])
    likeness: Direction | None = None
    if np.isfinite(model) and max(model, 1 - model) >= SURE_DIRECTION:
        likeness = "up" if model >= 0.5 else "down"
    if outcome in ("up", "down") and path not in (None, outcome):
        return f"measured {outcome} in this very line, though a path says {path}"
    if path is None or likeness is None or path == likeness:
        return ""
    named = {
        PathKind.DIRECT: "a path of the built-in pathways",
        PathKind.RELAYED: "a path of the built-in pathways through other transcripts",
        PathKind.DATABASE: "a path of database edges",
    }[PathKind(int(support.kind[0]))]
    other = "measurements of this perturbation" if support.known[0] else "likeness to measured ones"
    if believed == path:
        return f"{named} says {path} and is believed over {other}, which would say {likeness}"
    return f"{other} say {likeness} and are believed over {named}, which would say {path}"


def _union(measured: Sequence[str], reached: Reach) -> list[str]:
    return sorted({*measured, *reached.transcripts()})


def informed(p: Floats, told: Sequence[float] | NDArray[np.floating | np.integer]) -> Floats:
    """Return probabilities after measurements that said yes (+1), no (-1), nothing (0), or less.

    The model's own prediction leaves the measured row out, so the two are independent evidence.
    """
    likelihood_ratio = np.log((1 - MEASUREMENT_ERROR) / MEASUREMENT_ERROR)
    return np.asarray(expit(logit(p) + likelihood_ratio * np.asarray(told)))


def _moved(intervals: Sequence[Interval | None], old: Floats, new: Floats) -> list[Interval | None]:
    """Return intervals shifted, on the log-odds scale, as far as their centres were moved.

    Where there was no number before, or is none now, or the interval says nothing, it is unknown.
    """
    moved: list[Interval | None] = []
    for interval, before, after in zip(intervals, old, new, strict=True):
        known = interval is not None and np.isfinite(before) and np.isfinite(after)
        if interval is None or not known or interval.high - interval.low >= SAYS_NOTHING:
            moved.append(None)
            continue
        edges = np.array([interval.low, interval.high])
        low, high = expit(logit(edges) + logit(after) - logit(before))
        moved.append(Interval(low=min(low, after), high=max(high, after)))
    return moved
