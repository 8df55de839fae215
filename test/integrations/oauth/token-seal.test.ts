import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import type { OAuthCredentials } from '../../../src/config/oauth-credentials.ts'
import { createTokenSeal } from '../../../src/integrations/oauth/token-seal.ts'

const credentials: OAuthCredentials = {
  ...{ tokenUrl: 'https://id.example/token', clientId: 'aisle', clientSecret: 'the secret of this client' },
  ...{ scope: undefined, audience: undefined, clientAuth: 'basic' }
}
const seal = createTokenSeal(credentials, randomBytes)

t.test('a sealed token is opened with the same credentials, and with no others', async (t) => {
  const same = createTokenSeal({ ...credentials, clientAuth: 'post' }, randomBytes)
  const others = [{ clientSecret: 'another' }, { clientId: 'b' }, { scope: 's' }, { audience: 'a' }, { tokenUrl: 'x' }]
  t.equal(same.name, seal.name)
  t.equal(same.open(seal.seal('a token')), 'a token')
  t.not(seal.seal('a token'), seal.seal('a token'), 'never twice the same')
  for (const other of others) {
    const another = createTokenSeal({ ...credentials, ...other }, randomBytes)
    t.not(another.name, seal.name)
    t.not(another.idOf('a token'), seal.idOf('a token'))
    t.equal(another.open(seal.seal('a token')), undefined)
  }
})

t.test('a sealed token that was changed is not opened', async () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (token, place, flip) => {
      const bytes = Buffer.from(seal.seal(token), 'base64url')
      const offset = place % bytes.length
      bytes.writeUInt8(bytes.readUInt8(offset) ^ flip, offset)
      return seal.open(bytes.toString('base64url')) === undefined
    })
  )
  fc.assert(fc.property(fc.string(), (text) => seal.open(text) === undefined))
})
