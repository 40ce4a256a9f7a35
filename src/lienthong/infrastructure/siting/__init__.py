"""Where to put towers: maximal covering, set covering and p-median, exact with a proven bound.

Imports ``core`` and the room's own errors; the data are arrays or files, never a database.
"""
