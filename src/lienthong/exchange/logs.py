"""Structured log lines on standard error: events with fields, never documents, tokens or keys."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from lienthong.exchange.configuration import Logging

SECRET = ("authorization", "token", "passphrase", "password", "pin", "signature", "cookie")
"""A field whose name holds one of these is never written out."""
MAX_TEXT = 2000


def configure_logs(choice: Logging) -> None:
    """Let structlog and the standard library (Granian, the trust room) write the same kind of lines."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_secrets,
        structlog.processors.format_exc_info,
    ]
    form: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if choice.form == "json" or (choice.form == "auto" and not sys.stderr.isatty())
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, form],
        )
    )
    handler.addFilter(_expected)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(choice.level.upper())
    for chatty in ("asyncio", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def without_secrets(logger: Any, method: str, event: Any) -> Any:
    """Blank out fields that could hold a secret, and cut what is too long to be a message."""
    for name, value in event.items():
        if any(word in name.lower() for word in SECRET):
            event[name] = "…"
        elif isinstance(value, str) and len(value) > MAX_TEXT and name != "exception":
            event[name] = value[:MAX_TEXT] + "…"
    return event


def _expected(record: logging.LogRecord) -> bool:
    """Granian says at each start that its embedding is experimental; that is known."""
    return "Embedded server is experimental" not in record.getMessage()
