"""Teaches a small open model what training rows came to: an adapter (LoRA) that answers at once.

The model sees what the strategy `knockwise` would show it and learns the one token that answers.
Perturbations are parted first, in every line: those that are held out give the pairs that it is
scored on, before and after, beside the evidence that never saw them either. Official test rows are
not read.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from pydantic import Field

from agent.session import Session
from agent.settings import Settings
from agent.strategies.judging import OPTIONS
from agent.strategies.knockwise import STRATEGY
from evals.harness.run import Run
from evals.harness.scores import Results
from evals.harness.session import benchmark_session
from evals.language.contrast import SETTING, inputs_of, kept_results
from evals.language.contrast_page import BENCHMARK
from evals.language.contrast_score import SCREENS
from evals.language.judge import Asker
from evals.language.nobody import Nobody
from evals.language.pairs import contrast_pairs, partners
from evals.language.rows import Row, shift_of, training_rows, with_evidence
from evals.rows import KEYS
from knowledge.errors import RunError
from knowledge.extras import install
from knowledge.files import replace_text
from knowledge.progress import Progress
from knowledge.schema import Frozen

if TYPE_CHECKING:
    from torch import Tensor

Opened: TypeAlias = Any
"""A model or a tokenizer of transformers, with or without an adapter of peft."""
BEFORE, AFTER = "knockwise, before", "knockwise, taught"
RECORD = "training.json"


class Lesson(Frozen):
    """How an adapter is trained."""

    pairs: int = Field(2000, ge=1, description="Contrast pairs to learn from.")
    scored: int = Field(200, ge=2, description="Contrast pairs of held-out perturbations.")
    held_out: float = Field(0.2, gt=0, lt=1, description="Share of perturbations held out.")
    epochs: int = Field(1, ge=1, description="Times that each pair is seen.")
    rank: int = Field(8, ge=1, description="Rank of the adapter.")
    rate: float = Field(2e-4, gt=0, description="Learning rate, falling to zero.")
    batch: int = Field(8, ge=1, description="Questions to a step.")
    context: int = Field(2048, ge=256, description="Tokens; facts that do not fit are left out.")
    seed: int = 0


class AdapterEval(Lesson):
    """What makes a run; another value is another run."""

    base: str
    called: str


class Example(NamedTuple):
    """A question as the model reads it.

    Attributes:
        tokens: Of the prompt.
        options: The first token of label 1's answer, and of label 0's.
        label: Which of them is right.
    """

    tokens: list[int]
    options: tuple[int, int]
    label: int


def train(
    data: Path,
    base: str,
    out: Path,
    lesson: Lesson,
    settings: Settings,
    progress: Progress,
    called: str = "",
) -> Results:
    """Write an adapter of the model `base` into `out`, and return how it does beside the evidence.

    Args:
        data: Mirror, or a data folder with `sources`.
        base: Folder of a model, or its name in the local Hugging Face cache.
        out: Where the adapter, its figures and `training.json` are written.
        lesson: How it is trained.
        settings: Where the knowledge is.
        progress: Told what is being done.
        called: What tables call the model; the name of its folder by default.

    Raises:
        DataError: A label file is missing.
        RunError: A package, the model or an outcome is missing, or `out` holds another run.
    """
    _packages()
    name = called or Path(base).name
    session = benchmark_session(settings.model_copy(update={"reasoner": "evidence"}))
    inputs = inputs_of(data, session, [STRATEGY])

    def work(folder: Run) -> Results:
        return kept_results(folder, f"{name}, taught", _taught(data, base, folder, lesson, session))

    run = AdapterEval(base=base, called=name, **lesson.model_dump())
    return BENCHMARK.evaluate(out, run, inputs, work, progress)


def _taught(data: Path, base: str, folder: Run, lesson: Lesson, session: Session) -> pd.DataFrame:
    """Write the adapter, and return what the model answers before and after to held-out pairs."""
    progress = folder.progress
    every = training_rows(data, SETTING)
    taught, held = parted(every, lesson)
    model, tokenizer = _opened(base)
    held = with_evidence(
        held.assign(shift=shift_of(held, every)), session.predictor.response, None, progress
    )
    progress("writing prompts", 0.05)
    lessons = examples(taught, session, tokenizer, lesson.context)
    asked = examples(held, session, tokenizer, lesson.context)
    progress("asking before", 0.1)
    with folder.clock("ask before"):
        before = _replies(held, asked, BEFORE, answers(model, asked))
    with folder.clock("train"):
        tuned = taught_by(model, lessons, lesson, progress)
    progress("asking after", 0.9)
    after = _replies(held, asked, AFTER, answers(tuned, asked))
    tuned.save_pretrained(folder.out)
    record = {
        "questions": len(lessons),
        "tokens": float(np.mean([len(one.tokens) for one in lessons])),
        "held_out": sorted(set(held.pert)),
    }
    replace_text(folder.out / RECORD, json.dumps(record, indent=1) + "\n")
    return pd.concat([before, after], ignore_index=True)


def _replies(
    rows: pd.DataFrame, asked: Sequence[Example], name: str, said: Sequence[float]
) -> pd.DataFrame:
    """Return what was answered as `eval pairs` keeps it."""
    return rows.assign(
        source=SCREENS,
        strategy=name,
        prompts_hash=STRATEGY.prompts_hash,
        p_llm=said,
        failed="",
        prompt=[len(one.tokens) for one in asked],
        cached=0,
        written=1,
        seconds=0.0,
    )


def parted(rows: pd.DataFrame, lesson: Lesson) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return contrast pairs to learn from, and those of perturbations that are held out.

    Raises:
        RunError: No readout of either part has both outcomes.
    """
    perts = sorted(set(rows.pert))
    drawn = np.random.default_rng(lesson.seed).permutation(len(perts))
    out = {perts[i] for i in drawn[: max(1, round(lesson.held_out * len(perts)))]}
    away = rows.pert.isin(out)
    return (
        contrast_pairs(rows[~away], lesson.pairs, lesson.seed),
        contrast_pairs(rows[away], lesson.scored, lesson.seed),
    )


