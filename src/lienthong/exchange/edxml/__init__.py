"""edXML, the national document message (QCVN 102:2016/BTTTT): typed model, writer, reader, validator.

Imports ``core`` and the exchange's errors and statuses; the container, the hub and the client build on it.
"""
