import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Ajv } from 'ajv'
import { Fault } from './faults.ts'
import type { DeliveryOrder } from './webhook-sender.ts'

const ajv = new Ajv({ strictNumbers: true })

const FaultList = Type.Object({ faults: Type.Array(Fault, { maxItems: 100 }) }, { additionalProperties: false })
const Order = Type.Object(
  {
    url: Type.Optional(Type.String({ pattern: '^https?://' })),
    count: Type.Optional(Type.Integer({ minimum: 1 })),
    rate: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1000 }))
  },
  { additionalProperties: false }
)

const readList = reader(FaultList)
const readOrder = reader(Order)

/**
 * Reads the body of `PUT /faults`: `{ "faults": [...] }`.
 * @throws {SyntaxError} when the body is anything else
 */
export function readFaults(body: string): Fault[] {
  return readList(body).faults
}

/**
 * Reads the body of `POST /deliveries`: `{ "url"?, "count"?, "rate"? }`.
 * @throws {SyntaxError} when the body is anything else, or names no receiver
 */
export function readDeliveryOrder(body: string, defaultUrl: string | undefined): DeliveryOrder {
  const { url = defaultUrl, ...rest } = readOrder(body)
  if (url === undefined) throw new SyntaxError('A url is required.')
  if (rest.count === undefined && rest.rate === undefined) throw new SyntaxError('A count or a rate is required.')
  return { url, ...rest }
}

function reader<T extends TSchema>(schema: T): (body: string) => Static<T> {
  const isValid = ajv.compile<Static<T>>(schema)
  return (body) => {
    const value: unknown = JSON.parse(body)
    if (!isValid(value)) throw new SyntaxError(ajv.errorsText(isValid.errors, { dataVar: 'body' }))
    return value
  }
}
