import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import t, { type Test } from 'tap'
import { readSecrets } from '../../../src/config/webhook-secrets.ts'
import { createSignatureVerifier } from '../../../src/integrations/webhooks/receive/verify-signature.ts'
import { AppError } from '../../../src/platform/errors/app-error.ts'
import { hmac, hub, plain, SECRET, standard } from '../../support/deliver-webhook.ts'

const NOW_SECONDS = 1_770_000_000
const SECRETS: Buffer[] = [Buffer.from(SECRET)]
const timestamp = String(NOW_SECONDS)
const body: Buffer = Buffer.from('{"id":"e"}')

/** The scheme of a valid signature, or the code of the 401. */
function verdict(
  headers: IncomingHttpHeaders,
  bytes = body,
  { secrets = SECRETS, nowMs = () => NOW_SECONDS * 1000 } = {}
): string {
  try {
    return createSignatureVerifier({ secrets, toleranceSeconds: 300, nowMs })(headers, bytes).scheme
  } catch (error) {
    if (!(error instanceof AppError) || error.status !== 401) throw error
    return error.code
  }
}

t.test('signatures made by the Standard Webhooks package are valid', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), fc.string({ unit: 'binary' }), (key, text) => {
      const secret = `whsec_${Buffer.from(key).toString('base64')}`
      const bytes = Buffer.from(text)
      const signature = new Webhook(secret).sign('msg_1', new Date(NOW_SECONDS * 1000), bytes.toString())
      const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': timestamp, 'webhook-signature': signature }
      t.equal(verdict(headers, bytes, { secrets: readSecrets([secret]) }), 'standard')
    }),
    { numRuns: 50 }
  )
  // The example of its specification.
  const example = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
  }
  const secrets = readSecrets(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])
  const nowMs = () => 1_614_265_330_000
  t.equal(verdict(example, Buffer.from('{"test": 2432232314}'), { secrets, nowMs }), 'standard')
})

t.test('each scheme works on any bytes', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
      const bytes = Buffer.from(array)
      t.equal(verdict(standard(bytes, 'e1', { timestamp }), bytes), 'standard')
      t.equal(verdict(hub(bytes), bytes), 'hub')
      t.equal(verdict(plain(bytes), bytes), 'plain')
    }),
    { numRuns: 50 }
  )
  const hex = hmac(SECRET, body).toString('hex')
  t.equal(verdict({ 'x-webhook-signature': `sha256=${hex}` }), 'plain')
  t.equal(verdict({ 'x-webhook-signature': hex.toUpperCase() }), 'plain')
})

t.test('one changed byte of the body, the id, the timestamp or the signature is a 401', async (t) => {
  const headers = standard(body, 'event-1', { timestamp })
  const forgeries = fc.oneof(
    changed(body).map((bytes) => ({ headers, bytes })),
    changed(body).map((bytes) => ({ headers: hub(body), bytes })),
    fc.constantFrom<string>('webhook-id', 'webhook-timestamp', 'webhook-signature').chain((name) =>
      changed(Buffer.from(headers[name] ?? '')).map((value) => ({
        headers: { ...headers, [name]: value.toString('latin1') },
        bytes: body
      }))
    ),
    // Of the 64 digits each, in either scheme.
    fc.tuple(fc.nat(63), fc.integer({ min: 1, max: 15 }), fc.boolean()).map(([at, by, isHub]) => {
      const hex = hmac(SECRET, body).toString('hex')
      const digit = ((Number.parseInt(hex.charAt(at), 16) + by) % 16).toString(16)
      const forged = hex.slice(0, at) + digit + hex.slice(at + 1)
      const fields = isHub ? { 'x-hub-signature-256': `sha256=${forged}` } : { 'x-webhook-signature': forged }
      return { headers: fields, bytes: body }
    })
  )
  fc.assert(
    fc.property(forgeries, (forgery) => {
      t.match(verdict(forgery.headers, forgery.bytes), /^signature-(mismatch|malformed)$/)
    }),
    { numRuns: 200 }
  )
})

function changed(bytes: Buffer): fc.Arbitrary<Buffer> {
  return fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
    const copy = Buffer.from(bytes)
    copy[at] = (copy[at] ?? 0) ^ by
    return copy
  })
}

