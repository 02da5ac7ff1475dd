"""What losing the genes of a question does to the whole organism: known, and predicted apart."""

from collections.abc import Sequence

from agent.context import AgentContext
from agent.wording import listed
from knowledge.errors import KnockwiseError
from knowledge.schema import Question
from tools.phenotypes import Outlook, outlook

ACTIVATION = "Phenotypes are predicted for the loss of a gene, not for its activation."
CELLS = (
    "Phenotypes of cells ({}) are not predicted; 'Which phenotypes would losing {} cause?' asks "
    "for those of the whole organism."
)
TOGETHER = (
    "Phenotypes are told for the loss of {} each; what losing them together adds is not predicted."
)
NONE = "Phenotypes are not predicted: {}"


def foreseen(question: Question, context: AgentContext) -> tuple[list[Outlook], list[str]]:
    """Return an outlook on each lost gene if phenotypes are asked about, and what to know of it."""
    genes, notes = question.perturbation.genes, []
    if question.perturbation.drugged:
        asked = question.phenotypes or question.asks == "phenotype"
        return [], [NONE.format("drugs are followed to transcripts alone.")] if asked else []
    if question.phenotypes:
        notes.append(CELLS.format(listed(question.phenotypes), genes[0]))
    if question.asks != "phenotype":
        return [], notes
    if question.perturbation.kind == "activation":
        return [], [*notes, ACTIVATION]
    try:
        model = context.phenotypes()
    except KnockwiseError as error:
        return [], [*notes, NONE.format(error)]
    outlooks = [outlook(model, gene) for gene in genes]
    notes += [note for one in outlooks for note in one.notes]
    if len(genes) > 1:
        notes.append(TOGETHER.format(listed(genes)))
    return outlooks, notes


def organism_alone(question: Question, outlooks: Sequence[Outlook]) -> bool:
    """Whether the organism alone is asked about and there is something to say of it.

    Then nothing is told about the transcripts of a cell line.
    """
    told = any(one.known_counts or one.predicted for one in outlooks)
    return told and not question.readouts and not question.phenotypes
