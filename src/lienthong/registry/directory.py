"""The directory as the exchange reads it: who an organ code means on a day, whose certificate this is,
who may do what. Pure, immutable, built once from a snapshot and then only looked up.

A code means something only together with a date (statistical codes were reused when communes merged),
so every lookup of a code takes the day. Validity runs from ``valid_from`` to ``valid_to``, both included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Literal

from lienthong.core.text import fold

KINDS = (
    "party",
    "council",
    "government",
    "department",
    "district",
    "commune",
    "mass-organisation",
    "enterprise",
    "external",
)
LEVELS = ("", "national", "province", "district", "commune")
ACTIONS = ("send", "witness", "audit", "operate")
USES = ("seal", "encryption", "tls")

Use = Literal["seal", "encryption", "tls"]
Status = Literal["active", "ended", "merged", "unknown", "locked"]

BUILT_IN_GROUPS: Mapping[str, frozenset[str]] = {
    "all": frozenset(KINDS) - {"enterprise", "external"},
    "communes": frozenset({"commune"}),
    "districts": frozenset({"district"}),
    "departments": frozenset({"department"}),
    "party": frozenset({"party"}),
    "councils": frozenset({"council"}),
    "mass-organisations": frozenset({"mass-organisation"}),
}
"""Groups every directory has, by the kinds they hold. ``all`` is every body of the province itself."""


@dataclass(frozen=True, slots=True)
class CertificateRef:
    """A certificate of an agency. ``fingerprint``: SHA-256 of ``der``, 64 lower-case hex digits."""

    fingerprint: str
    der: bytes

    @classmethod
    def of(cls, der: bytes) -> CertificateRef:
        return cls(sha256(der).hexdigest(), der)


@dataclass(frozen=True, slots=True)
class Alias:
    """Another code of an agency, for the days it was in force."""

    code: str
    valid_from: date = date.min
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of an agency that has no mailbox of its own."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency. ``kind`` of :data:`KINDS`; ``level`` of :data:`LEVELS`; ``parent`` and ``successors``
    are canonical codes; ``valid_to`` is the last day it exists. ``locked``: it receives nothing for now
    (error 23 of the axis interface). ``groups``: names of the own groups it belongs to. ``illustrative``:
    its organ codes are invented for a seed and nobody's official codes.
    """

    code: str
    name: str
    kind: str = "department"
    parent: str | None = None
    level: str = ""
    aliases: tuple[Alias, ...] = ()
    valid_from: date = date.min
    valid_to: date | None = None
    successors: tuple[str, ...] = ()
    locked: bool = False
    seals: tuple[CertificateRef, ...] = ()
    encryption: tuple[CertificateRef, ...] = ()
    tls: tuple[CertificateRef, ...] = ()
    units: tuple[Unit, ...] = ()
    groups: tuple[str, ...] = ()
    illustrative: bool = False

    def active_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def certificates(self, use: Use) -> tuple[CertificateRef, ...]:
        if use == "seal":
            return self.seals
        return self.encryption if use == "encryption" else self.tls

    def selectors(self) -> frozenset[str]:
        """Every selector that means this agency: its code, ``kind:…``, each ``group:…``, and ``*``."""
        built_in = {f"group:{name}" for name, kinds in BUILT_IN_GROUPS.items() if self.kind in kinds}
        own = {f"group:{name}" for name in self.groups}
        return frozenset({self.code, f"kind:{self.kind}", "*"} | built_in | own)


@dataclass(frozen=True, slots=True)
class Right:
    """``subject`` may ``action`` (towards) ``object``. Both are selectors: an agency's canonical code,
    ``kind:…``, ``group:…`` or ``*`` (any agency of the directory).
    """

    subject: str
    action: str
    object: str = "*"


@dataclass(frozen=True, slots=True)
class Quota:
    """What one agency may use. All positive."""

    messages_per_minute: int = 6_000
    bytes_per_day: int = 50 * 1024**3
    concurrent: int = 32


