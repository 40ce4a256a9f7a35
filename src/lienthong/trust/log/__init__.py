"""The Merkle log: tree hashing and proofs, signed notes, checkpoints, tiles, witnesses (RFC 6962, C2SP).

Imports ``core``, ``trust.errors`` and ``trust.keys`` (writing files): the whole format can be read here.
"""
