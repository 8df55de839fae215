-- API keys. Of the key itself there is only its SHA-256: it has 190 bits of chance in it, so nobody finds it by trying.
-- scopes are names with commas between them. A limit takes the place of the common one, when there is one.
CREATE TABLE IF NOT EXISTS api_keys (
  id BINARY(16) NOT NULL,
  name VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  key_hash BINARY(32) NOT NULL,
  scopes VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  limit_max INT UNSIGNED NULL,
  limit_window_ms INT UNSIGNED NULL,
  created_at DATETIME(3) NOT NULL,
  last_used_at DATETIME(3) NULL,
  revoked_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY api_keys_key_hash (key_hash)
) ENGINE = InnoDB;

-- One row, counted up by whatever changes which keys are valid, in its transaction. Its lock is held until the commit, so
-- the order of the numbers is that of the commits: whoever has read a number has missed nothing that came before it.
CREATE TABLE IF NOT EXISTS api_key_revision (
  id TINYINT UNSIGNED NOT NULL,
  revision BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (id)
) ENGINE = InnoDB;
INSERT IGNORE INTO api_key_revision (id, revision) VALUES (1, 0);
