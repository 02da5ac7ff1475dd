"""What a small real model did wrong that a random one does not, replayed: it is not believed.

Replies are SmolLM2-135M-Instruct's, served by vLLM 0.32 on 1 December 2026, word for word.
"""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from agent.llm.chat import Message, Reply
from agent.llm.errors import LLMError, UnusableError
from agent.llm.reading import read_answer
from agent.llm.structured import structured
from agent.session import Session
from agent.settings import Settings
from agent.strategies import build_case, load_strategy
from agent.strategies.knockwise import Weighing
from evals.language.outcome import cross_fused, fitted
from evals.rows import KEYS
from knowledge.errors import QuestionError
from knowledge.schema import Perturbation
from tests.llm.scripted import ScriptedChat
from tests.llm.verdict import Verdict

ASK = [Message(role="user", content="?")]
LOOSE_READOUTS = "How do the levels of DDIT3 and HSPA5 respond?"
# Asked to weigh the evidence in JSON without whitespace, it draws arrows until it is cut off.
ARROWS = Reply(content='{"for_a_change":"DDIT3' + "↑" * 94, finish="length")
# Asked how likely TP53 goes up, for example {"gene": "MDM2", "p": 0.5}.
COPIED = '{\n  "gene": "MDM2",\n  "p": 0.5\n}'
READINGS = {
    "the gene of an example": {
        "perturbed": ["TFEB"], "kind": "activation", "cell_line": "HepG2", "readouts": [],
    },
    "no gene, and a line that nobody named": {
        "perturbed": [], "kind": "knockout", "cell_line": "HepG2", "readouts": [],
    },
    "a gene for a line": {
        "perturbed": [], "kind": "knockout", "cell_line": "KLF4", "readouts": [],
    },
    "genes that do not exist, again and again": {
        "perturbed": ["SCFB", "CCN1", "CCN2", "SCFB", "SCFB"], "kind": "knockout",
        "cell_line": "RPE1", "readouts": [],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    home = tmp_path_factory.mktemp("session")
    return Session.open(Settings(data=home / "data", runs=home / "runs", reasoner="llm"))


@pytest.mark.anyio
async def test_a_form_that_runs_into_the_limit_is_told_so_once_and_then_given_up():
    chat = ScriptedChat([ARROWS, ARROWS])
    with pytest.raises(UnusableError, match="does not end before the token limit"):
        await structured(chat, ASK, Weighing)
    assert "does not end before the token limit" in chat.requests[1].messages[-1].content


@pytest.mark.anyio
async def test_a_judgement_of_arrows_has_no_probability_and_says_why(session):
    case = build_case(
        session.knowledge,
        session.predictor,
        Perturbation(genes=("HSPA5",), kind="knockdown", cell_line="K562"),
        "DDIT3",
    )
    said = await load_strategy("knockwise, reasoned").judge(ScriptedChat(lambda *_: ARROWS), case)
    assert (said.p_de, said.p_up) == (None, None)
    assert "does not give a usable Weighing" in said.failed


def test_an_answer_that_copies_the_example_is_one_of_the_right_form_and_nothing_more():
    # It is well-formed: only weighing it on rows with known outcomes shows what it is worth.
    assert read_answer(COPIED, Verdict) == Verdict(gene="MDM2", p=0.5)


@pytest.mark.anyio
@pytest.mark.parametrize("wrong", READINGS)
async def test_a_reading_that_copies_an_example_or_makes_things_up_is_not_taken(session, wrong):
    def reply(messages, schema, options):
        if schema is not None and schema.__name__ == "Reading":
            return json.dumps(READINGS[wrong])
        return LLMError("It is asked nothing else.")

    with pytest.raises(QuestionError, match="does not say which gene is perturbed"):
        await replace(session, chat=ScriptedChat(reply)).ask(LOOSE_READOUTS)


@pytest.mark.parametrize("always", [0.98, 0.5, 0.02])
def test_a_model_that_always_says_the_same_moves_no_answer(always):
    rng = np.random.default_rng(0)
    n = 400
    evidence = rng.uniform(0.02, 0.98, n)
    rows = pd.DataFrame(
        {
            "cell_line": "K562",
            "pert": [f"P{number % 40}" for number in range(n)],
            "gene": [f"G{number // 40}" for number in range(n)],
            "task": np.where(np.arange(n) % 2 == 0, "de", "dir"),
            "label": (rng.random(n) < evidence).astype(float),
            "p_evidence": evidence,
            "p_llm": always,
            "shift": 0.0,
        }
    )
    assert not rows.duplicated(KEYS).any()
    assert np.abs(cross_fused(rows) - rows.p_evidence).max() <= 0.003
    stacker = fitted(rows, "smollm2", "knockwise", "hash")
    assert np.abs(stacker.p_de(evidence, np.full(n, always)) - evidence).max() <= 0.003
