"""The Merkle log: tree hashing and proofs, signed notes, checkpoints, tiles, witnesses (RFC 6962, C2SP).

Imports ``core`` and ``trust.errors`` only: an independent verifier can be read from this folder alone.
"""
