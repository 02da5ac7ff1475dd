"""Recall of each encoder on the same texts and questions, by exhaustive search, and its cost."""

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from evals.retrieval.asking import CUTS, MEASURES, answering
from evals.retrieval.facts import Cost
from evals.retrieval.questions import KNOWN_ITEM, NAMES, REFSEQ, UNIPROT, Asked, key
from knowledge.schema import Frozen
from knowledge.texts.documents import Document
from knowledge.texts.encoder import Encoder

PROSE = (NAMES, KNOWN_ITEM, REFSEQ, UNIPROT)
"""Sets that meaning may find; a symbol has none."""
TEXTS = 1000
"""At most so many are encoded by each encoder, unless more answer."""
_WARM = 32


class Compared(Frozen):
    """What an encoder found: a recall per question and cut, and its cost."""

    cost: Cost
    sets: tuple[str, ...]
    units: tuple[str, ...]
    recalls: tuple[tuple[float, ...], ...]

    def table(self) -> pd.DataFrame:
        """Return a row per question."""
        rows = zip(self.sets, self.units, self.recalls, strict=True)
        found = [(of, unit, self.cost.encoder, *recall) for of, unit, recall in rows]
        return pd.DataFrame(found, columns=["set", "unit", "predictor", *MEASURES])


def compared(
    name: str,
    encoder: Encoder,
    documents: Sequence[Document],
    asked: Sequence[Asked],
    seed: int,
) -> Compared:
    """Return what an encoder alone finds of questions in prose among some of the documents."""
    prose = [one for one in asked if one.of in PROSE]
    held = answering(documents, prose, TEXTS, seed)
    # Texts of one length together, as a build has them.
    held.sort(key=lambda document: len(document.text))
    texts = [document.text for document in held]
    encoder.encode(texts[:_WARM])
    began = time.process_time()
    vectors = encoder.encode(texts)
    cpu = time.process_time() - began
    queries = encoder.encode([one.text for one in prose])
    keys = np.array([key(document) for document in held])
    source = np.array([document.source for document in held])
    recalls = []
    for one, query in zip(prose, queries, strict=True):
        near = vectors @ query
        if one.source:
            near[source != one.source] = -np.inf
        first = keys[np.argsort(-near, kind="stable")[: max(CUTS)]]
        recalls.append(tuple(float(one.wanted[0] in first[:cut]) for cut in CUTS))
    return Compared(
        cost=Cost(encoder=name, texts=len(texts), cpu_s=cpu),
        sets=tuple(one.of for one in prose),
        units=tuple(one.unit for one in prose),
        recalls=tuple(recalls),
    )
