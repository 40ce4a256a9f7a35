"""The chapters of the investment report, each a function from a plan and a language to blocks.

Imports ``report`` and the planning room; only ``report.contents`` imports it.
"""
