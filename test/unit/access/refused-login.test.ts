import { AuthorizationResponseError, ResponseBodyError } from 'openid-client'
import { expect, it } from 'vitest'
import { refusedLogin } from '../../../server/auth/oidc/refused-login.ts'

const response = new Response(null, { status: 400 })
const inBody = (error: string) =>
  new ResponseBodyError('error', { cause: { error, error_description: 'x'.repeat(500) }, response })

it('a login whose client the provider refuses is the fault of the server, and the log has what the provider said', () => {
  for (const error of ['invalid_client', 'unauthorized_client']) {
    const { code, message, cause } = refusedLogin(inBody(error))
    expect({ code, message }).toEqual({
      code: 'sign_on_unavailable',
      message: expect.stringContaining('refuses the client id or the client secret'),
    })
    expect(String(cause)).toMatch(new RegExp(`HTTP 400, "${error}: x{100,200}"$`))
  }
})

it('a login that the provider does not confirm is forbidden, and a provider that does not answer is unavailable', () => {
  const denied = refusedLogin(inBody('invalid_grant'))
  expect([denied.code, String(denied.cause)]).toEqual(['forbidden', expect.stringContaining('"invalid_grant: x')])
  const link = refusedLogin(
    new AuthorizationResponseError('error', { cause: new URLSearchParams({ error: 'access_denied\n' }) }),
  )
  expect([link.code, String(link.cause)]).toEqual(['forbidden', 'Error: the provider says "access_denied\\n"'])
  expect(refusedLogin(new TypeError('fetch failed'))).toMatchObject({
    code: 'sign_on_unavailable',
    message: expect.stringContaining('cannot be reached'),
  })
})
