"""The fixed names of an ASiC-E container."""

MIMETYPE = "application/vnd.etsi.asic-e+zip"
MIMETYPE_NAME = "mimetype"
META = "META-INF/"
MANIFEST = "META-INF/ASiCManifest.xml"
SIGNATURE = "META-INF/signature.p7s"
SIGNATURE_TYPE = "application/pkcs7-signature"
