-- The inbox of webhooks: an event is here, once, before its sender is told so, and stays for some weeks as its audit trail.
-- A sender's ids are what they are to the byte: e1 and E1 are two events. All times are those of this server, but for
-- occurred_at, which is the sender's.
CREATE TABLE IF NOT EXISTS webhook_events (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  source VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  type VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  occurred_at DATETIME(3) NOT NULL,
  body MEDIUMBLOB NOT NULL,
  body_hash BINARY(32) NOT NULL,
  scheme ENUM('standard', 'hub', 'plain') NOT NULL,
  secret_number TINYINT UNSIGNED NOT NULL,
  duplicates INT UNSIGNED NOT NULL DEFAULT 0,
  has_conflict BOOLEAN NOT NULL DEFAULT FALSE,
  status ENUM('pending', 'processing', 'done', 'stale', 'ignored', 'dead') NOT NULL,
  attempts SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  next_attempt_at DATETIME(3) NOT NULL,
  lease_token BINARY(16) NULL,
  lease_until DATETIME(3) NULL,
  last_error VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  received_at DATETIME(3) NOT NULL,
  finished_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY webhook_events_event (source, event_id),
  KEY webhook_events_claim (status, next_attempt_at, id),
  KEY webhook_events_lease (status, lease_until),
  KEY webhook_events_type (type, status),
  KEY webhook_events_finished (finished_at)
) ENGINE = InnoDB;

-- The attempts that failed. Those of an event go with it.
CREATE TABLE IF NOT EXISTS webhook_attempts (
  webhook_event_id BIGINT UNSIGNED NOT NULL,
  attempt SMALLINT UNSIGNED NOT NULL,
  started_at DATETIME(3) NULL,
  failed_at DATETIME(3) NOT NULL,
  error VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (webhook_event_id, attempt, failed_at)
) ENGINE = InnoDB;

-- Deliveries that were refused: how many in each hour for each reason, and the last few of them in short. Nothing that
-- comes unsigned takes a row of its own.
CREATE TABLE IF NOT EXISTS webhook_rejections (
  hour DATETIME NOT NULL,
  reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  rejections BIGINT UNSIGNED NOT NULL,
  samples TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (hour, reason)
) ENGINE = InnoDB;

-- The last write of each field of a product, by sku, and of whether it exists: before the product is there, and after it
-- is gone. registers is JSON (src/registers). Where a product has no row here, everything was last written when it was made.
CREATE TABLE IF NOT EXISTS product_registers (
  sku VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  registers MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (sku)
) ENGINE = InnoDB;
