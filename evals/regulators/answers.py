"""Asks the product and its parts about one perturbation, a row per readout, line and knowledge."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from agent.settings import Settings
from evals.altered_graphs import AlteredGraph, Relations
from evals.harness.metrics import FloatArray
from evals.harness.session import benchmark_session
from knowledge.base import load_knowledge
from knowledge.cascade import reach, start
from knowledge.errors import KnockwiseError
from knowledge.graph import SignedGraph
from knowledge.schema import Perturbation, PerturbationKind
from models.expression.model import ExpressionModel
from models.fusion import Fusion, Scope
from tools.effects import EffectPredictor
from tools.expression import shipped_expression

OUTCOMES = {"up": 1.0, "down": -1.0, "unchanged": 0.0}
_log = logging.getLogger(__name__)


class Ask(NamedTuple):
    """One question: a perturbation, its readouts, and the lines it is asked in."""

    gene: str
    kind: PerturbationKind
    cell_lines: tuple[str, ...]
    readouts: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """What is asked.

    Attributes:
        predictors: The product, with the starter pack and, where it is compiled, the full data.
        shuffled: The richest graph, its signs dealt anew among relations of one type.
        expression: The expression model, where its contexts are asked too.
    """

    predictors: Mapping[Scope, EffectPredictor]
    shuffled: SignedGraph
    expression: ExpressionModel | None = None

    @property
    def scope(self) -> Scope:
        """Return the richest knowledge at hand."""
        return "full" if "full" in self.predictors else "starter"

    @property
    def best(self) -> EffectPredictor:
        """Return the product with all that is known."""
        return self.predictors[self.scope]


def open_world(settings: Settings, seed: int, *, expression: bool = True) -> World:
    """Return the product as `settings` open it, and once more with the starter pack alone."""
    session = benchmark_session(settings)
    predictors: dict[Scope, EffectPredictor] = {session.knowledge.scope: session.predictor}
    if session.knowledge.scope == "full":
        response = session.predictor.response
        predictors["starter"] = EffectPredictor(
            load_knowledge(Path("/nonexistent"), response.genes()),
            response,
            Fusion.load("starter"),
            max_steps=settings.cascade.max_rounds,
            min_confidence=settings.cascade.min_confidence,
        )
    model = shipped_expression() if expression else None
    return World(predictors, shuffled_graph(session.knowledge.graph, seed), model)


def shuffled_graph(graph: SignedGraph, seed: int) -> SignedGraph:
    """Return the same relations with the signs of each type dealt anew."""
    relations = Relations(graph)
    return AlteredGraph(graph, relations.with_signs_shuffled(np.random.default_rng(seed)))


def answers(world: World, ask: Ask) -> pd.DataFrame:
    """Return what the product and its parts say, a row per knowledge, line and readout.

    Columns: `scope`, `cell_line`, `gene`; `p_de`, `p_up` (NaN where it gives no number), `call` and
    `abstained` of the fused answer; `response_de` and `response_up` (NaN where the model abstains);
    `path_up`, `path_down`; `measured` (1 up, -1 down, 0 unchanged, NaN never measured).
    """
    response = world.best.response
    parts = []
    for line in ask.cell_lines:
        what = Perturbation(genes=(ask.gene,), kind=ask.kind, cell_line=line)
        alone = response.predict((ask.gene,), ask.readouts, line, kind=ask.kind)
        told = [response.measured(ask.gene, gene, line) for gene in ask.readouts]
        of_line = {
            "cell_line": line,
            "gene": ask.readouts,
            "response_de": [np.nan if one.abstained else one.p_de for one in alone],
            "response_up": [np.nan if one.abstained else one.p_up for one in alone],
            "measured": [OUTCOMES.get(one, np.nan) if one else np.nan for one in told],
        }
        for scope, predictor in world.predictors.items():
            effects = predictor.effects(what, ask.readouts)
            reached = predictor.reach(what)
            of_scope = {
                "scope": scope,
                "p_de": np.array([one.p_de for one in effects], np.float64),
                "p_up": np.array([one.p_up for one in effects], np.float64),
                "call": [one.call for one in effects],
                "abstained": [one.abstained for one in effects],
                "path_up": [reached.confidence(gene, "up") for gene in ask.readouts],
                "path_down": [reached.confidence(gene, "down") for gene in ask.readouts],
            }
            parts.append(pd.DataFrame({**of_line, **of_scope}))
    return pd.concat(parts, ignore_index=True)


def controls(world: World, ask: Ask) -> pd.DataFrame:
    """Return what needs no line, a row per readout.

    Columns: `gene`; `edge`, the signed trust of the direct relation, the way the readout goes;
    `shuffled`, the balance of paths whose signs were shuffled; `expression`, the mean change over
    the expression model's contexts of that kind, in standard deviations of each (NaN: not read).
    """
    way = 1.0 if ask.kind == "activation" else -1.0
    graph = world.best.knowledge.graph
    edges = []
    for gene in ask.readouts:
        found = [one for one in graph.relations(ask.gene, gene) if one.expression]
        edges.append(way * sum(one.sign * one.trust for one in found))
    line = world.best.response.cell_lines[0]
    what = Perturbation(genes=(ask.gene,), kind=ask.kind, cell_line=line)
    reached = reach(world.shuffled, start(what))
    balance = [reached.confidence(g, "up") - reached.confidence(g, "down") for g in ask.readouts]
    return pd.DataFrame(
        {
            "gene": ask.readouts,
            "edge": edges,
            "shuffled": balance,
            "expression": _expression(world.expression, ask),
        }
    )


def _expression(model: ExpressionModel | None, ask: Ask) -> FloatArray:
    asked = np.full(len(ask.readouts), np.nan)
    if model is None:
        return asked
    gains = ask.kind == "activation"
    found = []
    for context in model.contexts:
        if context.unit == "latent" or (context.kind == "activation") is not gains:
            continue
        try:
            response = model.predict((ask.gene,), context.name)
        except KnockwiseError as error:
            _log.debug("%s: %s", ask.gene, error)
            return asked
        scale = float(np.std(response.change))
        change = pd.Series(response.change / scale if scale else 0.0, index=response.readouts)
        found.append(change.reindex(list(ask.readouts)).to_numpy(np.float64))
    if not found:
        return asked
    return np.asarray(pd.DataFrame(found).mean().to_numpy(np.float64))