def examples(
    rows: pd.DataFrame,
    session: Session,
    tokenizer: Opened,
    context: int,
) -> list[Example]:
    """Return rows as the model reads them, in order."""
    return asyncio.run(_examples(rows, session, tokenizer, context))


async def _examples(
    rows: pd.DataFrame,
    session: Session,
    tokenizer: Opened,
    context: int,
) -> list[Example]:
    found = []
    nobody = Nobody(len, context)
    asker = Asker(session.knowledge, session.predictor, STRATEGY, nobody, partners(rows))
    for keys, label in zip(rows[KEYS].itertuples(index=False), rows.label, strict=True):
        row = Row(*keys)
        said = await asker.judge(row)
        if said.failed:
            raise RunError(said.failed)
        text = tokenizer.apply_chat_template(
            [{"role": one.role, "content": one.content} for one in nobody.asked],
            tokenize=False,
            add_generation_prompt=True,
        )
        first, second = (
            tokenizer.encode(word, add_special_tokens=False)[0] for word in OPTIONS[row.task]
        )
        tokens = tokenizer.encode(text, add_special_tokens=False)
        found.append(Example(tokens, (first, second), int(label)))
    return found


def answers(model: Opened, asked: Iterable[Example]) -> list[float]:
    """Return the probability of label 1 of each question."""
    import torch

    found = []
    with torch.inference_mode():
        for one in asked:
            both = _last(model, one)[list(one.options)].softmax(0)
            found.append(float(both[0]))
    return found


def taught_by(
    model: Opened,
    lessons: Sequence[Example],
    lesson: Lesson,
    progress: Progress,
) -> Opened:
    """Return the model with an adapter that has learnt the answers."""
    import torch

    peft: Any = import_module("peft")
    rng = np.random.default_rng(lesson.seed)
    order = np.concatenate([rng.permutation(len(lessons)) for _ in range(lesson.epochs)])
    steps = np.array_split(order, max(1, len(order) // lesson.batch))
    config = peft.LoraConfig(
        r=lesson.rank,
        lora_alpha=2 * lesson.rank,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng():
        torch.manual_seed(lesson.seed)
        tuned = peft.get_peft_model(model, config)
    learnt = [one for one in tuned.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=lesson.rate, weight_decay=0.0)
    slower = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / len(steps))
    for number, step in enumerate(steps):
        progress(f"step {number + 1} of {len(steps)}", 0.2 + 0.7 * number / len(steps))
        for at in step:
            one = lessons[at]
            right = torch.tensor(one.options[1 - one.label], device=tuned.device)
            loss = torch.nn.functional.cross_entropy(_last(tuned, one), right)
            (loss / len(step)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        slower.step()
        optimiser.zero_grad()
    return tuned


def _last(model: Opened, one: Example) -> "Tensor":
    """Return the logits of the token that follows the prompt."""
    import torch

    tokens = torch.tensor([one.tokens], device=model.device)
    logits: Tensor = model(input_ids=tokens, logits_to_keep=1, use_cache=False).logits
    return logits[0, -1].float()


def _packages() -> None:
    for name in ("torch", "transformers", "peft"):
        try:
            import_module(name)
        except ModuleNotFoundError:
            raise RunError(
                f"Training an adapter needs {name}; run `{install('tune')}` in the checkout of "
                "Knockwise and try again."
            ) from None


def _opened(base: str) -> tuple[Opened, Opened]:
    """Return a model of this machine and its tokenizer, on the GPU where there is one.

    A processor works in single precision: few have bfloat16, and without it that is the slower one.

    Raises:
        RunError: It is not here, or cannot be read.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    gpu = torch.cuda.is_available()
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
        model: Opened = AutoModelForCausalLM.from_pretrained(
            base, local_files_only=True, dtype=torch.bfloat16 if gpu else torch.float32
        )
    except (OSError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RunError(
            f"{base} cannot be opened as a language model ({first}); name a folder with "
            "config.json, weights and a tokenizer."
        ) from error
    return model.to("cuda" if gpu else "cpu").eval(), tokenizer
