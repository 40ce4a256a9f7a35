-- Nonces of signed requests, so that each counts once with whichever hub it arrives. key: SHA-256 of signer and nonce.
CREATE TABLE nonces (key bytea PRIMARY KEY, expires timestamptz NOT NULL);
CREATE INDEX nonces_expires ON nonces (expires);
