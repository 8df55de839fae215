import { patternDetails } from '../../../schemas/patterns.ts'
import type { ProblemCode } from '../../../schemas/problem-types.ts'
import { AppError, type FieldErrors, statusOf, UNKNOWN_PARAMETER, validationFailed } from './app-error.ts'

/** The problem codes of Fastify's own errors. */
const frameworkCodes: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed-json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed-json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed-request',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload-too-large',
  FST_ERR_BAD_URL: 'malformed-request',
  FST_ERR_INVALID_URL: 'malformed-request',
  FST_ERR_MAX_PARAM_LENGTH: 'uri-too-long',
  FST_ERR_HANDLER_TIMEOUT: 'handler-timeout',
  FST_UNDER_PRESSURE: 'overloaded'
}

const RETRY_AFTER_SECONDS = 1
const INTERNAL_DETAIL = 'The request could not be processed.'

/**
 * Turns any thrown value into an `AppError`: our own errors stay as they are, those of Fastify and of validation get their
 * codes, and everything else becomes an `internal-error`, whose cause is logged and never reaches a client.
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (!(error instanceof Error)) return new AppError('internal-error', INTERNAL_DETAIL, { cause: error })
  if ('validation' in error && Array.isArray(error.validation))
    return validationFromSchema(error.validation, contextOf(error))
  const code = 'code' in error && typeof error.code === 'string' ? frameworkCodes[error.code] : undefined
  if (code === undefined) return new AppError('internal-error', INTERNAL_DETAIL, { cause: error })
  const retry = statusOf(code) === 503 ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {}
  return new AppError(code, frameworkDetails[code] ?? error.message, { ...retry, cause: error })
}

/** Details in place of Fastify's messages, where those would not help a client. */
const frameworkDetails: Partial<Record<ProblemCode, string>> = {
  'malformed-request': 'The URL or a header of the request is malformed.',
  'uri-too-long': 'A part of the path is too long.',
  'unsupported-media-type': 'This route does not accept this content type.',
  overloaded: 'The service has more work than it can do right now.',
  'handler-timeout': 'The response was not ready in time.'
}

/** An error of Ajv. */
interface SchemaError {
  keyword: string
  instancePath: string
  message?: string
  params: Record<string, unknown>
}

/**
 * Makes a 400 `validation-failed` from the errors of Ajv.
 * @param context the part of the request that was validated: `body`, `headers`, `querystring` or `params`
 */
export function validationFromSchema(schemaErrors: readonly SchemaError[], context: string): AppError {
  return validationFailed(schemaErrors.map((error) => fieldError(error, context)))
}

function fieldError(error: SchemaError, context: string): FieldErrors[number] {
  const extra = error.params.additionalProperty ?? error.params.missingProperty
  const path =
    error.instancePath + (typeof extra === 'string' ? `/${extra.replaceAll('~', '~0').replaceAll('/', '~1')}` : '')
  const detail = fieldDetail(error, context)
  if (context === 'body') return { pointer: `#${path}`, detail }
  const parameter = path.split('/')[1]?.replaceAll('~1', '/').replaceAll('~0', '~') ?? ''
  return { parameter: context === 'headers' ? toFieldName(parameter) : parameter, detail }
}

/** `idempotency-key` as it is written: `Idempotency-Key`. */
function toFieldName(name: string): string {
  return name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase())
}

function fieldDetail({ keyword, params, message }: SchemaError, context: string): string {
  if (keyword === 'additionalProperties') return context === 'body' ? 'is not a known field' : UNKNOWN_PARAMETER
  if (keyword === 'required') return 'is required'
  if (keyword === 'enum') return `must be one of ${(params.allowedValues as string[]).join(', ')}`
  if (keyword === 'pattern') return patternDetails[String(params.pattern)] ?? 'does not have the right form'
  return message ?? 'is not valid'
}

function contextOf(error: Error): string {
  return 'validationContext' in error && typeof error.validationContext === 'string'
    ? error.validationContext
    : 'request'
}
