-- The index of the segments. Everything here is derived from them and can be rebuilt.
-- above: of an acknowledgement, what the record that it takes is about.
-- idx: log index. pos: segment << 40 | offset. sender: NULL for an acknowledgement.
-- key of inbox: agency << 41 | lane << 40 | idx, lane 0 = urgent.
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE agencies (number INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
CREATE TABLE ids (key INTEGER PRIMARY KEY, idx INTEGER NOT NULL);
CREATE TABLE records (
  idx INTEGER PRIMARY KEY,
  pos INTEGER NOT NULL,
  id_key INTEGER NOT NULL,
  sender INTEGER,
  subject INTEGER,
  document INTEGER,
  above INTEGER
);
CREATE INDEX sent ON records (sender) WHERE sender IS NOT NULL;
CREATE INDEX subjects ON records (subject) WHERE subject IS NOT NULL;
CREATE INDEX above ON records (above) WHERE above IS NOT NULL;
CREATE INDEX documents ON records (document, sender) WHERE document IS NOT NULL;
CREATE TABLE batches (size INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
CREATE TABLE inbox (
  key INTEGER PRIMARY KEY,
  state TEXT,
  state_ms INTEGER,
  request TEXT,
  recalled INTEGER,
  handling INTEGER,
  ack INTEGER,
  ack_ms INTEGER
);
CREATE INDEX pending ON inbox (key) WHERE ack IS NULL;
CREATE TABLE blobs (digest BLOB NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (digest, idx)) WITHOUT ROWID;
CREATE TABLE blocks (key INTEGER PRIMARY KEY, nodes BLOB NOT NULL);
CREATE TABLE cosignatures (size INTEGER NOT NULL, line BLOB NOT NULL, PRIMARY KEY (size, line)) WITHOUT ROWID;
CREATE TABLE timestamps (size INTEGER NOT NULL, token BLOB NOT NULL, PRIMARY KEY (size, token)) WITHOUT ROWID;
CREATE TABLE usage (key INTEGER PRIMARY KEY, messages INTEGER NOT NULL, bytes INTEGER NOT NULL);
