"""The network, planned: survey, fibre, radio, capacity, storage, phasing and money, and the report.

Imports ``core`` only so far; the five product rooms do not import each other.
"""
