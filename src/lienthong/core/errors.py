"""The root of every room's exception tree: an error says what, where and what to do."""

from __future__ import annotations

from typing import ClassVar


class LienthongError(Exception):
    """An error for the person who meets it.

    ``detail`` says what was wrong, ``place`` where (an element, a file, a field, a row), ``remedy``
    what to do about it. ``code`` is stable, kebab-case, and the last segment of the RFC 9457
    problem ``type``; ``status`` is the HTTP status it becomes. Subclasses set both as class
    attributes; an instance may override ``code``.
    """

    code: str = "error"
    status: int = 400
    title: ClassVar[str] = "The request could not be carried out"

    def __init__(
        self,
        detail: str,
        *,
        place: str | None = None,
        remedy: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.place = place
        self.remedy = remedy
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        remedy = f" Remedy: {self.remedy}" if self.remedy else ""
        return f"{where}{self.detail}{remedy}"

    def problem(self) -> dict[str, str | int]:
        """The same as RFC 9457 problem details."""
        body: dict[str, str | int] = {
            "type": f"urn:lienthong:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.place:
            body["place"] = self.place
        if self.remedy:
            body["remedy"] = self.remedy
        return body
