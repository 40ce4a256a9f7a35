"""What every answer carries: a strict content security policy, and the language its address asks for."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

Respond = Callable[[HttpRequest], HttpResponse]

POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def content_security(respond: Respond) -> Respond:
    """Nothing from elsewhere is loaded, no script runs, and only our own style element, by its nonce."""

    def middleware(request: HttpRequest) -> HttpResponse:
        nonce = secrets.token_urlsafe(16)
        request.style_nonce = nonce  # type: ignore[attr-defined]
        response = respond(request)
        response.headers.setdefault("Content-Security-Policy", POLICY.format(nonce=nonce))
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return response

    return middleware


def language_of_the_address(respond: Respond) -> Respond:
    """``?lang=en`` is English; anything else is Vietnamese. No cookie: an address always shows the same."""
    languages = {code for code, _ in settings.LANGUAGES}

    def middleware(request: HttpRequest) -> HttpResponse:
        asked = request.GET.get("lang", "")
        language = asked if asked in languages else settings.LANGUAGE_CODE
        with translation.override(language):
            response = respond(request)
            response.headers.setdefault("Content-Language", language)
        return response

    return middleware
