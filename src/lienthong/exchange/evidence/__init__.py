"""Evidence, checked offline and in plain words: containers, receipts, proofs, checkpoints, a whole log.

Imports ``core``, ``trust`` and the exchange's formats; needs no hub, no network and no database server.
"""
