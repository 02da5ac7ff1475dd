"""The one door to the network: an HTTP client that talks to the configured address only."""

import json
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx2
import openai
from pydantic import BaseModel, ValidationError

from agent.llm.dialect import is_about_form
from agent.llm.errors import ContextOverflowError, LLMError, RefusedError, UnreachableError
from agent.llm.secrets import masked, secrets_of, without_secrets
from agent.llm.transport import MOST_BYTES, BoundedTransport
from agent.llm.wire import whole_reply
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
NOT_IMPLEMENTED = 501
TRY_LATER = {408, 409, 429, *range(500, 600)} - {NOT_IMPLEMENTED}
# How vLLM, llama.cpp, OpenAI, LM Studio, Ollama and TGI say that a prompt is too long.
OVERFLOW = re.compile(
    r"context[ _]?(length|size|window)|maximum context|exceeds? the (available|maximum) "
    r"|prompt is too (long|large)|too many tokens|input.{0,20} too long|n_ctx|tokens? limit"
    r"|max(imum)? (prompt|input|sequence) length|longer than the (model|maximum)"
    r"|exceed_context|context the overflows|inputs.{0,30}max_new_tokens|reduce the length",
    re.IGNORECASE,
)
TOOLS_OFF = re.compile(
    r"tool[ _-]?choice|tool[ _-]?call|tools? param|--jinja|support (the )?(tools|functions?)"
    r"|(tools?|functions?( calling)?)\W.{0,30}not (supported|enabled|implemented)",
    re.IGNORECASE,
)
TOO_LARGE = 413
API = "/v1"
_WORDS_OF_REFUSALS = ("error", "message", "detail", "msg", "error_message")


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
        self._secrets = secrets_of(settings)
        self.url = without_secrets(settings.base_url).rstrip("/")
        if not _is_address(settings.base_url):
            raise LLMError(
                f"{self.url} is no http address; correct KNOCKWISE_LLM__BASE_URL, for example "
                "http://127.0.0.1:8000/v1."
            )
        self._settings = settings
        # The certificates of the system, as an inner server may have one of the house.
        verify = ssl.create_default_context() if self.url.startswith("https:") else False
        try:
            whole = urlsplit(settings.base_url)
            sender = httpx2.AsyncHTTPTransport(
                trust_env=False,
                verify=verify,
                limits=httpx2.Limits(max_connections=settings.concurrency),
            )
            self._openai = openai.AsyncOpenAI(
                base_url=whole._replace(query="", fragment="").geturl().rstrip("/"),
                default_query=dict(parse_qsl(whole.query)),
                api_key=settings.api_key or "EMPTY",
                timeout=settings.timeout_s,
                max_retries=settings.max_retries,
                http_client=httpx2.AsyncClient(
                    trust_env=False,
                    follow_redirects=False,
                    transport=BoundedTransport(sender, settings.timeout_s),
                    event_hooks={"request": [_strip]},
                ),
            )
        except (openai.OpenAIError, httpx2.InvalidURL) as error:
            raise LLMError(
                f"{self.url} cannot be used ({self._masked(error)}); {UNANSWERED}."
            ) from None
        if not _is_header(settings.api_key):
            raise LLMError(
                "KNOCKWISE_LLM__API_KEY holds a line break or another character that no header "
                "can carry; set the key alone."
            )

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

    @property
    def lacks_api(self) -> bool:
        """Whether the address does not end in `/v1`, where nearly every server answers."""
        return not self.url.endswith(API)

    def add_api(self) -> None:
        """Ask under `/v1` of the address from now on."""
        self._openai.base_url = f"{str(self._openai.base_url).rstrip('/')}{API}"
        self.url += API

    def remove_api(self, url: str) -> None:
        """Ask at the address itself again."""
        self._openai.base_url = str(self._openai.base_url).rstrip("/").removesuffix(API)
        self.url = url

    def _masked(self, told: object) -> str:
        return masked(str(told), self._secrets)

    async def _send(
        self, method: Literal["GET", "POST"], path: str, body: object, kind: type[T]
    ) -> T:
        try:
            if method == "GET":
                response = await self._openai.get(path, cast_to=httpx2.Response)
            else:
                response = await self._openai.post(path, body=body, cast_to=httpx2.Response)
        except openai.APITimeoutError:
            raise UnreachableError(
                f"{self.url} did not answer within {self._settings.timeout_s:g} s"
                f"{self._tries()}; raise KNOCKWISE_LLM__TIMEOUT_S or lower the concurrency."
            ) from None
        except openai.APIConnectionError as error:
            reason = str(error.__cause__ or error) or type(error.__cause__).__name__
            raise UnreachableError(
                f"{self.url} cannot be reached ({self._masked(reason)[:TOLD_CHARS]})"
                f"{self._tries()}; {UNANSWERED}."
            ) from None
        except openai.APIStatusError as error:
            raise self._refusal(error) from None
        except openai.OpenAIError as error:
            raise LLMError(f"{self.url}: {self._masked(error)}; {UNANSWERED}.") from None
        if len(response.content) >= MOST_BYTES:
            raise LLMError(
                f"{self.url}{path} answers with more than {MOST_BYTES >> 20} MB, which no reply "
                f"takes; {UNANSWERED}."
            )
        # What a server echoes of a key goes no further than this.
        text = self._masked(response.content.decode("utf-8", errors="replace"))
        try:
            streamed = whole_reply(text)
            return kind.model_validate(streamed) if streamed else kind.model_validate_json(text)
        except ValidationError as error:
            if refusal := _error_in(text):
                # Some servers refuse with the status of an answer.
                raise self._refused(*refusal) from None
            first = error.errors(include_url=False, include_context=False)[0]
            field = ".".join(map(str, first["loc"]))
            why = f"{field}: {first['msg']}" if field else repr(text[:80])
            hint = f" (the address does not end in {API})" if self.lacks_api else ""
            raise LLMError(
                f"{self.url}{path} answers with something else than the OpenAI protocol "
                f"({why}){hint}; {UNANSWERED}."
            ) from None

    def _tries(self) -> str:
        retries = self._settings.max_retries
        return f", tried {retries + 1} times" if retries else ""

    def _refusal(self, error: openai.APIStatusError) -> LLMError:
        status, told = error.status_code, self._masked(_told(error))
        return self._refused(status, told, error.response.headers.get("location", "elsewhere"))

    def _refused(self, status: int, told: str, location: str = "") -> LLMError:
        if status in REDIRECT:
            where = without_secrets(location)
            return LLMError(
                f"{self.url} redirects to {self._masked(where)}, where nothing is sent unless you "
                "configure it; correct KNOCKWISE_LLM__BASE_URL."
            )
        if status in {UNAUTHORIZED, FORBIDDEN}:
            return LLMError(
                f"{self.url} wants another key (HTTP {status}: {told}); set KNOCKWISE_LLM__API_KEY."
            )
        if status == TOO_LARGE or (OVERFLOW.search(told) and status not in {NOT_FOUND, 429}):
            return ContextOverflowError(
                f"The prompt does not fit the model ({told}); serve it with a longer "
                "`--max-model-len` (llama.cpp: `--ctx-size`)."
            )
        if status in TRY_LATER and not is_about_form(status, told):
            return UnreachableError(
                f"{self.url} is not able to answer (HTTP {status}: {told}){self._tries()}; "
                "see the server's log, or try again later."
            )
        if TOOLS_OFF.search(told):
            remedy = (
                "start it with tool calls: vLLM with `--enable-auto-tool-choice "
                "--tool-call-parser PARSER`, llama.cpp with `--jinja`; `knockwise serve` does so "
                "where the model has words for calls"
            )
        elif status == NOT_FOUND and self.lacks_api:
            remedy = (
                f"the address does not end in {API}, so KNOCKWISE_LLM__BASE_URL may be "
                f"{self.url}{API}; check KNOCKWISE_LLM__MODEL too"
            )
        else:
            remedy = "check KNOCKWISE_LLM__MODEL and KNOCKWISE_LLM__BASE_URL"
        return RefusedError(
            f"{self.url} refuses the request (HTTP {status}: {told}); {remedy}.", status, told
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


def _is_header(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _told(error: openai.APIStatusError) -> str:
    """Return what the server says about its refusal, in one line."""
    try:
        text = _message(json.loads(error.response.text))
    except (ValueError, RecursionError):
        text = error.response.text
    return _one_line(text) or error.response.reason_phrase


def _error_in(text: str) -> tuple[int, str] | None:
    """Return the status and the words of a refusal that came as an answer, or None."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not body.get("error", body.get("detail")):
        return None
    error = body.get("error")
    codes = [error.get("code")] if isinstance(error, dict) else []
    codes += [body.get("code"), body.get("status")]
    status = next((one for one in codes if isinstance(one, int) and 400 <= one < 600), 400)
    return status, _one_line(_message(body))


def _message(body: object) -> str:
    """Return the words of a refusal, which servers wrap in their own ways."""
    told = body
    for _ in range(3):
        if isinstance(told, list) and told:
            told = told[0]
        if not isinstance(told, dict):
            break
        told = next((told[name] for name in _WORDS_OF_REFUSALS if told.get(name)), str(told))
    return str(told)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:TOLD_CHARS]


async def _strip(request: httpx2.Request) -> None:
    """Remove every header that a request does not need."""
    for name in set(request.headers) - HEADERS:
        del request.headers[name]
    request.headers["accept-encoding"] = "identity"
