-- Every sort of the list, with and without a category, tests prices and words inside its index: what does not pass is
-- never fetched. From here on a writer that leaves out the signature is refused.
-- It takes its time on a large table: whoever is interrupted meanwhile may find it done when he comes again.
SET @is_done = (SELECT COUNT(*) FROM information_schema.STATISTICS
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'products' AND INDEX_NAME = 'products_sample');
SET @statement = IF(@is_done, 'DO 0', 'ALTER TABLE products
  ALTER COLUMN signature_0 DROP DEFAULT,
  ALTER COLUMN signature_1 DROP DEFAULT,
  ALTER COLUMN signature_2 DROP DEFAULT,
  ALTER COLUMN signature_3 DROP DEFAULT,
  ALTER COLUMN signature_4 DROP DEFAULT,
  ALTER COLUMN signature_5 DROP DEFAULT,
  DROP KEY products_created_at,
  DROP KEY products_category_created_at,
  DROP KEY products_updated_at,
  DROP KEY products_category_updated_at,
  DROP KEY products_price,
  DROP KEY products_category_price,
  DROP KEY products_name,
  DROP KEY products_category_name,
  ADD KEY products_created_at (created_at, id, price, signature_0, signature_1, signature_2, signature_3, signature_4, signature_5),
  ADD KEY products_updated_at (updated_at, id, price, signature_0, signature_1, signature_2, signature_3, signature_4, signature_5),
  ADD KEY products_price (price, id, signature_0, signature_1, signature_2, signature_3, signature_4, signature_5),
  ADD KEY products_name (name, id, price, signature_0, signature_1, signature_2, signature_3, signature_4, signature_5),
  ADD KEY products_category_created_at (category, created_at, id, price, signature_0, signature_1, signature_2, signature_3, signature_4, signature_5),
  ADD KEY products_category_updated_at (category, updated_at, id, price, signature_0, signature_1, signature_2, signature_3, signature_4, signature_5),
  ADD KEY products_category_price (category, price, id, signature_0, signature_1, signature_2, signature_3, signature_4, signature_5),
  ADD KEY products_category_name (category, name, id, price, signature_0, signature_1, signature_2, signature_3, signature_4, signature_5),
  ADD KEY products_sample (sample_rank)');
PREPARE alter_products FROM @statement;
EXECUTE alter_products;
DEALLOCATE PREPARE alter_products;
