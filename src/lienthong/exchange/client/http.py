"""The wire: a :class:`Call` over httpx, synchronous or asynchronous, with TLS to the profile's anchors.

Bodies from and to files are streamed; a saved body is synced before the answer is handed over.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx

from lienthong import __version__
from lienthong.exchange.client.errors import HubUnreachable, ProfileError
from lienthong.exchange.client.profile import AgencyProfile
from lienthong.exchange.client.steps import Answer, Call

if importlib.util.find_spec("sniffio") is None:
    # httpcore looks for it at each request; where it is not installed, through the whole path each time.
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

CHUNK = 256 * 1024
CONNECT_S = 10.0
USER_AGENT = f"lienthong/{__version__}"


def tls_context(profile: AgencyProfile) -> ssl.SSLContext:
    """TLS that trusts the profile's anchors and nothing else; with the client certificate if asked for."""
    folder = profile.pki / "anchors"
    anchors = "".join(path.read_text() for path in sorted(folder.glob("*.pem")))
    if not anchors:
        raise ProfileError(
            "there is no trust anchor", place=str(folder), remedy="copy the province's root certificate there"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=anchors)
    if profile.client_certificate:
        place = profile.place("tls")
        if place.key is None:
            raise ProfileError(
                "a key in a security module cannot be presented in the TLS handshake",
                place=str(profile.folder),
                remedy="set client_certificate = false; requests are then signed with that key",
            )
        passphrase = profile.passphrase
        context.load_cert_chain(
            place.certificate, place.key, password=(lambda: passphrase) if passphrase is not None else None
        )
    return context


class Wire:
    """One keep-alive pool to one hub."""

    def __init__(self, profile: AgencyProfile) -> None:
        self._base = profile.hub
        self._http = httpx.Client(**_settings(profile))

    def perform(self, call: Call) -> Answer:
        """The hub's answer, whatever its status; :class:`HubUnreachable` when there is none."""
        body = call.body if isinstance(call.body, bytes) else _chunks(call.body)
        try:
            with self._http.stream(
                call.method,
                self._base + call.target,
                content=body,
                headers=_headers(call),
                timeout=_patience(call),
            ) as response:
                if call.save_to is None or response.status_code != 200:
                    return Answer(response.status_code, _lower(response), response.read())
                with _Saving(call.save_to) as saving:
                    for chunk in response.iter_raw(CHUNK):
                        saving.write(chunk)
                    saving.sync()
                return Answer(200, _lower(response), b"", saving.digest, saving.size)
        except httpx.HTTPError as error:
            raise unreachable(self._base, error) from error

    def close(self) -> None:
        self._http.close()


class AsyncWire:
    """The same for asyncio. Several clients may share one: a connection belongs to no agency."""

    def __init__(self, profile: AgencyProfile, *, connections: int = 16) -> None:
        self._base = profile.hub
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._http = httpx.AsyncClient(**_settings(profile), limits=limits)

    async def perform(self, call: Call) -> Answer:
        """See :meth:`Wire.perform`."""
        body = call.body if isinstance(call.body, bytes) else _achunks(call.body)
        try:
            async with self._http.stream(
                call.method,
                self._base + call.target,
                content=body,
                headers=_headers(call),
                timeout=_patience(call),
            ) as response:
                if call.save_to is None or response.status_code != 200:
                    return Answer(response.status_code, _lower(response), await response.aread())
                with _Saving(call.save_to) as saving:
                    async for chunk in response.aiter_raw(CHUNK):
                        saving.write(chunk)
                    await asyncio.to_thread(saving.sync)
                return Answer(200, _lower(response), b"", saving.digest, saving.size)
        except httpx.HTTPError as error:
            raise unreachable(self._base, error) from error

    async def aclose(self) -> None:
        await self._http.aclose()


class _Saving:
    """A new file that is written, hashed and synced; removed when it does not come to that."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hash = sha256()
        self._synced = False
        self.size = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("wb")

    def __enter__(self) -> _Saving:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._synced:
            self._path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced = True

    @property
    def digest(self) -> bytes:
        return self._hash.digest()


def unreachable(hub: str, error: httpx.HTTPError) -> HubUnreachable:
    """A failure of the wire in the words of the person who meets it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return HubUnreachable(
                f"the hub's certificate is not trusted: {cause.verify_message}",
                place=hub,
                remedy="check the hub's address, and that pki/anchors holds the province's root certificate",
            )
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.TimeoutException):
        return HubUnreachable("the hub did not answer in time", place=hub, remedy="try again later")
    return HubUnreachable(
        f"no connection: {error or type(error).__name__}",
        place=hub,
        remedy="check the network and the hub's address; what was sent waits in the outbox",
    )


def _settings(profile: AgencyProfile) -> dict[str, Any]:
    local = urlsplit(profile.hub).hostname in ("127.0.0.1", "::1", "localhost")
    return {
        "verify": tls_context(profile) if profile.hub.startswith("https:") else False,
        "headers": {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        "follow_redirects": False,
        "trust_env": not local,
    }


def _headers(call: Call) -> dict[str, str]:
    headers = dict(call.headers)
    if call.media_type:
        headers["Content-Type"] = call.media_type
    if isinstance(call.body, Path):
        headers["Content-Length"] = str(call.body.stat().st_size)
    return headers


def _patience(call: Call) -> httpx.Timeout:
    return httpx.Timeout(call.patience_s, connect=CONNECT_S)


def _lower(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


async def _achunks(path: Path) -> AsyncIterator[bytes]:
    for chunk in _chunks(path):
        yield chunk
