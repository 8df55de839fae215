-- The words of a product in 192 bits (src/search/word-signature.ts). All of them set says nothing, and excludes nothing:
-- rows that were there before are signed after this, by the service. sample_rank draws one product in 64 by its id, for
-- a sample of the catalogue (src/listing/catalogue-sample.ts): those with the lowest ranks.
-- It takes its time on a large table: whoever is interrupted meanwhile may find it done when he comes again.
SET @is_done = (SELECT COUNT(*) FROM information_schema.COLUMNS
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'products' AND COLUMN_NAME = 'sample_rank');
SET @statement = IF(@is_done, 'DO 0', 'ALTER TABLE products
  ADD COLUMN signature_0 INT UNSIGNED NOT NULL DEFAULT 4294967295,
  ADD COLUMN signature_1 INT UNSIGNED NOT NULL DEFAULT 4294967295,
  ADD COLUMN signature_2 INT UNSIGNED NOT NULL DEFAULT 4294967295,
  ADD COLUMN signature_3 INT UNSIGNED NOT NULL DEFAULT 4294967295,
  ADD COLUMN signature_4 INT UNSIGNED NOT NULL DEFAULT 4294967295,
  ADD COLUMN signature_5 INT UNSIGNED NOT NULL DEFAULT 4294967295,
  ADD COLUMN sample_rank INT UNSIGNED AS (IF(CRC32(id) < 67108864, CRC32(id), NULL)) STORED');
PREPARE alter_products FROM @statement;
EXECUTE alter_products;
DEALLOCATE PREPARE alter_products;
