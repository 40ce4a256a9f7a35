"""Minimum Steiner trees in graphs, exact or bounded: the engine under the fibre plan.

Pure arrays in and out; imports ``core`` and numeric libraries. ``solver.solve`` is the way in.
"""
