"""Measures prediction and training of the expression model, beside what APP's authors claim."""

import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from evals.bench import Measurement

BATCH = 200


def predicted() -> Iterator[Measurement]:
    """Yield the time per unseen perturbation in the widest context and in that of pairs."""
    from models.expression.model import ExpressionModel

    began = time.perf_counter()
    model = ExpressionModel.load()
    yield Measurement(name="open the expression model", value=time.perf_counter() - began, unit="s")
    widest = max(model.contexts, key=lambda one: one.readouts)
    paired = max(model.contexts, key=lambda one: sum(len(p) > 1 for p in one.perturbations))
    measured = {gene for one in model.contexts for genes in one.perturbations for gene in genes}
    unseen = [gene for gene in model.genes if gene not in measured][:BATCH]
    for context, batch in (
        (widest, [(gene,) for gene in unseen]),
        (paired, list(pairwise(unseen))),
    ):
        model.predict(batch[0], context.name)
        began = time.perf_counter()
        for genes in batch:
            model.predict(genes, context.name)
        wall = (time.perf_counter() - began) / len(batch)
        yield Measurement(
            name=f"expression, {context.name}, {context.readouts:,} readouts, a perturbation "
            "(APP's claim: 10 to 50)",
            value=1000 * wall,
            unit="ms",
            limit=5,
        )
    yield Measurement(
        name="APP as published, trainable parameters outside embeddings (claim: 0.5 to 1)",
        value=_parameters(widest.readouts) / 1e6,
        unit="M",
        limit=1,
    )


def _parameters(readouts: int) -> int:
    from evals.expression.rivals.architecture import AdaptivePerturbPredictor
    from evals.expression.rivals.neural import PAPER

    model = AdaptivePerturbPredictor(PAPER, 1, readouts)
    named = model.named_parameters()
    return sum(values.numel() for name, values in named if name != "encoder.embedding")


def trained(data: Path) -> Iterator[Measurement]:
    """Yield the time to train the shipped checkpoint from a data folder.

    Raises:
        DataError: A file is missing.
    """
    from models.expression.training import train

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        train(data, Path(folder), lambda *_: None)
    yield Measurement(
        name="train the expression model (APP's claim: 1,800 to 5,400)",
        value=time.perf_counter() - began,
        unit="s",
        limit=900,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Measurement(name="... peak memory", value=peak, unit="MiB", limit=4096)
