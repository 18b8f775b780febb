import type { StoppedQueue } from '../../../shared/queues/queues.ts'
import type { LiveGroup, RunningChange, StatsFrame } from '../../../shared/queues/stats-stream.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { LiveStats } from './live-stats.ts'

/** One message of the stream. */
export interface LiveMessage {
  event: 'full' | 'changes'
  data: string
}

/** The messages that lead to one read, so that each is written once for all readers with the same filter. */
const written = new WeakMap<LiveStats, Map<string, LiveMessage | undefined>>()
/** Numbers for reads, by which the messages of `written` have keys. */
const numbers = new WeakMap<LiveStats, number>()
let lastNumber = 0

function numberOf(read: LiveStats): number {
  const known = numbers.get(read)
  if (known !== undefined) return known
  lastNumber += 1
  numbers.set(read, lastNumber)
  return lastNumber
}

/** The message that leads a reader from `seen`, or from nothing, to `read`; undefined where nothing in `scope` has changed. */
export function messageTo(read: LiveStats, seen: LiveStats | undefined, scope: Scope): LiveMessage | undefined {
  const messages = written.get(read) ?? new Map<string, LiveMessage | undefined>()
  written.set(read, messages)
  const key = JSON.stringify([seen ? numberOf(seen) : 0, scope.domain, scope.queue, scope.job_type])
  if (!messages.has(key)) messages.set(key, seen ? changes(read, seen, scope) : full(read, scope))
  return messages.get(key)
}

function full(read: LiveStats, scope: Scope): LiveMessage {
  const frame: StatsFrame = {
    as_of: read.as_of,
    groups: [...read.groups.values()].filter((group) => isInScope(group, scope)),
    gone: [],
    stopped: stoppedIn(read, scope),
    operations: operationsIn(read, scope),
  }
  return { event: 'full', data: JSON.stringify(frame) }
}

function changes(read: LiveStats, seen: LiveStats, scope: Scope): LiveMessage | undefined {
  const inScope = (group: LiveGroup) => isInScope(group, scope)
  const changed = [...read.groups].filter(([key, group]) => seen.groups.get(key) !== group).map(([, group]) => group)
  const gone = [...seen.groups].filter(([key]) => !read.groups.has(key)).map(([, group]) => group)
  const frame: StatsFrame = {
    as_of: read.as_of,
    groups: changed.filter(inScope),
    gone: gone.filter(inScope).map(({ domain, queue, job_type }) => ({ domain, queue, job_type })),
    ...unlessSame('stopped', stoppedIn(read, scope), stoppedIn(seen, scope)),
    ...unlessSame('operations', operationsIn(read, scope), operationsIn(seen, scope)),
  }
  const { as_of: _, groups, gone: left, ...lists } = frame
  if (groups.length === 0 && left.length === 0 && Object.keys(lists).length === 0) return undefined
  return { event: 'changes', data: JSON.stringify(frame) }
}

const unlessSame = (name: 'stopped' | 'operations', now: readonly object[], before: readonly object[]): object =>
  JSON.stringify(now) === JSON.stringify(before) ? {} : { [name]: now }

const isInScope = (group: Pick<LiveGroup, 'domain' | 'queue' | 'job_type'>, { domain, queue, job_type }: Scope) =>
  (domain === undefined || group.domain === domain) &&
  (queue === undefined || group.queue === queue) &&
  (job_type === undefined || group.job_type === job_type)

const stoppedIn = ({ stopped }: LiveStats, { domain, queue }: Scope): StoppedQueue[] =>
  stopped.filter((row) => isInScope({ ...row, job_type: '' }, { domain, queue }))

/** Operations that may touch jobs of the scope. */
const operationsIn = ({ operations }: LiveStats, { domain, queue, job_type }: Scope): RunningChange[] =>
  operations.filter(
    (row) => overlap(row.domain, domain) && overlap(row.queue, queue) && overlap(row.job_type, job_type),
  )

/** A field that is not set is every value. */
const overlap = (one: string | null, other: string | undefined): boolean =>
  one === null || other === undefined || one === other
