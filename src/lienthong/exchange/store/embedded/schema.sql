-- The index of the segments. Everything here is derived from them and can be rebuilt.
-- idx: log index. key of inbox and sent: agency << 40 | idx. key of pending: agency << 41 | lane << 40 | idx,
-- lane 0 = urgent. pos: segment << 40 | offset.
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE agencies (number INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
CREATE TABLE ids (key INTEGER PRIMARY KEY, idx INTEGER NOT NULL);
CREATE TABLE records (idx INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
CREATE TABLE batches (size INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
CREATE TABLE inbox (
  key INTEGER PRIMARY KEY,
  urgent INTEGER NOT NULL,
  state TEXT,
  state_ms INTEGER,
  request TEXT,
  recalled INTEGER,
  ack INTEGER,
  ack_ms INTEGER
);
CREATE TABLE pending (key INTEGER PRIMARY KEY);
CREATE TABLE sent (key INTEGER PRIMARY KEY);
CREATE TABLE subjects (subject INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (subject, idx)) WITHOUT ROWID;
CREATE TABLE documents (key INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (key, idx)) WITHOUT ROWID;
CREATE TABLE blobs (digest BLOB NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (digest, idx)) WITHOUT ROWID;
CREATE TABLE blocks (key INTEGER PRIMARY KEY, nodes BLOB NOT NULL);
CREATE TABLE cosignatures (size INTEGER NOT NULL, line BLOB NOT NULL, PRIMARY KEY (size, line)) WITHOUT ROWID;
CREATE TABLE timestamps (size INTEGER NOT NULL, token BLOB NOT NULL, PRIMARY KEY (size, token)) WITHOUT ROWID;
CREATE TABLE usage (key INTEGER PRIMARY KEY, messages INTEGER NOT NULL, bytes INTEGER NOT NULL);
