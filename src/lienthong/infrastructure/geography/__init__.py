"""Where things lie: the road graph, its importers and checks, the demo province, and sites put on the roads.

Imports ``core``, the room's errors and ``survey.model``; the planning of fibre, radio and money imports it.
"""
