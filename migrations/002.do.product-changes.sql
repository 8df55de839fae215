-- The change log: every write of products adds a row in its own transaction, so that there is no change without its
-- entry. seq is the order of the commits. It is null at first and given after the commit (src/changes/number-changes.ts),
-- as the order of id is the order in which transactions came to insert, not that in which they ended.
-- entries has a line for each product (src/changes/change.ts).
CREATE TABLE IF NOT EXISTS product_changes (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  seq BIGINT NULL,
  changed_at DATETIME(3) NOT NULL,
  entries MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY product_changes_seq (seq)
) ENGINE = InnoDB;
