"""Kernels compiled by numba, on plain arrays: paths, trees, dual ascent, flows, local search.

Imported only by the Steiner engine, and only when it runs: the first call ever compiles (cached on disk).
"""
