"""What every suite shares: Hypothesis judges results and never the time a shared machine took for them."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("lienthong", deadline=None)
settings.load_profile("lienthong")
