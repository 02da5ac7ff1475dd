"""What a model says before it is told anything: yes-bias, and how to take it back.

Contextual calibration (Zhao et al., Calibrate before use, ICML 2021) asks the same question about
nothing and takes the log-odds of that answer off every other. It moves all answers to one question
alike, so it cannot change the order of a pair, but it can change what a probability is worth.
"""

from typing import get_args

import numpy as np
import pandas as pd

from agent.llm.chat import ChatModel
from agent.strategies import Case, Strategy
from agent.strategies.case import Heading
from agent.strategies.judging import Task
from evals.language.rows import Row
from evals.tasks import TASKS
from knowledge.schema import Perturbation

EMPTY = "empty"
NOTHING = "N/A"
"""The gene of the empty case, as in the paper."""


def empty_case() -> Case:
    """Return a case in which nothing is known of genes that have no name."""
    lost = Perturbation(genes=(NOTHING,), kind="knockdown", cell_line=NOTHING)
    return Case(lost, NOTHING, {heading: () for heading in get_args(Heading)}, {})


async def empty_answers(chat: ChatModel, strategy: Strategy, answers: pd.DataFrame) -> pd.DataFrame:
    """Return what a strategy answers to the empty case, a row per task, like `answers`.

    Args:
        chat: Who answers.
        strategy: How it is asked.
        answers: What it answered to the pairs, whose tasks are asked and whose columns are given.
    """
    rows = []
    for task in (one for one in TASKS if (answers.task == one).any()):
        asked: tuple[Task, ...] = (task,)
        said = await strategy.judge(chat, empty_case(), tasks=asked)
        p = said.p_de if task == "de" else said.p_up
        rows.append(
            {
                **dict(zip(Row._fields, (NOTHING, NOTHING, NOTHING, task), strict=True)),
                "label": np.nan,
                "pair": -1,
                "shift": 0.0,
                "p_evidence": np.nan,
                "source": EMPTY,
                **{name: answers[name].iloc[0] for name in ("model", "strategy", "prompts_hash")},
                "p_llm": np.nan if p is None else p,
                "failed": said.failed,
                "prompt": said.usage.prompt,
                "cached": said.usage.cached,
                "written": said.usage.completion,
                "seconds": said.usage.seconds,
            }
        )
    return pd.DataFrame(rows, columns=list(answers))
