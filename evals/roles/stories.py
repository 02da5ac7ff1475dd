"""Stories: how many of a model's sentences the checker of the report lets stand."""

from collections.abc import Callable, Collection

from agent.llm.chat import ChatModel
from agent.narrative.facts import facts_of
from agent.narrative.sections import told
from agent.narrative.writer import EXAMPLE, written_story
from evals.roles.facts import StoryAnswer
from knowledge.schema import Answer

QUESTIONS = (
    "Knock out HSPA5 in K562: what happens to DDIT3 and HERPUD1, and why?",
    "Knock out KEAP1 in HepG2: what happens to NQO1 and GCLM?",
    "Knock down GATA1 in K562: what happens to HBG1 and KLF1?",
    "Knock out MDM2 in RPE1: what happens to CDKN1A?",
    "Knock out SCAP in HepG2: what happens to LDLR and HMGCR?",
    "Knock out VHL in RPE1: what happens to CA9?",
    "Activate ATF4 in K562: what happens to ASNS and CHAC1?",
    "Knock out TSC2 in HepG2: what happens to FASN?",
    "Knock out PSMD14 in RPE1: what happens to HSPA1A?",
    "Knock out LATS1 and LATS2 in RPE1: what happens to CCN2?",
)


async def told_story(
    chat: ChatModel, answer: Answer, lines: Collection[str], is_gene: Callable[[str], bool]
) -> StoryAnswer:
    """Return how the model tells the story of an answer, as `report --reasoner llm` lets it."""
    ours = told(answer)
    story = await written_story(chat, answer, lines, is_gene)
    mine = [one for one in story.sentences if story.author and one.author == story.author]
    texts = [*(fact.text for fact in facts_of(answer)), *(one.text for one in EXAMPLE.sentences)]
    facts = set(map(_plain, texts))
    return StoryAnswer(
        question=answer.question.text,
        templates=len(ours),
        cited=len({number for one in ours for number in one.facts}),
        written=story.written,
        accepted=story.accepted,
        rewritten=story.rewritten,
        dropped=story.dropped,
        copied=sum(_plain(one.text) in facts for one in mine),
        told=len({number for one in mine for number in one.facts}),
        sections=len({one.section for one in mine}),
        note=story.note,
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip(".").casefold()
