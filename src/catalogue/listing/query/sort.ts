import type { SortKey } from '../../../../schemas/products.ts'
import { datetimeToTimestamp, timestampToDatetime } from '../../../platform/database/datetime.ts'

/** What each sort key is in the database. Every sort ends in `id`, so that there are no ties. */
export const sortColumns = {
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  price: 'price',
  name: 'name'
} as const satisfies Record<SortKey, string>

export interface Sort {
  key: SortKey
  order: 'asc' | 'desc'
}

/** A sort value of the API, as the database has it. */
export function toStored(key: SortKey, value: string): string {
  return isTime(key) ? timestampToDatetime(value) : value
}

/** A sort value of the database, as the API has it. */
export function fromStored(key: SortKey, stored: string): string {
  return isTime(key) ? datetimeToTimestamp(stored) : stored
}

function isTime(key: SortKey): boolean {
  return key === 'createdAt' || key === 'updatedAt'
}

/** Whether sort values grow in the direction of reading. */
export function isReadAscending({ order }: Sort, backward: boolean): boolean {
  return (order === 'asc') !== backward
}

/** A place in a sorted list: the sort value (as text, in the form of the API) and the id of a row. */
export interface Position {
  value: string
  id: Buffer
  /** Whether the row at the position itself still belongs to the page. */
  inclusive: boolean
  /** Whether the page lies before the position instead of after it. */
  backward: boolean
}
