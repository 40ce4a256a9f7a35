"""The SDK an agency's own software uses: durable outbox, sending, inbox, fetching, statuses, tracing.

``Client`` is synchronous, ``AsyncClient`` asynchronous; both drive the same steps. No Django; the
layers above (mediation, office, web, cli) may import it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lienthong.exchange.client.asynchronous import AsyncClient
    from lienthong.exchange.client.sync import Client

__all__ = ["AsyncClient", "Client"]

_HOMES = {"AsyncClient": "asynchronous", "Client": "sync"}


def __getattr__(name: str) -> Any:
    # Imported when first named: a command that only reads a profile need not wait for httpx.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
