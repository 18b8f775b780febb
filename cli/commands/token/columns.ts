import { limitsText } from '../../../shared/access/limits.ts'
import { limitText } from '../../../shared/access/token-scope.ts'
import type { Token } from '../../../shared/access/tokens.ts'
import { ago, whenText } from '../../../shared/times/time-and-size.ts'
import type { Column } from '../../output/table.ts'
import { isoTime } from '../../text/times.ts'

const time = (value: string | null): string => (value === null ? '' : isoTime(value))

const id: Column<Token> = { title: 'id', value: ({ id }) => id }
const name: Column<Token> = { title: 'name', value: ({ name }) => name, gives: 'first' }
const principal: Column<Token> = { title: 'principal', value: ({ principal }) => principal }

/** The columns of TSV: those of `jobs-server token list`, and then more. */
export const columns: Column<Token>[] = [
  id,
  name,
  { title: 'created_at', value: ({ created_at }) => isoTime(created_at) },
  { title: 'last_used_at', value: ({ last_used_at }) => time(last_used_at) },
  { title: 'expires_at', value: ({ expires_at }) => time(expires_at) },
  { title: 'revoked_at', value: ({ revoked_at }) => time(revoked_at) },
  { title: 'role', value: ({ role }) => role },
  principal,
  { title: 'made_by', value: ({ made_by }) => made_by ?? '' },
  { title: 'suspended_at', value: ({ suspended_at }) => time(suspended_at) },
  { title: 'last_used_from', value: ({ last_used_from }) => last_used_from ?? '' },
  { title: 'may_enqueue', value: ({ may_enqueue }) => String(may_enqueue) },
  { title: 'previous_until', value: ({ previous_until }) => time(previous_until) },
  { title: 'scope', value: ({ scope }) => (scope === null ? '' : limitText(scope)) },
  { title: 'max_per_change', value: ({ max_per_change }) => max_per_change ?? '' },
  { title: 'max_per_day', value: ({ max_per_day }) => max_per_day ?? '' },
  { title: 'approver', value: ({ approver }) => String(approver) },
  { title: 'may_break_glass', value: ({ may_break_glass }) => String(may_break_glass) },
  { title: 'secrets_by', value: ({ secrets_by }) => secrets_by.join(' ') },
  { title: 'may_edit', value: ({ may_edit = false }) => String(may_edit) },
  { title: 'of', value: ({ of }) => of ?? '' },
]

export const forPeople: Column<Token>[] = [
  id,
  name,
  { title: 'role', value: roleText, gives: 'never' },
  { ...principal, title: 'for' },
  { title: 'limited to', value: limitedTo, gives: 'first' },
  { title: 'state', value: stateText, paint: (token) => (isLive(token) ? undefined : 'yellow'), gives: 'never' },
  { title: 'used', value: ({ last_used_at }) => (last_used_at === null ? 'never' : ago(last_used_at)), gives: 'never' },
]

/** Its scope and its limits. */
function limitedTo(token: Token): string {
  const parts = [token.scope === null ? '' : limitText(token.scope), limitsText(token)]
  return parts.filter((text) => text !== '').join('; ')
}

/** `worker, may enqueue` */
export function roleText({ role, may_enqueue, approver, may_break_glass, may_edit }: GivenGrant): string {
  const more = [
    may_enqueue && 'may enqueue',
    approver && 'approver',
    may_break_glass && 'may break glass',
    may_edit && 'may edit',
  ]
  return [role, ...more.filter((text) => typeof text === 'string')].join(', ')
}

type GivenGrant = Pick<Token, 'role' | 'may_enqueue' | 'approver' | 'may_break_glass' | 'may_edit'>

const hasExpired = ({ expires_at }: Token): boolean => expires_at !== null && Date.parse(expires_at) <= Date.now()

const isLive = (token: Token): boolean => token.revoked_at === null && token.suspended_at === null && !hasExpired(token)

/** Whether a token works, and until when. */
function stateText(token: Token): string {
  if (token.revoked_at !== null) return `revoked ${ago(token.revoked_at)}`
  if (hasExpired(token)) return 'expired'
  if (token.suspended_at !== null) return `suspended ${ago(token.suspended_at)}`
  return endText(token)
}

/** `never expires`, or `expires in 89d 23h` */
export const endText = ({ expires_at }: Pick<Token, 'expires_at'>): string =>
  expires_at === null ? 'never expires' : `expires ${whenText(expires_at)}`
