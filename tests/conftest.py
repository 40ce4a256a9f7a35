"""What every suite shares: Hypothesis judges results and never the time a shared machine took for them, and
Ctrl-C works as in a terminal even where the suite was started in the background.
"""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

settings.register_profile("lienthong", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lienthong")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
