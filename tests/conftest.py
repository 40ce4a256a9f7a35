"""What every suite shares: Hypothesis judges results and never the time a shared machine took for them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("lienthong", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lienthong")
