"""What a finished plan looks like: maps, charts, the investment report, exports for other tools.

Imports the planning room and ``core``, not the making of plans; ``cli`` and ``web`` may import it.
"""
