"""What goes wrong between us and a language model."""

from agent.llm.chat import Usage
from knowledge.errors import KnockwiseError


class LLMError(KnockwiseError):
    """The model cannot be reached, or what it said cannot be used, also after a second try.

    Whoever asked goes on without the model or stops; nobody takes the failure for an answer.
    """


class UnreachableError(LLMError):
    """The server did not answer, was too slow or too busy, also after all retries.

    Nothing is wrong with the question: the same request may succeed later.
    """


class ContextOverflowError(LLMError):
    """The prompt is longer than the model can read; a shorter one may do."""


class RefusedError(LLMError):
    """The server does not take the request as it is; another form of it may do.

    Attributes:
        status: The HTTP status.
        told: What the server said.
    """

    def __init__(self, sentence: str, status: int, told: str) -> None:
        super().__init__(sentence)
        self.status, self.told = status, told


class UnusableError(LLMError):
    """The model spoke twice and not to the point; `usage` is what that cost."""

    def __init__(self, sentence: str, usage: Usage) -> None:
        super().__init__(sentence)
        self.usage = usage
