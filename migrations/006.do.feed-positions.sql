-- How far the feed of each supplier has been read (src/sync/feed-position.ts), by the address of its API. updated_since is
-- that of the run under way, or of the next one; NULL is the beginning. run_started_at is NULL while no run is under way.
-- pages counts all that were ever applied.
CREATE TABLE IF NOT EXISTS feed_positions (
  source VARCHAR(500) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  updated_since DATETIME(3) NULL,
  run_started_at DATETIME(3) NULL,
  run_cursor TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  run_newest DATETIME(3) NULL,
  pages BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (source)
) ENGINE = InnoDB;
