import type { Connection, RowDataPacket } from 'mysql2/promise'
import { sendRows } from '../../platform/database/send-rows.ts'
import type { Registers } from './last-writer-wins.ts'

/** By sku. */
export type RegistersBySku = ReadonlyMap<string, Registers>

const READ = 'SELECT sku, registers FROM product_registers WHERE sku IN (?) ORDER BY sku FOR UPDATE'
const MAKE = 'INSERT INTO product_registers (sku, registers) VALUES ?'
const HOLD = `${MAKE} ON DUPLICATE KEY UPDATE registers = registers`
const STORE = `${MAKE} ON DUPLICATE KEY UPDATE registers = VALUES(registers)`

/** Reads and locks the registers that are stored. */
export async function readRegisters(connection: Connection, skus: readonly string[]): Promise<Map<string, Registers>> {
  const [rows] = await connection.query<({ sku: string; registers: string } & RowDataPacket)[]>(READ, [skus])
  return new Map(rows.map(({ sku, registers }) => [sku, JSON.parse(registers)]))
}

/**
 * The same, where there are none as well: until the end of the transaction nobody else comes to store or to lock the
 * registers of these skus.
 * @param skus in their order, so that two transactions wait for each other instead of blocking each other
 */
export async function holdRegisters(connection: Connection, skus: readonly string[]): Promise<Map<string, Registers>> {
  await connection.query(HOLD, [skus.map((sku) => [sku, '{}'])])
  return await readRegisters(connection, skus)
}

export async function storeRegisters(connection: Connection, registers: RegistersBySku): Promise<void> {
  const rows = Array.from(registers, ([sku, its]) => [sku, JSON.stringify(its)])
  await sendRows(connection, STORE, rows)
}
