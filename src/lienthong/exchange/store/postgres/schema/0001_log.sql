-- The log in PostgreSQL: the same records as the embedded engine's segments, and what is read from them.

-- One row. Whoever holds its lock is the writer; size, frontier and note are those of the last batch.
CREATE TABLE head (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  origin text NOT NULL,
  size bigint NOT NULL,
  frontier bytea NOT NULL,
  note bytea NOT NULL,
  last_ms bigint NOT NULL,
  counts text NOT NULL,
  archived_before bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

CREATE TABLE agencies (number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL UNIQUE);

-- kind and lane: as in the leaf. id_key and document_key: see lienthong.exchange.store.keys.
-- stored: 0 no payload, 1 in this row, 2 in blobs. Rows that fit a page (most statuses) stay in one piece; larger
-- payloads go out of line, uncompressed: containers are ZIP files.
CREATE TABLE records (
  idx bigint PRIMARY KEY,
  kind smallint NOT NULL,
  lane smallint NOT NULL,
  business smallint NOT NULL,
  stored smallint NOT NULL,
  size bigint NOT NULL,
  subject bigint,
  document_key bigint,
  id_key bigint NOT NULL UNIQUE,
  sender integer NOT NULL,
  message_id text NOT NULL,
  digest bytea NOT NULL,
  leaf bytea NOT NULL,
  summary bytea NOT NULL,
  payload bytea
) WITH (toast_tuple_target = 8160);
ALTER TABLE records ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX records_sent ON records (sender, idx) WHERE kind <> 3;
CREATE INDEX records_subject ON records (subject, idx) WHERE subject IS NOT NULL;
CREATE INDEX records_document ON records (document_key, idx) WHERE document_key IS NOT NULL;
CREATE INDEX records_blob ON records (digest) WHERE stored = 2;

CREATE TABLE blobs (digest bytea PRIMARY KEY, size bigint NOT NULL, stored_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE blob_parts (digest bytea, part integer, data bytea NOT NULL, PRIMARY KEY (digest, part));
ALTER TABLE blob_parts ALTER COLUMN data SET STORAGE EXTERNAL;

-- lane: 0 urgent, 1 normal, so that the pending list is in its order.
CREATE TABLE inbox (
  agency integer,
  idx bigint,
  lane smallint NOT NULL,
  recalled boolean NOT NULL DEFAULT false,
  state text NOT NULL DEFAULT '',
  request text NOT NULL DEFAULT '',
  state_ms bigint,
  ack bigint,
  ack_ms bigint,
  PRIMARY KEY (agency, idx)
) WITH (fillfactor = 90);
CREATE INDEX inbox_pending ON inbox (agency, lane, idx) WHERE ack IS NULL;

CREATE TABLE batches (
  size bigint PRIMARY KEY,
  first bigint NOT NULL,
  accepted_ms bigint NOT NULL,
  root bytea NOT NULL,
  note bytea NOT NULL
);
CREATE INDEX batches_accepted ON batches (accepted_ms);
CREATE TABLE blocks (key bigint PRIMARY KEY, nodes bytea NOT NULL);
ALTER TABLE blocks ALTER COLUMN nodes SET STORAGE EXTERNAL;
CREATE TABLE cosignatures (size bigint, line bytea, PRIMARY KEY (size, line));
CREATE TABLE timestamps (size bigint, token bytea NOT NULL, digest bytea, PRIMARY KEY (size, digest));

-- Become the writer, then read: each statement in here sees what was committed before the lock was granted.
-- One row with the head, more when ids are here already.
CREATE FUNCTION lock_and_look_up(keys bigint[]) RETURNS TABLE (
  size bigint, frontier bytea, last_ms bigint, counts text,
  id_key bigint, idx bigint, sender integer, message_id text, digest bytea
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  held head;
BEGIN
  SELECT * INTO STRICT held FROM head FOR UPDATE;
  RETURN QUERY SELECT held.size, held.frontier, held.last_ms, held.counts,
    NULL::bigint, NULL::bigint, NULL::integer, NULL::text, NULL::bytea;
  RETURN QUERY SELECT NULL::bigint, NULL::bytea, NULL::bigint, NULL::text,
    r.id_key, r.idx, r.sender, r.message_id, r.digest
    FROM records r WHERE r.id_key = ANY (keys);
END
$$;
