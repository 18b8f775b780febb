import { expect, it } from 'vitest'
import { requireMeeting, requireNoneElsewhere } from '../../../server/auth/require-scope.ts'
import { TokenScope } from '../../../shared/access/token-scope.ts'
import { Failure } from '../../../shared/errors.ts'

const within = TokenScope.parse({ domains: ['chatbooks'] })
const hintOf = (refuse: () => void) => {
  try {
    refuse()
    return undefined
  } catch (error) {
    return error instanceof Failure ? error.hint : error
  }
}

it.each([
  ['oidc:ann@idp.example', /JOBS_OIDC_ROLES/, /set-scope|tokens/],
  ['0123456789ab', /set-scope 0123456789ab/, /JOBS_OIDC/],
])('tells %s who gives it another scope', (caller, told, other) => {
  const call = { caller, identity: { name: 'ann' }, within }
  for (const hint of [
    hintOf(() => requireMeeting(call, { domain: 'exports' })),
    hintOf(() => requireNoneElsewhere(call, 2)),
  ]) {
    expect(hint).toMatch(told)
    expect(hint).not.toMatch(other)
  }
})
