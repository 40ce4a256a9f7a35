"""Radio coverage: path loss (ITU-R P.1812), terrain and clutter rasters, coverage maps and population
covered.

Imports ``core`` and the room's own errors. Nothing here touches the network or a database.
"""
