"""Each module is a command that measures one thing beside its baseline: ``python -m benchmarks.NAME``.

A module offers ``measure(quick: bool) -> Iterator[Figure]``. ``make bench`` runs them all.
"""
