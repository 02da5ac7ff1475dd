"""Contrast pairs of regulators, which no screen perturbed: the same readout, lost two of them.

One regulator's loss raises the readout and another's lowers it, by the net votes of published
experiments (`evals.regulator_pairs`). The evidence is the product's own answer, whose few fusion
weights were fitted with these regulators among others: that flatters it.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from agent.session import Session
from evals.language.pairs import contrast_pairs
from evals.language.rows import blocks, shift_of
from evals.regulator_pairs import labelled, read_sets
from evals.rows import KEYS
from knowledge.progress import Progress
from knowledge.schema import Perturbation
from knowledge.sources.genes import read_symbols, sources_root

LINE = "K562"
VOTES = 2
"""Net votes that say which way a readout goes; one experiment alone is often wrong."""


def regulator_pairs(
    data: Path, session: Session, pairs: int, seed: int, progress: Progress
) -> pd.DataFrame:
    """Return the rows of contrast pairs with `label`, `pair`, `shift` and `p_evidence`.

    Args:
        data: Mirror, or a data folder with `sources`.
        session: What the evidence is asked of.
        pairs: How many.
        seed: The same seed draws the same pairs.
        progress: Told after each regulator.

    Raises:
        DataError: The file of regulator sets is missing.
        RunError: There is no such pair.
    """
    root = sources_root(data)
    response = session.predictor.response
    known = labelled(read_sets(root, read_symbols(root)), seed)
    known = known[known.kind.eq("loss") & known.votes.ge(VOTES)]
    known = known[known.gene.isin(response.readouts(LINE)) & known.regulator.ne(known.gene)]
    screened = {one for one in set(known.regulator) if response.ground(one).known}
    rows = pd.DataFrame(
        {
            "cell_line": LINE,
            "pert": known.regulator,
            "gene": known.gene,
            "task": "dir",
            "label": known.up.astype(np.float64),
        }
    )[~known.regulator.isin(screened)]
    rows = rows.sort_values(KEYS, ignore_index=True)
    drawn = contrast_pairs(rows, pairs, seed)
    drawn = drawn.assign(shift=shift_of(drawn, rows), p_evidence=0.5)
    parts = list(blocks(drawn))
    for number, (line, regulator, at) in enumerate(parts):
        progress(f"evidence of {regulator}", number / len(parts))
        lost = Perturbation(genes=(regulator,), kind="knockdown", cell_line=line)
        effects = session.predictor.effects(lost, tuple(drawn.gene[at]))
        drawn.loc[at, "p_evidence"] = [
            0.5 if one.abstained or one.p_up is None else one.p_up for one in effects
        ]
    return drawn
