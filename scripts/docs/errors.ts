import { type ProblemType, problemTypes } from '../../schemas/problem-types.ts'
import { code, pageHeader, table } from './markdown.ts'

/** Renders `docs/errors.md`: all problem types, in the order of their statuses. */
export function renderErrors(): string {
  const types = Object.entries<ProblemType>(problemTypes).sort(([, a], [, b]) => a.status - b.status)
  const rows = types.map(([name, { status, title, description, action }]) => [
    String(status),
    code(name),
    `**${title}.** ${description}`,
    action
  ])
  return `${pageHeader('Errors', '`schemas/problem-types.ts`')}
Every error is a problem document (RFC 9457, \`application/problem+json\`), whose \`code\` is stable: version 1 of the API adds
codes, and never changes or removes one. Programs should decide by \`code\`, or by \`status\` for a code that they do not know.
\`title\` and \`detail\` are for people and may change. \`requestId\` finds the request in the log.

\`\`\`json
{
  "type": "urn:aisle:problem:validation-failed",
  "title": "The request is not valid",
  "status": 400,
  "detail": "limit must be <= 100",
  "instance": "/api/v1/products",
  "code": "validation-failed",
  "requestId": "k3v9q2xw-1f",
  "errors": [{ "parameter": "limit", "detail": "must be <= 100" }]
}
\`\`\`

\`type\` is \`urn:aisle:problem:\` followed by the code${exceptions(types)}. A 429 and every 503 that will pass have
\`Retry-After\` in seconds.

${table(['Status', 'Code', 'When', 'What to do'], rows)}`
}

function exceptions(types: readonly (readonly [string, ProblemType])[]): string {
  const registered = types.flatMap(([name, { type }]) =>
    type === undefined ? [] : [`for ${code(name)} it is <${type}>`]
  )
  return registered.map((text) => `; ${text}`).join('')
}
