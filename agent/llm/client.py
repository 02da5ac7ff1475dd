"""The one door to the network: an HTTP client that talks to the configured address only."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import httpx2
import openai
from pydantic import BaseModel, ValidationError

from agent.llm.errors import ContextOverflowError, LLMError, UnreachableError
from agent.settings import LLMSettings

T = TypeVar("T", bound=BaseModel)

# The library adds headers from OPENAI_* variables and a description of the machine.
HEADERS = {
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type",
    "host", "transfer-encoding", "user-agent",
}  # fmt: skip
CONFIGURE = (
    "No LLM endpoint is configured; set KNOCKWISE_LLM__BASE_URL, for example to what "
    "`knockwise serve` prints, or use `--reasoner evidence`."
)
UNANSWERED = "start it with `knockwise serve`, or correct KNOCKWISE_LLM__BASE_URL"
TOLD_CHARS = 300
REDIRECT, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = range(300, 400), 401, 403, 404
TRY_LATER = {408, 409, 429, *range(500, 600)}


class Client:
    """Sends requests to the configured endpoint, again if they fail, and reads the replies.

    Proxies, `OPENAI_*` and `.netrc` are ignored and redirects are not followed: what is asked
    goes to the address in the settings or nowhere.
    """

    def __init__(self, settings: LLMSettings) -> None:
        """Open nothing yet; the first request does.

        Raises:
            LLMError: There is no address, or it is none.
        """
        if not settings.base_url:
            raise LLMError(CONFIGURE)
        self.url = settings.base_url.rstrip("/")
        if not _is_address(self.url):
            raise LLMError(
                f"{self.url} is no http address; correct KNOCKWISE_LLM__BASE_URL, for example "
                "http://127.0.0.1:8000/v1."
            )
        self._settings = settings
        # The certificates of the system, as an inner server may have one of the house.
        verify = ssl.create_default_context() if self.url.startswith("https:") else False
        try:
            self._openai = openai.AsyncOpenAI(
                base_url=self.url,
                api_key=settings.api_key or "EMPTY",
                timeout=settings.timeout_s,
                max_retries=settings.max_retries,
                http_client=httpx2.AsyncClient(
                    trust_env=False,
                    follow_redirects=False,
                    verify=verify,
                    limits=httpx2.Limits(max_connections=settings.concurrency),
                    event_hooks={"request": [_strip]},
                ),
            )
        except (openai.OpenAIError, httpx2.InvalidURL) as error:
            raise LLMError(f"{self.url} cannot be used ({error}); {UNANSWERED}.") from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._openai.close()

    async def get(self, path: str, kind: type[T]) -> T:
        """Return the reply to `GET path`.

        Raises:
            LLMError: There is none that can be read.
        """
        return await self._send("GET", path, None, kind)

    async def post(self, path: str, body: Mapping[str, Any], kind: type[T]) -> T:
        """Return the reply to `POST path`.

        Raises:
            LLMError: There is none that can be read.
        """
        return await self._send("POST", path, body, kind)

    async def _send(
        self, method: Literal["GET", "POST"], path: str, body: object, kind: type[T]
    ) -> T:
        try:
            if method == "GET":
                response = await self._openai.get(path, cast_to=httpx2.Response)
            else:
                response = await self._openai.post(path, body=body, cast_to=httpx2.Response)
        except openai.APITimeoutError as error:
            raise UnreachableError(
                f"{self.url} did not answer within {self._settings.timeout_s:g} s"
                f"{self._tries()}; raise KNOCKWISE_LLM__TIMEOUT_S or lower the concurrency."
            ) from error
        except openai.APIConnectionError as error:
            reason = str(error.__cause__ or error) or type(error.__cause__).__name__
            raise UnreachableError(
                f"{self.url} cannot be reached ({reason[:TOLD_CHARS]}){self._tries()}; "
                f"{UNANSWERED}."
            ) from error
        except openai.APIStatusError as error:
            raise self._refusal(error) from error
        except openai.OpenAIError as error:
            raise LLMError(f"{self.url}: {error}; {UNANSWERED}.") from error
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            said = response.text[:80]
            raise LLMError(
                f"{self.url}{path} answers with something else than the OpenAI protocol "
                f"({said!r}); {UNANSWERED}."
            ) from error

    def _tries(self) -> str:
        retries = self._settings.max_retries
        return f", tried {retries + 1} times" if retries else ""

    def _refusal(self, error: openai.APIStatusError) -> LLMError:
        status, told = error.status_code, _told(error)
        if status in REDIRECT:
            where = error.response.headers.get("location", "elsewhere")
            return LLMError(
                f"{self.url} redirects to {where}, where nothing is sent unless you configure it; "
                "correct KNOCKWISE_LLM__BASE_URL."
            )
        if status in {UNAUTHORIZED, FORBIDDEN}:
            return LLMError(
                f"{self.url} wants another key (HTTP {status}: {told}); set KNOCKWISE_LLM__API_KEY."
            )
        if status in TRY_LATER:
            return UnreachableError(
                f"{self.url} is not able to answer (HTTP {status}: {told}){self._tries()}; "
                "see the server's log, or try again later."
            )
        if "context length" in told or "context_length" in told:
            return ContextOverflowError(
                f"The prompt does not fit the model ({told}); serve it with a longer "
                "`--max-model-len`."
            )
        return LLMError(
            f"{self.url} refuses the request (HTTP {status}: {told}); check "
            "KNOCKWISE_LLM__MODEL and KNOCKWISE_LLM__BASE_URL."
        )


@asynccontextmanager
async def opened(settings: LLMSettings) -> AsyncIterator[Client]:
    """Open a client for a few requests.

    Raises:
        LLMError: There is no address, or it is none.
    """
    client = Client(settings)
    try:
        yield client
    finally:
        await client.aclose()


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        return False


def _told(error: openai.APIStatusError) -> str:
    """Return what the server says about its refusal, in one line."""
    try:
        body = json.loads(error.response.text)
        told = body.get("error", body)
        text = told.get("message", told) if isinstance(told, dict) else told
    except (ValueError, AttributeError):
        text = error.response.text
    return " ".join(str(text).split())[:TOLD_CHARS] or error.response.reason_phrase


async def _strip(request: httpx2.Request) -> None:
    """Remove every header that a request does not need."""
    for name in set(request.headers) - HEADERS:
        del request.headers[name]
