import { scopeText } from '../../../shared/access/token-scope.ts'
import type { Plan } from '../../../shared/plans/plans.ts'
import { whenText } from '../../../shared/times/time-and-size.ts'
import type { Column } from '../../output/table.ts'
import { scopeName } from '../../text/scope-text.ts'
import { isoTime } from '../../text/times.ts'
import { authorText } from './agent.ts'

const text = (value: string | number | null): string => String(value ?? '')

const id: Column<Plan> = { title: 'id', value: ({ id }) => String(id) }
const state: Column<Plan> = { title: 'state', value: ({ state }) => state }
const kind: Column<Plan> = { title: 'kind', value: ({ kind }) => kind }
const reason: Column<Plan> = { title: 'reason', value: ({ reason }) => reason }

export const columns: Column<Plan>[] = [
  ...[id, state, kind],
  { title: 'domain', value: ({ domain }) => text(domain) },
  { title: 'queue', value: ({ queue }) => text(queue) },
  { title: 'job_type', value: ({ job_type }) => text(job_type) },
  { title: 'count', value: ({ count }) => count },
  { title: 'dependents', value: ({ dependents }) => dependents },
  { title: 'author', value: ({ author }) => author },
  { title: 'author_principal', value: ({ author_principal }) => text(author_principal) },
  { title: 'created_at', value: ({ created_at }) => isoTime(created_at) },
  { title: 'expires_at', value: ({ expires_at }) => isoTime(expires_at) },
  { title: 'decided_by', value: ({ decided_by }) => text(decided_by) },
  { title: 'decided_principal', value: ({ decided_principal }) => text(decided_principal) },
  { title: 'decided_at', value: ({ decided_at }) => (decided_at === null ? '' : isoTime(decided_at)) },
  { title: 'operation_id', value: ({ operation_id }) => text(operation_id) },
  reason,
  { title: 'agent', value: ({ agent }) => agent?.name ?? '' },
  { title: 'agent_of', value: ({ agent }) => agent?.of ?? '' },
  { title: 'agent_client', value: ({ agent }) => agent?.client ?? '' },
]

const isOpen = ({ state }: Plan): boolean => state === 'waiting' || state === 'approved'

export const forPeople: Column<Plan>[] = [
  id,
  { ...state, paint: (plan) => (isOpen(plan) ? 'yellow' : undefined), gives: 'never' },
  { ...kind, gives: 'never' },
  { title: 'in', value: inText, gives: 'first' },
  { title: 'jobs', value: ({ count }) => count },
  { title: 'by', value: authorText, gives: 'first' },
  { title: 'ends', value: (plan) => (isOpen(plan) ? whenText(plan.expires_at) : ''), gives: 'never' },
  { ...reason, gives: 'first', below: true },
]

/** The place of a plan, and what it is limited to: `all domains, within domain chatbooks`. */
function inText({ scope, ...plan }: Plan): string {
  return scope ? `${scopeName(plan)}, within ${scopeText(scope)}` : scopeName(plan)
}
