import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { Failure } from '../../../shared/errors.ts'

/** Signatures with a key that only the provider has. A signature by a shared secret is not one of them. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** How far the clocks of the server and of the provider may be apart, in seconds. */
const clockTolerance = 60

/** Tokens of other kinds are signed with the same keys. */
const types = [undefined, 'jwt', 'at+jwt', 'application/at+jwt']

interface Expected {
  issuer: string
  audience: string
  keys: JWTVerifyGetKey
}

/** True for a text that has the form of a token of a provider. */
export const isJwt = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)

/**
 * The claims of a token of the provider.
 * @throws Failure `unauthenticated` for a token that is not right; `sign_on_unavailable`
 */
export async function verifyToken(
  token: string,
  { issuer, audience, keys }: Expected,
): Promise<JWTPayload & { sub: string }> {
  try {
    const expected = { issuer, audience, algorithms, clockTolerance, requiredClaims: ['sub', 'exp'] }
    const { payload, protectedHeader } = await jwtVerify(token, keys, expected)
    const { sub } = payload
    if (typeof sub !== 'string' || sub === '' || sub.length > 1024) throw notRight('it names no subject')
    if (!types.includes(protectedHeader.typ?.toLowerCase())) throw notRight('it is a token of another kind')
    return { ...payload, sub }
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw notRight('it has expired')
    if (error instanceof errors.JOSEError) throw notRight(error.message)
    throw error
  }
}

const notRight = (why: string): Failure =>
  new Failure('unauthenticated', `the token of single sign-on is not right: ${why}`, {
    hint: 'get another one from the provider',
  })
