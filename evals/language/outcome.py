"""Puts the evidence, the model's answers and their fusion side by side, row by row."""

import numpy as np
import pandas as pd

from evals.language.rows import Row
from evals.language.store import Judged
from evals.rows import KEYS
from evals.tasks import TASKS, TaskName
from models.fusion.language import Examples, LanguageStacker, cross_fitted, data_hash, fit_stack


def answered(rows: pd.DataFrame, judged: dict[str, Judged]) -> pd.DataFrame:
    """Return `rows` with `p_llm`, nan where the model gave nothing usable, and why in `failed`."""
    found = [judged[Row(*keys).id] for keys in rows[KEYS].itertuples(index=False)]
    return rows.assign(
        p_llm=np.array([np.nan if one.p is None else one.p for one in found]),
        failed=[one.failed for one in found],
    )


def cross_fused(table: pd.DataFrame) -> pd.Series:
    """Return training rows' fused probabilities, from stacks that never saw the perturbation."""
    fused = table.p_evidence.copy()
    for task in TASKS:
        here = table.task == task
        fused[here] = cross_fitted(_examples(table, task))
    return fused


def fused_by(table: pd.DataFrame, stacker: LanguageStacker | None) -> pd.Series:
    """Return the fused probability by a stacker; without one, the evidence's."""
    fused = table.p_evidence.copy()
    if stacker is not None:
        for task, fuse in (("de", stacker.p_de), ("dir", stacker.p_up)):
            part = table[table.task == task]
            fused[part.index] = fuse(part.p_evidence.to_numpy(), part.p_llm.to_numpy())
    return fused


def fitted(table: pd.DataFrame, model: str, strategy: str, prompts_hash: str) -> LanguageStacker:
    """Return the stacker that fits all judged training rows best."""
    de, up = (_examples(table, task) for task in TASKS)
    return LanguageStacker(
        model=model,
        strategy=strategy,
        prompts_hash=prompts_hash,
        data_sha256=data_hash(de, up),
        de=fit_stack(de),
        up=fit_stack(up),
    )


def _examples(table: pd.DataFrame, task: TaskName) -> Examples:
    part = table[table.task == task]
    return Examples(
        label=part.label.to_numpy(np.float64),
        p_evidence=part.p_evidence.to_numpy(np.float64),
        p_llm=part.p_llm.to_numpy(np.float64),
        pert=part.pert.to_numpy(str),
        shift=part["shift"].to_numpy(np.float64),
    )
