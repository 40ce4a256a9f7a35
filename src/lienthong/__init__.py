"""Liên Thông: the open platform a Vietnamese province runs its digital government on."""

__version__ = "0.1.0"
