"""The fibre plan: costs, the cheapest network over the sites with its bound, rings, hop limits, microwave.

Imports ``core``, ``geography``, ``steiner``, ``radio`` and ``survey.model``; phasing and the report
import it.
"""
