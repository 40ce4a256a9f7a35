"""Keys, certificates, signatures, containers, time-stamps, and the Merkle log: what makes things provable.

Imports ``core`` only, and no Django. Every room above may import it.
"""
