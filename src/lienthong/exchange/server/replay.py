"""Nonces of signed requests that were seen: a signed request counts once."""

from __future__ import annotations


class ReplayGuard:
    """Remembers a nonce until the request that carried it would be refused for its age anyway.

    ``capacity``: nonces of one signer that are remembered at once; beyond it, that signer waits.
    """

    __slots__ = ("_capacity", "_next_sweep_s", "_seen")

    def __init__(self, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._seen: dict[str, dict[str, float]] = {}
        self._next_sweep_s = 0.0

    def first_time(self, keyid: str, nonce: str, forget_at_s: float, now_s: float) -> bool:
        """True once for a nonce of a signer; False when it is seen again, or memory for it is used up."""
        if now_s >= self._next_sweep_s:
            self._sweep(now_s)
        seen = self._seen.setdefault(keyid, {})
        if nonce in seen or len(seen) >= self._capacity:
            return False
        seen[nonce] = forget_at_s
        return True

    def _sweep(self, now_s: float) -> None:
        self._next_sweep_s = now_s + 10
        for keyid, seen in list(self._seen.items()):
            for nonce in [nonce for nonce, until in seen.items() if until < now_s]:
                del seen[nonce]
            if not seen:
                del self._seen[keyid]
