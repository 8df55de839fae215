-- What was answered to writes with an Idempotency-Key: stored in the transaction of the write, and read to answer a repetition.
-- A key belongs to the API key that has sent it. fingerprint is the SHA-256 of the request (src/idempotency/fingerprint.ts),
-- headers a JSON object. created_at is by the clock of the server, and so is the end of a row's time, a day later.
CREATE TABLE IF NOT EXISTS idempotency_keys (
  api_key_id BINARY(16) NOT NULL,
  idempotency_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fingerprint BINARY(32) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  status SMALLINT UNSIGNED NOT NULL,
  headers VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  body MEDIUMBLOB NOT NULL,
  PRIMARY KEY (api_key_id, idempotency_key),
  KEY idempotency_keys_created_at (created_at)
) ENGINE = InnoDB;
