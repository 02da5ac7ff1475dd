"""Keys and passwords: what of an address may be shown, and what a server echoes is masked."""

import base64
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from agent.settings import LLMSettings

MASK = "***"
# A shorter word would be found in ordinary text.
_SHORTEST = 4
_NO_KEY = "EMPTY"


def without_secrets(url: str) -> str:
    """Return an address without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))
    except ValueError:  # no address at all
        return url.rpartition("@")[2].partition("?")[0]


def secrets_of(settings: LLMSettings) -> tuple[str, ...]:
    """Return what must never be shown or kept, in every form that a server might echo."""
    found = [settings.api_key] if settings.api_key != _NO_KEY else []
    try:
        parts = urlsplit(settings.base_url)
        userinfo = parts.netloc.rpartition("@")[0]
        found += [userinfo, *userinfo.split(":", 1)]
        found += [pair.partition("=")[2] for pair in parts.query.split("&")]
    except ValueError:
        pass
    forms = [
        form
        for one in found
        for plain in {one, unquote(one)}
        for form in (plain, quote(plain, safe=""), base64.b64encode(plain.encode()).decode())
    ]
    kept = {form for form in forms if len(form) >= _SHORTEST}
    return tuple(sorted(kept, key=len, reverse=True))


def masked(text: str, secrets: Sequence[str]) -> str:
    """Return `text` with every secret replaced."""
    for one in secrets:
        text = text.replace(one, MASK)
    return text
