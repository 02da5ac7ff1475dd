"""Prompts that a client offers its user: ways of working with the tools, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass

from mcp_types import GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

from knowledge.errors import QuestionError

LONGEST = 2_000
HONEST = (
    "Keep its numbers and conditions as they are, name the evidence that it cites, say what speaks "
    "against it and what is not predicted, and say that it is a prediction."
)


@dataclass(frozen=True)
class Offered:
    """One prompt: `text` is filled in with the arguments by their names."""

    name: str
    title: str
    description: str
    arguments: Mapping[str, str]
    text: str
    optional: tuple[str, ...] = ()

    @property
    def listed(self) -> Prompt:
        """Return the prompt as a client lists it."""
        return Prompt(
            name=self.name,
            title=self.title,
            description=self.description,
            arguments=[
                PromptArgument(name=name, description=about, required=name not in self.optional)
                for name, about in self.arguments.items()
            ],
        )


LINE = "K562, RPE1, HepG2 or Jurkat"
PROMPTS = (
    Offered(
        name="explain_knockout",
        title="What does losing a gene do, and why?",
        description="The genes that change, the mechanism behind the clearest, and doubts.",
        arguments={"gene": "The gene lost", "cell_line": LINE},
        text="What happens in {cell_line} cells when {gene} is lost? Call `gene` for {gene}, then "
        "`predict` with its loss in {cell_line}, then `ask` why about the two or three readouts "
        "that are most specific to it. Tell me the programme behind them in a paragraph, then the "
        f"evidence step by step. {HONEST}",
    ),
    Offered(
        name="check_claim",
        title="Check a claim about a perturbation",
        description="What Knockwise predicts for a claim, and what its evidence says for and "
        "against it.",
        arguments={"claim": "For example: losing KEAP1 raises NQO1 in HepG2"},
        text="Check this claim: {claim}\n\nTurn it into a question, use `read` to see that it is "
        "understood, then `ask`. Say whether the prediction agrees, how sure it is, by which path, "
        f"and what speaks against it. {HONEST}",
    ),
    Offered(
        name="compare_lines",
        title="Compare cell lines",
        description="Where the same perturbation acts differently, and why.",
        arguments={"gene": "The gene lost", "readout": "The gene that is read"},
        text="How does losing {gene} move {readout} in K562, RPE1, HepG2 and Jurkat? Call "
        "`predict` for each line, `gene` with each line for lesions and expression, and `cascade` "
        f"where they differ. {HONEST}",
    ),
)
_BY_NAME = {one.name: one for one in PROMPTS}


def prompt_result(name: str, arguments: Mapping[str, str]) -> GetPromptResult:
    """Return a prompt with its arguments filled in.

    Raises:
        QuestionError: There is no such prompt, or an argument is missing, unknown or too long.
    """
    if name not in _BY_NAME:
        raise QuestionError(f"There is no prompt {name[:60]!r}; there are {', '.join(_BY_NAME)}.")
    offered = _BY_NAME[name]
    takes = ", ".join(offered.arguments)
    for given, value in arguments.items():
        if given not in offered.arguments:
            raise QuestionError(f"{given[:60]!r} is no argument of {name}, which takes {takes}.")
        if len(value) > LONGEST:
            raise QuestionError(f"{given} is longer than {LONGEST:,} characters; shorten it.")
    if missing := [one for one in offered.arguments if not arguments.get(one, "").strip()]:
        raise QuestionError(f"{name} needs {missing[0]}; it takes {takes}.")
    text = offered.text.format_map(arguments)
    message = PromptMessage(role="user", content=TextContent(type="text", text=text))
    return GetPromptResult(description=offered.description, messages=[message])
