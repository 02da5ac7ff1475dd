"""Bounds what a server can do to us: one deadline for a whole reply, and a limit to its size."""

import asyncio
from collections.abc import AsyncIterator

import httpx2

MOST_BYTES = 32 * 2**20
"""No reply of ours comes near; a longer one is cut, and then found to be no JSON."""


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Sends requests; a reply that takes too long or is too large ends.

    The library's own timeout counts anew with every byte that comes.

    Args:
        inner: Who sends.
        deadline_s: From the first byte sent to the last one received.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, deadline_s: float) -> None:
        self._inner, self._deadline_s = inner, deadline_s

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the reply with its body still to come."""
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._inner.handle_async_request(request)
        except TimeoutError as error:
            raise httpx2.ReadTimeout("no reply in time", request=request) from error
        # A body that unpacks to gigabytes is not asked for; sent nevertheless, it is not unpacked.
        response.headers.pop("content-encoding", None)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _BoundedStream(response.stream, deadline, request)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(
        self, inner: httpx2.AsyncByteStream, deadline: float, request: httpx2.Request
    ) -> None:
        self._inner, self._deadline, self._request = inner, deadline, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_BYTES
        parts = aiter(self._inner)
        while left > 0:
            try:
                async with asyncio.timeout_at(self._deadline):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise httpx2.ReadTimeout("no end in time", request=self._request) from error
            yield part[:left]
            left -= len(part)

    async def aclose(self) -> None:
        await self._inner.aclose()
