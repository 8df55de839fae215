import type { MysqlConfig } from '../config/config.ts'
import { applyMigrations, type DataMigration } from '../platform/database/migrate.ts'
import { signProducts } from './search/sign-products.ts'

/** Version 7 adds the columns of word signatures, the same for all rows; version 8 relies on their values. */
const signatures: DataMigration = { afterVersion: 7, run: signProducts }

/**
 * Brings the database of the catalogue to the schema of this release. Safe to run from several instances at once, and
 * again after an interruption.
 * @returns the names of the migrations that were applied
 */
export function migrate(config: MysqlConfig): Promise<string[]> {
  return applyMigrations(config, [signatures])
}
