"""What cells look like without a gene."""

from agent.answers.findings import Findings
from agent.context import AgentContext
from agent.question.appearance import channels_of
from knowledge.errors import KnockwiseError
from knowledge.schema import Evidence, Question
from tools.morphology import morphology_facts, remarks, shipped_morphology, summary


def appearing(question: Question, context: AgentContext) -> Findings:
    """Return for each gene which compartments look different: measured, and predicted apart."""
    model = shipped_morphology()
    channels = channels_of(question.text)
    said, facts, unknown = [], list[Evidence](), list[str]()
    for gene in question.perturbation.genes:
        try:
            found = model.of(gene)
        except KnockwiseError as error:
            said.append(str(error))
            continue
        said.append(summary(found, channels))
        facts += morphology_facts(found, model.version, channels)
        unknown += remarks(found)
    return Findings(
        summary=" ".join(said), evidence=tuple(facts), unknown=tuple(dict.fromkeys(unknown))
    )
