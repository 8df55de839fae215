-- Ids are UUIDs of version 7, as bytes. Times are UTC. Every sort of the list has its index, with and without a
-- category; InnoDB adds the primary key to each, which makes the order of every sort complete.
-- search_words is written by the service (src/products/search-words.ts), in ASCII, so that all engines read it alike.
CREATE TABLE IF NOT EXISTS products (
  id BINARY(16) NOT NULL,
  sku VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci NOT NULL,
  description TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  price DECIMAL(10, 2) NOT NULL,
  category VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  stock INT UNSIGNED NOT NULL DEFAULT 0,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  version BIGINT UNSIGNED NOT NULL DEFAULT 1,
  search_words TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY products_sku (sku),
  KEY products_created_at (created_at),
  KEY products_updated_at (updated_at),
  KEY products_price (price),
  KEY products_name (name),
  KEY products_category_created_at (category, created_at),
  KEY products_category_updated_at (category, updated_at),
  KEY products_category_price (category, price),
  KEY products_category_name (category, name),
  FULLTEXT KEY products_search_words (search_words)
) ENGINE = InnoDB;
