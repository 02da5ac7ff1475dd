"""What an endpoint serves, asked before anything depends on it."""

from dataclasses import dataclass

from agent.llm.client import Client, opened
from agent.llm.errors import LLMError, RefusedError, UnreachableError
from agent.llm.wire import ServedModels
from agent.settings import LLMSettings

PROBE_TIMEOUT_S = 5.0
USUAL_TAG = ":latest"
"""Ollama lists `llama3:latest` and answers to `llama3`."""


@dataclass(frozen=True, slots=True)
class Served:
    """The model that will answer.

    Attributes:
        model: Its id.
        context_length: Tokens it can read and write; `None` if the server does not say.
        vllm: Whether the server is a vLLM, which takes more than the OpenAI protocol has.
    """

    model: str
    context_length: int | None
    vllm: bool


async def served(client: Client, settings: LLMSettings) -> Served:
    """Return the model that the settings mean, as its server describes it.

    Raises:
        LLMError: The server does not answer, or serves another model.
    """
    try:
        models = (await _listed(client)).data
    except RefusedError as error:
        if not settings.model:
            raise LLMError(
                f"{client.url} does not list its models (HTTP {error.status}: {error.told}); name "
                "the one to ask with --model or KNOCKWISE_LLM__MODEL, and check the address, which "
                "usually ends in /v1."
            ) from None
        return Served(settings.model, None, bool(settings.vllm))
    names = [model.id for model in models]
    if not names:
        raise LLMError(f"{client.url} serves no model; start it again with one.")
    wanted = settings.model
    if wanted and wanted not in names and f"{wanted}{USUAL_TAG}" in names:
        wanted += USUAL_TAG
    if wanted and wanted not in names:
        raise LLMError(
            f"{client.url} serves {', '.join(names)}; set KNOCKWISE_LLM__MODEL to one of them, "
            f"it is {settings.model}."
        )
    # vLLM lists the model first and its adapters after it.
    chosen = models[names.index(wanted) if wanted else 0]
    is_vllm = chosen.owned_by == "vllm" if settings.vllm is None else settings.vllm
    return Served(chosen.id, chosen.max_model_len, is_vllm)


async def _listed(client: Client) -> ServedModels:
    """Return the list of models, under `/v1` of the address where it is not at the address."""
    try:
        return await client.get("/models", ServedModels)
    except LLMError as error:
        if not client.lacks_api or isinstance(error, UnreachableError):
            raise
        first = error
    before = client.url
    client.add_api()
    try:
        return await client.get("/models", ServedModels)
    except LLMError:
        client.remove_api(before)
        raise first from None


async def look(settings: LLMSettings) -> Served:
    """Ask the endpoint once, without patience.

    Raises:
        LLMError: It is not configured, does not answer, or serves another model.
    """
    hasty = {"timeout_s": min(PROBE_TIMEOUT_S, settings.timeout_s), "max_retries": 0}
    hurried = settings.model_copy(update=hasty)
    async with opened(hurried) as client:
        return await served(client, hurried)


async def reachable(settings: LLMSettings) -> str | None:
    """Return the id of the model that would answer now, or `None`.

    Nothing is asked of anyone where no endpoint is configured.
    """
    if not settings.base_url:
        return None
    try:
        return (await look(settings)).model
    except LLMError:
        return None