t.test('a malformed signature is a 401', async (t) => {
  const right = standard(body, 'e1', { timestamp })
  const signature = right['webhook-signature'] ?? ''
  const hex = hmac(SECRET, body).toString('hex')
  const malformed: IncomingHttpHeaders[] = [
    ...[
      '',
      'v1',
      'v1,',
      'v1,é€',
      `v1,${'A'.repeat(43)}`,
      'v1,not base64!',
      `${signature},`,
      `${signature}  ${signature}`
    ].map((field) => ({ ...right, 'webhook-signature': field })),
    // The last letter has two unused bits.
    { ...right, 'webhook-signature': spellOtherwise(signature) },
    { ...right, 'webhook-signature': `${signature}, ${signature}` },
    { ...right, 'webhook-signature': Array.from({ length: 11 }, () => signature).join(' ') },
    { ...right, 'webhook-signature': 'x'.repeat(4096) },
    { ...right, 'webhook-signature': `v1a,${randomBytes(64).toString('base64')}` },
    ...['', '12ab', '-1', '1.5', '1e9', ' 1', '1'.repeat(13)].map((field) => ({
      ...right,
      'webhook-timestamp': field
    })),
    ...['', 'a.b', 'a b', 'é', 'e1, e1', 'x'.repeat(191)].map((field) => ({ ...right, 'webhook-id': field })),
    { 'webhook-id': 'e1' },
    { 'webhook-signature': signature },
    { ...right, 'webhook-id': undefined, ...hub(body) },
    ...['', hex, `sha256=${hex}0`, `sha256=${hex.slice(1)}`, `sha1=${hex}`, `sha256=${'z'.repeat(64)}`].map(
      (field) => ({
        'x-hub-signature-256': field
      })
    ),
    ...['', 'zz', `${hex}, ${hex}`, `sha512=${hex}`, 'é'.repeat(32)].map((field) => ({ 'x-webhook-signature': field }))
  ]
  for (const headers of malformed) t.equal(verdict(headers), 'signature-malformed', JSON.stringify(headers))
  t.equal(verdict({}), 'signature-missing')
  t.equal(verdict({ 'x-hub-signature': 'sha1=00' }), 'signature-missing')
})

function spellOtherwise(signature: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return `${signature.slice(0, -2)}${alphabet.charAt(alphabet.indexOf(signature.at(-2) ?? '') + 1)}=`
}

t.test('signatures of unknown versions are skipped', async (t) => {
  const right = standard(body, 'e1', { timestamp })
  const list = `v1a,${randomBytes(64).toString('base64')} v2,AAAA ${right['webhook-signature']}`
  t.equal(verdict({ ...right, 'webhook-signature': list }), 'standard')
})

t.test('the tolerance is exact to the second, in both directions', async (t) => {
  const at = (offSeconds: number) => verdict(standard(body, 'e1', { timestamp: String(NOW_SECONDS + offSeconds) }))
  t.same([-301, -300, 0, 300, 301].map(at), [
    'signature-expired',
    'standard',
    'standard',
    'standard',
    'signature-expired'
  ])
})

t.test('one match of several secrets and several signatures is enough', async (t) => {
  const [a, b, c] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  const numberOf = (headers: IncomingHttpHeaders) =>
    createSignatureVerifier({ secrets: [a, b], toleranceSeconds: 300, nowMs: () => NOW_SECONDS * 1000 })(headers, body)
      .secretNumber
  const signed = (secret: Buffer) => standard(body, 'e1', { secret, timestamp })
  const both = (one: Buffer, other: Buffer) => ({
    ...signed(one),
    'webhook-signature': `${signed(one)['webhook-signature']} ${signed(other)['webhook-signature']}`
  })
  t.equal(numberOf(signed(a)), 1)
  t.equal(numberOf(signed(b)), 2)
  t.equal(numberOf(both(c, b)), 2)
  t.equal(numberOf(hub(body, b)), 2)
  isRefused(t, () => numberOf(signed(c)))
  isRefused(t, () => numberOf(plain(body, c)))
})

function isRefused(t: Test, verify: () => unknown) {
  t.throws(verify, { code: 'signature-mismatch', status: 401 })
}