@dataclass(frozen=True, slots=True)
class QuotaRule:
    """The quota of every agency that ``subject`` (a selector) means; the most specific rule wins:
    a code before a group before a kind before ``*``.
    """

    subject: str
    quota: Quota


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a code means on a day.

    ``active`` and ``locked``: ``agency`` is it. ``merged``: ``agency`` has ended and ``successors``
    (one after a merger, several after a split) are active on that day; any of them may be locked.
    ``ended``: ``agency`` has ended and nobody follows it. ``unknown``: ``agency`` is None.
    """

    status: Status
    agency: Agency | None = None
    successors: tuple[Agency, ...] = ()


UNKNOWN = Resolution("unknown")


def specificity(selector: str) -> int:
    """How closely a selector means an agency: 3 its code, 2 a group, 1 a kind, 0 anybody."""
    if selector == "*":
        return 0
    if selector.startswith("kind:"):
        return 1
    return 2 if selector.startswith("group:") else 3


@dataclass(frozen=True, slots=True)
class Directory:
    """Agencies by canonical code, with the indexes that lookups need. Build with :meth:`build`.

    ``version`` only grows; ``issued_at`` and ``expires_at`` are aware. ``group_titles``: own group → title.
    """

    version: int
    province: str
    issued_at: datetime
    expires_at: datetime
    agencies: Mapping[str, Agency]
    rights: tuple[Right, ...] = ()
    quotas: tuple[QuotaRule, ...] = ()
    group_titles: Mapping[str, str] = field(default_factory=dict)
    _codes: dict[str, tuple[tuple[date, date, Agency], ...]] = field(init=False, repr=False, compare=False)
    _active: dict[str, Resolution] = field(init=False, repr=False, compare=False)
    _fingerprints: dict[tuple[str, bytes], Agency] = field(init=False, repr=False, compare=False)
    _selectors: dict[str, frozenset[str]] = field(init=False, repr=False, compare=False)
    _objects: dict[tuple[str, str], frozenset[str]] = field(init=False, repr=False, compare=False)
    _quotas: dict[str, Quota] = field(init=False, repr=False, compare=False)
    _folded: dict[str, str] = field(init=False, repr=False, compare=False)

    @classmethod
    def build(
        cls,
        agencies: Iterable[Agency],
        *,
        version: int,
        province: str,
        issued_at: datetime,
        expires_at: datetime,
        rights: Iterable[Right] = (),
        quotas: Iterable[QuotaRule] = (),
        group_titles: Mapping[str, str] | None = None,
    ) -> Directory:
        by_code = {agency.code: agency for agency in agencies}
        titles = dict(group_titles or {})
        return cls(version, province, issued_at, expires_at, by_code, tuple(rights), tuple(quotas), titles)

    def __post_init__(self) -> None:
        codes: dict[str, list[tuple[date, date, Agency]]] = {}
        fingerprints: dict[tuple[str, bytes], Agency] = {}
        for agency in self.agencies.values():
            end = agency.valid_to or date.max
            codes.setdefault(agency.code, []).append((agency.valid_from, end, agency))
            for alias in agency.aliases:
                start = max(alias.valid_from, agency.valid_from)
                stop = min(alias.valid_to or date.max, end)
                codes.setdefault(alias.code, []).append((start, stop, agency))
            for use in USES:
                for certificate in agency.certificates(use):  # type: ignore[arg-type]
                    fingerprints[use, bytes.fromhex(certificate.fingerprint)] = agency
        fill = object.__setattr__
        fill(self, "_codes", {code: tuple(sorted(v, key=_period)) for code, v in codes.items()})
        fill(
            self,
            "_active",
            {a.code: Resolution("locked" if a.locked else "active", a) for a in self.agencies.values()},
        )
        fill(self, "_fingerprints", fingerprints)
        fill(self, "_selectors", {a.code: a.selectors() for a in self.agencies.values()})
        fill(self, "_objects", {})
        fill(self, "_quotas", {})
        fill(self, "_folded", {a.code: fold(f"{a.name} {a.code}") for a in self.agencies.values()})

    def resolve(self, organ_id: str, on: date) -> Resolution:
        """What ``organ_id`` (a canonical code or an alias; case and outer white space do not matter)
        means on a day. A code that somebody holds on that day means its holder; otherwise it means the
        agency that held it last before, with what became of it.
        """
        periods = self._codes.get(organ_id)
        if periods is None:
            # Codes are ASCII (Decision 20/2020). Upper-casing anything else could turn a look-alike
            # letter into a real code.
            periods = self._codes.get(organ_id.strip().upper()) if organ_id.isascii() else None
            if periods is None:
                return UNKNOWN
        last: Agency | None = None
        for start, end, agency in periods:
            if start <= on:
                if on <= end:
                    return self._active[agency.code]
                last = agency
        if last is None or last.active_on(on):
            return UNKNOWN
        successors = tuple(self._follow(last, on))
        return Resolution("merged" if successors else "ended", last, successors)

    def _follow(self, ended: Agency, on: date) -> Iterator[Agency]:
        """The agencies active on a day at the ends of the successor chains, each once."""
        seen = {ended.code}
        waiting = list(ended.successors)
        while waiting:
            code = waiting.pop(0)
            agency = self.agencies.get(code)
            if agency is None or code in seen:
                continue
            seen.add(code)
            if agency.active_on(on):
                yield agency
            elif agency.valid_to is not None and agency.valid_to < on:
                waiting.extend(agency.successors)

    def by_fingerprint(self, fingerprint: bytes, use: Use) -> Agency | None:
        """Whose certificate has this SHA-256 (32 bytes) for this use. Ended and locked agencies are
        found too: whether they may act is :meth:`Agency.active_on` and the caller's question.
        """
        return self._fingerprints.get((use, fingerprint))

    def group(self, name: str, on: date) -> tuple[str, ...]:
        """Canonical codes of the members, in code order, of ``group:NAME`` (the prefix may be left out)
        that are active and not locked on a day; () for a group nobody knows.

        A member that has merged is represented by its successors.
        """
        return tuple(agency.code for agency in self._members(name, on) if not agency.locked)

    def locked_in_group(self, name: str, on: date) -> tuple[str, ...]:
        """The members that :meth:`group` leaves out because they are locked."""
        return tuple(agency.code for agency in self._members(name, on) if agency.locked)

    def has_group(self, name: str) -> bool:
        bare = name.removeprefix("group:")
        return (
            bare in BUILT_IN_GROUPS
            or bare in self.group_titles
            or any(bare in agency.groups for agency in self.agencies.values())
        )

    def _members(self, name: str, on: date) -> list[Agency]:
        selector = "group:" + name.removeprefix("group:")
        found: dict[str, Agency] = {}
        for agency in self.agencies.values():
            if selector in self._selectors[agency.code]:
                if agency.active_on(on):
                    found[agency.code] = agency
                elif agency.valid_to is not None and agency.valid_to < on:
                    found.update((heir.code, heir) for heir in self._follow(agency, on))
        return [found[code] for code in sorted(found)]

    def may(self, subject: str, action: str, object: str | None = None) -> bool:
        """Whether a right says so; without one, no. ``subject`` and ``object`` are canonical codes;
        an action towards nobody in particular (``object=None``) needs a right over ``*``.
        """
        allowed = self._objects.get((subject, action))
        if allowed is None:
            selectors = self._selectors.get(subject)
            if selectors is None:
                return False
            allowed = frozenset(
                right.object for right in self.rights if right.action == action and right.subject in selectors
            )
            if action in ACTIONS:
                self._objects[subject, action] = allowed
        if object is None:
            return "*" in allowed
        target = self._selectors.get(object)
        return target is not None and not allowed.isdisjoint(target)

    def quota(self, code: str) -> Quota:
        """The quota of an agency by canonical code; the defaults where no rule means it."""
        known = self._quotas.get(code)
        if known is None:
            selectors = self._selectors.get(code, frozenset())
            rules = [rule for rule in self.quotas if rule.subject in selectors]
            best = max(rules, key=lambda rule: (specificity(rule.subject), rule.subject), default=None)
            known = best.quota if best else Quota()
            if selectors:
                self._quotas[code] = known
        return known

    def search(self, text: str, on: date, *, limit: int = 50) -> list[Agency]:
        """Agencies active on a day whose folded name or code holds every word of ``text``: first those where
        every word begins one, among them those that hold the words side by side, then in code order.
        """
        words = fold(text).split()
        phrase = " " + " ".join(words)
        found = [
            agency
            for code, agency in self.agencies.items()
            if agency.active_on(on) and all(word in self._folded[code] for word in words)
        ]
        found.sort(
            key=lambda agency: (
                not begins_words(words, self._folded[agency.code]),
                phrase not in f" {self._folded[agency.code]}",
                agency.code,
            )
        )
        return found[:limit]


def begins_words(words: Iterable[str], folded: str) -> bool:
    """Whether each of ``words`` begins a word of a folded text."""
    spaced = f" {folded}"
    return all(f" {word}" in spaced for word in words)


def _period(entry: tuple[date, date, Agency]) -> tuple[date, date, str]:
    return entry[0], entry[1], entry[2].code
