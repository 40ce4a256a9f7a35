"""``python -m lienthong.infrastructure.steiner``: compile the kernels now rather than on the first run."""

import sys

from lienthong.infrastructure.steiner.preparing import prepare

sys.stdout.write(f"Steiner kernels ready in {prepare():.1f} s\n")
