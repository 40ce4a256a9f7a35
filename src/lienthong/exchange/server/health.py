"""Health that tells the truth: each thing the hub stands on, looked at, in words, with what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509

from lienthong.core.errors import LienthongError
from lienthong.exchange.configuration import Configuration
from lienthong.exchange.hub.service import Hub
from lienthong.trust import crl
from lienthong.trust.errors import TrustError
from lienthong.trust.keys import load_certificates, read_file

State = Literal["ok", "warning", "failing"]
STUCK_S = 15.0
"""A batch that takes longer than this: the disk hangs."""
RENEWED_HERE = ("tls-server", "tsa", "ocsp", "directory")
"""Services whose certificates `lienthong keys renew` issues anew."""
TIMESTAMP_PATIENCE = 3
"""So many intervals without a time-stamp are a warning."""


@dataclass(frozen=True, slots=True)
class HealthItem:
    """``detail`` says what was found; ``remedy`` what to do unless all is well. Only ``failing`` items keep
    the hub from accepting.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""


@dataclass(slots=True)
class StampState:
    """How time-stamping of checkpoints goes. ``last_s``: Unix seconds of the last token, 0 for none."""

    last_s: float = 0.0
    last_size: int = 0
    problem: str = ""


class Health:
    """Looks at everything. :meth:`look` reads disks and certificates: call it in a worker thread."""

    def __init__(self, hub: Hub, stamps: StampState, certificates: dict[str, Path]) -> None:
        self._hub = hub
        self._stamps = stamps
        self._certificates = certificates
        self.latest: tuple[HealthItem, ...] = ()

    def look(self) -> tuple[HealthItem, ...]:
        """Every item now; also kept in :attr:`latest`."""
        now_s = self._hub.clock()
        now = datetime.fromtimestamp(now_s, UTC)
        looks: tuple[Callable[[], HealthItem], ...] = (
            self._store,
            self._disk,
            self._writer,
            lambda: self._directory(now),
            lambda: self._clock(now_s),
            lambda: self._timestamps(now_s),
            lambda: self._revocation(now),
        )
        items = [look() for look in looks]
        items.extend(self._certificate_items(now))
        self.latest = tuple(items)
        return self.latest

    def _store(self) -> HealthItem:
        health = self._hub.store.health()
        if not health.writable:
            return HealthItem(
                "store",
                "failing",
                health.reason or "the store cannot write",
                "lienthong doctor names the cause",
            )
        figures = self._hub.commit.figures
        if figures.failing:
            return HealthItem(
                "store",
                "failing",
                f"the last batch could not be made durable: {figures.last_failure}",
                "lienthong doctor names the cause; the hub tries again with the next message",
            )
        return HealthItem("store", "ok", f"writable, {health.tree_size} entries")

    def _disk(self) -> HealthItem:
        configuration = self._hub.configuration
        try:
            free = shutil.disk_usage(configuration.data).free
        except OSError as error:
            return HealthItem("disk", "failing", f"cannot be looked at: {error.strerror}", "check the disk")
        wanted = configuration.health.disk_free_bytes
        detail = f"{free // 2**20} MiB free at {configuration.data}"
        if free < wanted:
            return HealthItem(
                "disk",
                "failing",
                f"{detail}; {wanted // 2**20} MiB are wanted",
                "make room, or give the data folder a larger disk",
            )
        if free < 3 * wanted:
            return HealthItem("disk", "warning", detail, "make room soon")
        return HealthItem("disk", "ok", detail)

    def _writer(self) -> HealthItem:
        commit = self._hub.commit
        busy = commit.busy_seconds()
        if busy > STUCK_S:
            return HealthItem(
                "writer",
                "failing",
                f"a batch has taken {busy:.0f} s so far",
                "check the disk or the database",
            )
        if commit.full:
            return HealthItem(
                "writer",
                "failing",
                f"{commit.backlog} messages wait: the queue is full",
                "wait, or add power",
            )
        return HealthItem("writer", "ok", f"{commit.backlog} messages wait")

    def _directory(self, now: datetime) -> HealthItem:
        remedy = "publish the directory again: lienthong registry publish"
        try:
            directory = self._hub.directory()
        except LienthongError as problem:
            return HealthItem("directory", "failing", problem.detail, problem.remedy or remedy)
        left = directory.expires_at - now
        detail = f"version {directory.version}, expires at {directory.expires_at:%Y-%m-%d %H:%M} UTC"
        refused = self._hub.holder.problem
        if refused is not None:
            return HealthItem(
                "directory", "warning", f"{detail}; a newer file is refused: {refused.detail}", remedy
            )
        if left < timedelta(days=self._hub.configuration.directory.warn_days):
            return HealthItem("directory", "warning", detail, remedy)
        return HealthItem("directory", "ok", detail)

    def _clock(self, now_s: float) -> HealthItem:
        tolerance = self._hub.configuration.clock.jump_s
        ahead_s = self._hub.commit.last_ms / 1000 - now_s
        remedy = "set the machine's clock and keep it with NTP"
        if ahead_s > tolerance:
            return HealthItem(
                "clock", "failing", f"the clock stands {ahead_s:.0f} s before the newest record", remedy
            )
        ahead_s = self._hub.store.health().last_accepted_ms / 1000 - now_s
        if ahead_s > tolerance:
            return HealthItem(
                "clock",
                "warning",
                f"the newest record is stamped {ahead_s:.0f} s after the clock; new ones get its time until "
                "the clock has passed it",
                f"{remedy}; if it was set forward by mistake once, nothing more can be done",
            )
        jump = self._hub.clock_jump_s
        if jump:
            return HealthItem("clock", "warning", f"the clock jumped by {jump:+.0f} s", remedy)
        return HealthItem("clock", "ok", f"{datetime.fromtimestamp(now_s, UTC):%Y-%m-%d %H:%M:%S} UTC")

    def _timestamps(self, now_s: float) -> HealthItem:
        choice, stamps = self._hub.configuration.timestamps, self._stamps
        if choice.authority == "off":
            return HealthItem("timestamps", "ok", "switched off")
        if stamps.problem:
            return HealthItem(
                "timestamps",
                "warning",
                f"the last checkpoint could not be time-stamped: {stamps.problem}",
                "check [timestamps] authority; messages are accepted meanwhile",
            )
        if not stamps.last_s:
            return HealthItem("timestamps", "ok", "nothing to time-stamp yet")
        when = datetime.fromtimestamp(stamps.last_s, UTC)
        return HealthItem(
            "timestamps", "ok", f"{stamps.last_size} entries stamped at {when:%Y-%m-%d %H:%M:%S} UTC"
        )

    def _revocation(self, now: datetime) -> HealthItem:
        revocation = self._hub.trust.revocation
        remedy = "lienthong init --data DIR, safe to repeat, publishes the lists anew"
        if revocation is None:
            return HealthItem("revocation", "warning", "revocation is not checked at all", remedy)
        problems = revocation.problems
        if revocation.ocsp is not None:
            problems += revocation.ocsp.problems
        if problems:
            return HealthItem("revocation", "warning", "; ".join(problems), remedy)
        try:
            stale = [
                f"the CRL of {name} went stale at {until:%Y-%m-%d %H:%M} UTC"
                for name, until in self._lists()
                if until <= now
            ]
        except TrustError as problem:
            return HealthItem("revocation", "warning", str(problem), remedy)
        if stale:
            return HealthItem("revocation", "warning", "; ".join(stale), remedy)
        return HealthItem("revocation", "ok", "the lists of revoked certificates are current")

    def _lists(self) -> Iterator[tuple[str, datetime]]:
        """(issuer, nextUpdate) of the CRLs at hand."""
        folder = self._hub.configuration.path("pki/crl")
        for path in sorted(folder.glob("*.crl")):
            yield path.stem, crl.parse(read_file(path, limit=crl.MAX_CRL), place=str(path)).next_update

    def _certificate_items(self, now: datetime) -> Iterator[HealthItem]:
        for name, path in self._certificates.items():
            yield certificate_health(name, path, now, self._hub.configuration.health.certificate_warn_days)


