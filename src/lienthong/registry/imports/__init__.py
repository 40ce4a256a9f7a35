"""Reading agencies, groups, rights and quotas from CSV and JSON: files in, a plan and every bad row out.

Pure: ``actions`` reads the registry, asks for the plan and carries it out. Imports ``core`` and the pure
parts of ``registry``; no Django.
"""
