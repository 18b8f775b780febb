import { isDeepStrictEqual } from 'node:util'
import type { Right } from '../../../shared/access/rights.ts'
import { liesWithin, TokenScope } from '../../../shared/access/token-scope.ts'
import { edit } from '../../../shared/changes/edit.ts'
import { applyPolicy } from '../../../shared/policy/policy.ts'
import type { Scope } from '../../../shared/scope.ts'
import { lossOf, type Standing } from '../../auth/standing.ts'

/** What a plan says of its jobs, of who decided, and of what these may do now. */
interface Decided {
  path: string
  /** The agent that made it; null for a person. */
  agent: unknown
  domain: string | null
  queue: string | null
  job_type: string | null
  dependents: number
  /** The scope of its author, as JSON; null for none. */
  within: unknown
  caller: string
  author_now: Standing
  decision: 'approved' | 'rejected' | null
  decided_by: string | null
  approver_now: Standing
}

/**
 * Why a plan rests on nobody any more: its author could not make it now, or its approver not approve it. What holds for who calls holds for
 * a decision that is stored.
 * @returns a sentence without its full stop; undefined where it stands
 */
export function findWithdrawal(row: Decided): string | undefined {
  const author = lossOf(row.author_now, row.agent === null ? rightFor(row.path) : 'propose') ?? scopeOfAuthor(row)
  if (author !== undefined) return `its author ${row.caller} ${author}`
  if (row.decision !== 'approved') return undefined
  const approver = lossOf(row.approver_now, 'approve') ?? scopeOfApprover(row)
  return approver === undefined ? undefined : `its approver ${row.decided_by} ${approver}`
}

/** The right that the author of a plan needs. */
const rightFor = (path: string): Right =>
  path === applyPolicy.path ? 'govern' : path === edit.path ? edit.needs : 'change'

const otherScope = 'has a token with another scope'

function scopeOfAuthor({ author_now: { token }, within }: Decided): string | undefined {
  if (!token || token.scope === null) return undefined
  const [now, then] = [token.scope, within].map((scope) => TokenScope.safeParse(scope).data)
  return now !== undefined && isDeepStrictEqual(now, then) ? undefined : otherScope
}

function scopeOfApprover(row: Decided): string | undefined {
  const { token } = row.approver_now
  if (!token || token.scope === null) return undefined
  const scope = TokenScope.safeParse(token.scope).data
  return scope && reaches(scope, row) ? undefined : otherScope
}

/** Whether a scope is as wide as the plan, as for who reads it. */
function reaches(scope: TokenScope, { within, dependents, ...named }: Decided): boolean {
  const { domain, queue, job_type } = named
  const ofPlan = TokenScope.safeParse(within).data
  if (ofPlan === undefined && dependents > 0) return false
  if (ofPlan?.cascade && !scope.cascade) return false
  return placesOf(ofPlan, { domain, queue }).every((place) =>
    typesOf(ofPlan, job_type).every((type) => liesWithin(scope, { ...place, job_type: type })),
  )
}

const placesOf = (scope: TokenScope | undefined, { domain, queue }: Named): Scope[] => {
  const places: Scope[] = [...(scope?.domains ?? []).map((name) => ({ domain: name })), ...(scope?.queues ?? [])]
  return domain !== null || places.length === 0 ? [{ domain: domain ?? undefined, queue: queue ?? undefined }] : places
}

const typesOf = (scope: TokenScope | undefined, job_type: string | null): (string | undefined)[] =>
  job_type !== null || !scope || scope.job_types.length === 0 ? [job_type ?? undefined] : scope.job_types

type Named = Pick<Decided, 'domain' | 'queue'>
