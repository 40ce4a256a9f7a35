"""The province and hub fixtures of the exchange's tests, for whole processes and hostile callers too."""

from __future__ import annotations

from tests.exchange.conftest import hub, new_province, pristine_province, province

__all__ = ["hub", "new_province", "pristine_province", "province"]
