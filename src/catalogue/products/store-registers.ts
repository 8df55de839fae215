import type { Connection, RowDataPacket } from 'mysql2/promise'
import { sendRows } from '../../platform/database/send-rows.ts'
import type { Registers } from './last-writer-wins.ts'

/** Registers by sku. */
export type RegistersBySku = ReadonlyMap<string, Registers>

const READ = 'SELECT sku, registers FROM product_registers WHERE sku IN (?) ORDER BY sku FOR UPDATE'
const INSERT = 'INSERT INTO product_registers (sku, registers) VALUES ?'
const CREATE = `${INSERT} ON DUPLICATE KEY UPDATE registers = registers`
const STORE = `${INSERT} ON DUPLICATE KEY UPDATE registers = VALUES(registers)`

/**
 * Reads the stored registers of these skus and locks them until the end of the transaction.
 * @returns the registers by sku; a sku without stored registers is missing
 */
export async function readRegisters(connection: Connection, skus: readonly string[]): Promise<Map<string, Registers>> {
  const [rows] = await connection.query<({ sku: string; registers: string } & RowDataPacket)[]>(READ, [skus])
  return new Map(rows.map(({ sku, registers }) => [sku, JSON.parse(registers)]))
}

/**
 * Reads the registers of these skus and locks them until the end of the transaction, creating empty ones where there are
 * none: then no other transaction can store registers for them either.
 * @param skus in ascending order, so that two transactions wait for each other instead of blocking each other
 */
export async function lockRegisters(connection: Connection, skus: readonly string[]): Promise<Map<string, Registers>> {
  await connection.query(CREATE, [skus.map((sku) => [sku, '{}'])])
  return await readRegisters(connection, skus)
}

/** Stores registers, in the transaction that the connection is in. */
export async function storeRegisters(connection: Connection, registers: RegistersBySku): Promise<void> {
  const rows = Array.from(registers, ([sku, values]) => [sku, JSON.stringify(values)])
  await sendRows(connection, STORE, rows)
}
