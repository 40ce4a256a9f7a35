"""A province's plan as a whole: its folder on disk, how it is made from data, how it is kept.

Imports every other part of the planning room but ``report``; ``report``, ``cli`` and ``web`` may import it.
"""
