"""Measures the text index in a run folder; a stopped run goes on with its units."""

import csv
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from agent.session import Session
from agent.settings import Settings
from evals import retrieval as benchmark
from evals.harness.resampling import DRAWS
from evals.harness.run import Inputs, Run, part
from evals.harness.scores import Results
from evals.harness.session import benchmark_session
from evals.retrieval.asking import WHOLE, answering, answers, built
from evals.retrieval.comparing import Compared, compared
from evals.retrieval.facts import Built, Facts
from evals.retrieval.page import BENCHMARK
from evals.retrieval.questions import indexed, questions
from evals.retrieval.rivals.encoders import OURS, RIVALS, missing
from evals.retrieval.score import encoder_scores, search_scores
from knowledge import texts
from knowledge.errors import QuestionError
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.genes import sources_root
from knowledge.texts.documents import documents
from knowledge.texts.encoder import Encoder, SentenceEncoder, load_encoder

TEXTBOOK = "textbook/questions.tsv"
_INDEX = "index"


class RetrievalEval(Frozen):
    """What an evaluation can be told; another value is another run."""

    seed: int = Field(0, description="Seed of everything that is drawn.")
    texts: int | None = Field(None, description="How many texts are indexed; None for all.")
    each: int = Field(200, ge=1, description="Genes, and terms of each set, that are asked for.")
    encoders: bool = Field(False, description="Whether encoders are compared.")
    draws: int = Field(DRAWS, description="Bootstrap resamples of genes, terms and questions.")


def evaluate(
    data: Path, out: Path, settings: RetrievalEval, world: Settings, progress: Progress
) -> Results:
    """Return the results; a finished run is read, an interrupted one gone on with.

    Args:
        data: Mirror, or a data folder with `sources`, that holds `textbook/`.
        out: The run folder.
        settings: What is evaluated.
        world: Where the compiled texts are, and which encoder is used.
        progress: Told what is being done.

    Raises:
        DataError: A file is missing or cannot be used.
        TextIndexError: The encoder is missing, or the index cannot be stored.
        RunError: `out` holds another run.
    """
    root = sources_root(data)
    encoder = load_encoder(world.encoder)
    session = benchmark_session(world)
    inputs = Inputs(
        {TEXTBOOK: root / TEXTBOOK},
        (benchmark, texts),
        {**session.versions.data, "encoder": encoder.fingerprint},
    )
    return BENCHMARK.evaluate(
        out,
        settings,
        inputs,
        lambda run: _evaluated(root, run, settings, session, encoder),
        progress,
    )


def _evaluated(
    root: Path, run: Run, settings: RetrievalEval, session: Session, encoder: Encoder
) -> Results:
    knowledge = session.knowledge
    with (root / TEXTBOOK).open(encoding="utf-8") as file:
        textbook = [row["question"] for row in csv.DictReader(file, delimiter="\t")]
    every = list(documents(session.settings.data))
    asked = questions(
        every, knowledge, textbook, settings.each, np.random.default_rng(settings.seed)
    )
    held = list(indexed(every, asked))
    if settings.texts is not None:
        held = answering(held, asked, settings.texts, settings.seed)
        if len(held) > settings.texts:
            raise QuestionError(
                f"{len(held):,} texts answer these questions; raise --texts or lower --each."
            )
    folder = run.out / _INDEX
    took = run.figures(
        "built",
        Built,
        lambda: built(folder, held, encoder, part(run.progress, 0.0, 0.4)),
        "index",
    )
    table = run.table(
        "answers",
        lambda: answers(
            folder, held, asked, encoder, knowledge.symbols, part(run.progress, 0.4, 0.3)
        ),
        "questions",
    )
    found = list(search_scores(table, settings.seed, settings.draws))
    others: list[Compared] = []
    left_out: tuple[str, ...] = ()
    if settings.encoders and isinstance(encoder, SentenceEncoder):
        tried = [name for name in RIVALS if not missing(name)]
        left_out = tuple(
            f"{name} was left out: it needs {package}."
            for name in RIVALS
            if (package := missing(name))
        )
        for number, name in enumerate((OURS, *tried)):
            run.progress(f"encoding, {name}", 0.7 + 0.25 * number / (len(tried) + 1))
            rival = encoder if name == OURS else RIVALS[name](encoder.name, encoder.folder)
            make = partial(compared, name, rival, held, asked, settings.seed)
            others.append(run.figures(f"encoders/{name}", Compared, make, name))
        rows = pd.concat([one.table() for one in others])
        found += encoder_scores(rows, settings.seed, settings.draws)
    facts = Facts(
        built=took,
        ms=float(table.loc[table["predictor"] == WHOLE, "ms"].median()),
        costs=tuple(one.cost for one in others),
        left_out=left_out,
    )
    return Results.of(BENCHMARK.kind, found, facts)
