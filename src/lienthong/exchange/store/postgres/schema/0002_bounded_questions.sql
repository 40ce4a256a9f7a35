-- Questions whose work does not grow with what others sent.

-- above: of an acknowledgement, what the record that it takes is about. A document's life is then two index ranges.
ALTER TABLE records ADD COLUMN above bigint;
UPDATE records a SET above = s.subject FROM records s
  WHERE a.kind = 3 AND s.idx = a.subject AND s.subject IS NOT NULL;
CREATE INDEX records_above ON records (above, idx) WHERE above IS NOT NULL;

-- Updates and replacements have document keys of their own; a document is looked for among its sender's.
UPDATE records SET document_key = document_key | (1::bigint << 52) WHERE document_key IS NOT NULL AND business <> 0;
DROP INDEX records_document;
CREATE INDEX records_document ON records (document_key, sender, idx) WHERE document_key IS NOT NULL;

-- handling: how often 04 and 05 were reported.
ALTER TABLE inbox ADD COLUMN handling integer NOT NULL DEFAULT 0;
