"""What a batch tells besides its scores: what it cost, and how the fusion came about."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from evals.language.judge import shared_tokens
from evals.language.store import Judged
from evals.tasks import TaskName
from knowledge.schema import Frozen
from models.fusion.language import LanguageStacker, Stack


class Cost(Frozen):
    """What the judged rows cost, however many runs they took.

    Attributes:
        questions: Rows.
        failed: Rows that the model gave nothing usable for.
        trimmed: Rows whose evidence did not fit the context as a whole.
        requests: Requests answered.
        prompt: Prompt tokens.
        cached: Prompt tokens that the server took from its prefix cache, as it reports.
        completion: Tokens written.
        seconds: Time waited, the sum over requests that ran side by side.
        prompt_per_question: Prompt tokens per row.
        cached_share: Share of prompt tokens that the server took from its cache.
        shared_share: Share of prompt tokens in beginnings that a request of the row before or an
            earlier one of the same row had, computed from the rendered prompts in their order.
        shared_with_before_share: The same without earlier requests of the same row.
    """

    questions: int
    failed: int
    trimmed: int
    requests: int
    prompt: int
    cached: int
    completion: int
    seconds: float
    prompt_per_question: float
    cached_share: float
    shared_share: float
    shared_with_before_share: float


class Facts(Frozen):
    """What the page tells.

    Attributes:
        model: The model's id.
        strategy: How it was asked.
        prompts_hash: Hash of the prompts.
        split: `train` or `test`.
        sample: How the rows were drawn.
        cost: What they cost.
        stacks: What the fusion makes of the model, by task; empty where there is no stacker.
        fusion: How the fused column came about, in words.
        failures: The most frequent reasons of failed rows, with counts.
    """

    model: str
    strategy: str
    prompts_hash: str
    split: str
    sample: str
    cost: Cost
    stacks: dict[TaskName, Stack]
    fusion: str
    failures: dict[str, int]


def cost(judged: Sequence[Judged]) -> Cost:
    """Return what rows cost; `judged` is in the order of the batch."""
    prompt = sum(one.usage.prompt for one in judged)
    cached = sum(one.usage.cached for one in judged)
    asked = [one.prompts for one in judged]
    shared = [shared_tokens(now, before) for before, now in pairwise([(), *asked])]
    return Cost(
        questions=len(judged),
        failed=sum(bool(one.failed) for one in judged),
        trimmed=sum(one.trimmed > 0 for one in judged),
        requests=sum(one.usage.requests for one in judged),
        prompt=prompt,
        cached=cached,
        completion=sum(one.usage.completion for one in judged),
        seconds=sum(one.usage.seconds for one in judged),
        prompt_per_question=prompt / max(1, len(judged)),
        cached_share=cached / max(1, prompt),
        shared_share=sum(any_ for _, any_ in shared) / max(1, prompt),
        shared_with_before_share=sum(before for before, _ in shared) / max(1, prompt),
    )


def failures(judged: Sequence[Judged], most: int = 5) -> dict[str, int]:
    """Return the most frequent reasons of failed rows."""
    return dict(Counter(one.failed for one in judged if one.failed).most_common(most))


def stacks(stacker: LanguageStacker | None) -> dict[TaskName, Stack]:
    """Return a stacker's stacks by task."""
    return {} if stacker is None else {"de": stacker.de, "dir": stacker.up}
