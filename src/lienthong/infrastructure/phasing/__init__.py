"""Which item in which year under which budget, with a proven bound; scenarios, funding, bills of quantities.

Imports ``core`` and the room's own errors, solver and results; never a database.
"""
