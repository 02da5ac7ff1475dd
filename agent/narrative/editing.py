"""A language model writes checked sentences anew; what a check does not confirm is dropped.

The model sees one sentence at a time and nothing else, so that it can add nothing it was not told.
"""

import re
from collections.abc import Callable, Sequence

from pydantic import Field

from agent.llm.chat import ChatModel, Message
from agent.llm.errors import UnusableError
from agent.llm.structured import structured
from knowledge.schema import Frozen
from tools.counts.facts import MARK, Verdict

SYSTEM = (
    "You edit one sentence of a scientific report so that it reads well. Keep its meaning, every "
    "number, every name and every mark in square brackets exactly as they stand; add nothing: no "
    "fact, no cause, no judgement. Answer with the sentence alone, as JSON."
)
# Words that a sentence may be joined with; any other new word would be a claim of the model's own.
_JOINTS = """
a about above across after all also among an and are as at be been between both but by
each for found from had has have in into is it its more most of on one only or out over
overall per shows showed than that the their them there these they this those through to
together under was were which while with within whole total totalling genes gene group
groups samples sample compared comparison against relative expression expressed change
changed changes differ differed differs tested significantly significant
"""
JOINTS = frozenset(_JOINTS.split())
_WORD = re.compile(r"[A-Za-z][a-z]+")


class Sentence(Frozen):
    """The sentence, rewritten."""

    sentence: str = Field(max_length=600)


class Rewritten(Frozen):
    """Sentences after the model and the check.

    Attributes:
        sentences: One for each that was given.
        kept: How many are the model's.
        dropped: Why the others are not, each a sentence.
    """

    sentences: tuple[str, ...]
    kept: int
    dropped: tuple[str, ...]


async def rewritten(
    chat: ChatModel, sentences: Sequence[str], check: Callable[[str], Verdict]
) -> Rewritten:
    """Return sentences as the model wrote them, or as they were where the check refuses.

    Args:
        chat: The model.
        sentences: With their marks.
        check: Confirms numbers, signs and names from tables.

    Raises:
        LLMError: The server cannot be reached.
    """
    out, dropped, kept = [], [], 0
    for text in sentences:
        problem, anew = await _anew(chat, text, check)
        if problem:
            dropped.append(problem)
            out.append(text)
        else:
            kept += anew != text
            out.append(anew)
    return Rewritten(sentences=tuple(out), kept=kept, dropped=tuple(dropped))


async def _anew(chat: ChatModel, text: str, check: Callable[[str], Verdict]) -> tuple[str, str]:
    messages = [Message(role="system", content=SYSTEM), Message(role="user", content=text)]
    try:
        answer, _ = await structured(chat, messages, Sentence, max_tokens=400)
    except UnusableError as error:
        return str(error), text
    anew = " ".join(answer.sentence.split())
    if sorted(MARK.findall(anew)) != sorted(MARK.findall(text)):
        return f"The marks were changed: {anew}", text
    verdict = check(anew)
    if not verdict.confirmed:
        return f"{verdict.problem}: {anew}", text
    allowed = {word.casefold() for word in _WORD.findall(text)} | JOINTS
    added = [w for w in _WORD.findall(MARK.sub("", anew)) if w.casefold() not in allowed]
    if added:
        return f"It adds {added[0]!r}: {anew}", text
    return "", anew
