"""Who: agencies through time, their units, seals, certificates and exchange rights; the directory snapshot.

Imports ``core`` and ``trust``. ``directory`` and ``snapshot`` are pure Python, for the exchange to read;
the rest is a Django app.
"""
