"""Measures searches over all perturbations, warm, where an atlas is built."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from evals.bench import Measurement
from evals.harness.session import benchmark_session
from knowledge.schema import Perturbation

LINE = "K562"
STRESS = "DDIT3+,HERPUD1+,TRIB3+,ASNS+,CHAC1+,DNAJB9+,SDF2L1+,PDIA4+,HYOU1+,SEL1L+"
REVERSE = "Which knockdowns would raise DDIT3 in K562?"
LIKE = "What phenocopies the knockdown of SCAP in K562?"
WARM, WARM_LIST = 2.0, 10.0


def searched(folder: Path) -> list[Measurement]:
    """Return how long a second search of each kind takes; none where there is no atlas.

    Args:
        folder: Where runs are kept.
    """
    from agent.settings import Settings
    from tools.likeness import alike
    from tools.lists.atlas import atlas_of
    from tools.lists.explanation import explained
    from tools.lists.ranking import causes, library_of
    from tools.lists.results import read_result
    from tools.lists.search import found

    session = benchmark_session(Settings())
    predictor, data = session.predictor, session.settings.data
    atlas = atlas_of(data, predictor.response)
    if not atlas.perturbations(LINE):
        return []
    library = library_of(predictor, data, atlas)
    stress = read_result(STRESS, session.knowledge.symbols)

    def loss(gene: str) -> Perturbation:
        return Perturbation(genes=(gene,), kind="knockdown", cell_line=LINE)

    def find(gene: str) -> object:
        return found(predictor, atlas, [gene], LINE, "down", "knockdown", 20, data)

    def ask(question: str, name: str) -> object:
        return asyncio.run(session.ask(question, run_dir=folder / name))

    return [
        _warm("find, warm", lambda: find("HSPA5"), lambda: find("LDLR"), WARM),
        _warm(
            "find --like, warm",
            lambda: alike(predictor, loss("HSPA5"), atlas=atlas),
            lambda: alike(predictor, loss("SCAP"), atlas=atlas),
            WARM,
        ),
        _warm(
            "who, 10 genes, warm",
            lambda: causes(predictor, library, stress, LINE),
            lambda: causes(predictor, library, stress, LINE, "loss"),
            WARM,
        ),
        _warm("ask, reverse, warm", lambda: ask(LIKE, "like"), lambda: ask(REVERSE, "up"), WARM),
        _warm(
            "explain, 10 genes, warm",
            lambda: explained(predictor, loss("HSPA5"), stress),
            lambda: explained(predictor, loss("SEL1L"), stress),
            WARM_LIST,
        ),
    ]


def _warm(
    name: str, first: Callable[[], object], second: Callable[[], object], limit: float
) -> Measurement:
    """Return how long the second call takes, of another gene or question than the first."""
    first()
    began = time.perf_counter()
    second()
    return Measurement(name=name, value=time.perf_counter() - began, unit="s", limit=limit)
