"""The survey: what agencies answered in dated waves, checked, assessed, and turned into sites to plan for.

Imports ``core`` and ``infrastructure.errors`` only; the other parts of the planning room may import it.
"""