def certificate_health(name: str, path: Path, now: datetime, warn_days: float) -> HealthItem:
    """One of the hub's own certificates. An expired one is a warning here: what needs it says so itself."""
    item = f"certificate-{name}"
    try:
        certificate = x509.load_der_x509_certificate(load_certificates(path)[0])
    except (LienthongError, OSError, ValueError) as error:
        return HealthItem(item, "warning", f"{path.name} cannot be read: {error}", f"restore {path}")
    ends = certificate.not_valid_after_utc
    detail = f"{path.name} is valid until {ends:%Y-%m-%d %H:%M} UTC"
    remedy = renewal(path)
    if now > ends:
        return HealthItem(item, "warning", f"{path.name} expired at {ends:%Y-%m-%d %H:%M} UTC", remedy)
    if ends - now < timedelta(days=warn_days):
        return HealthItem(item, "warning", detail, remedy)
    return HealthItem(item, "ok", detail)


def renewal(certificate: Path) -> str:
    """What gives one of the hub's services a new certificate."""
    if certificate.parent.name == "keys" and certificate.stem in RENEWED_HERE:
        return f"lienthong keys renew --service {certificate.stem} --data {certificate.parent.parent}"
    return f"put a new certificate and key into place: {certificate}, and start the hub again"


def certificates_of(configuration: Configuration) -> dict[str, Path]:
    """The hub's own certificates that exist: TLS server (when it ends TLS), TSA, OCSP."""
    found = {"tsa": configuration.path("keys/tsa.pem"), "ocsp": configuration.path("keys/ocsp.pem")}
    if configuration.exchange.tls:
        found["tls"] = configuration.path(configuration.exchange.certificate)
    return {name: path for name, path in found.items() if name == "tls" or path.exists()}


def overall(items: tuple[HealthItem, ...]) -> State:
    """``failing`` when any item is, else ``warning`` when any is."""
    states = {item.state for item in items}
    if "failing" in states:
        return "failing"
    return "warning" if "warning" in states else "ok"
