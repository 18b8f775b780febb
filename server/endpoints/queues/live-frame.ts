import type { StoppedQueue } from '../../../shared/queues/queues.ts'
import type { LiveGroup, RunningChange, StatsFrame } from '../../../shared/queues/stats-stream.ts'
import type { Scope } from '../../../shared/scope.ts'
import { type Folded, foldGroups, type Wanted } from './fold-groups.ts'
import { isSame, type LiveStats } from './live-stats.ts'

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

/** The message that leads a reader from `seen`, or from nothing, to `read`; undefined where nothing that it wants has changed. */
export function messageTo(read: LiveStats, seen: LiveStats | undefined, wanted: Wanted): LiveMessage | undefined {
  const messages = written.get(read) ?? new Map<string, LiveMessage | undefined>()
  written.set(read, messages)
  const { domain, queue, job_type, most } = wanted
  const key = JSON.stringify([seen ? numberOf(seen) : 0, domain, queue, job_type, most])
  if (!messages.has(key)) messages.set(key, seen ? changes(read, seen, wanted) : full(read, wanted))
  return messages.get(key)
}

const foldedOf = (read: LiveStats, wanted: Wanted): Folded =>
  foldGroups(
    [...read.groups.values()].filter((group) => isInScope(group, wanted)),
    wanted,
  )

const levelIn = ({ level }: Folded, { most }: Wanted): Pick<StatsFrame, 'level'> =>
  most === undefined ? {} : { level }

function full(read: LiveStats, wanted: Wanted): LiveMessage {
  const folded = foldedOf(read, wanted)
  const frame: StatsFrame = {
    as_of: read.as_of,
    groups: [...folded.groups.values()],
    gone: [],
    stopped: stoppedIn(read, wanted),
    operations: operationsIn(read, wanted),
    ...levelIn(folded, wanted),
  }
  return { event: 'full', data: JSON.stringify(frame) }
}

function changes(read: LiveStats, seen: LiveStats, wanted: Wanted): LiveMessage | undefined {
  const [now, before] = [foldedOf(read, wanted), foldedOf(seen, wanted)]
  if (now.level !== before.level) return full(read, wanted)
  const isOther = (key: string, group: LiveGroup) => {
    const known = before.groups.get(key)
    return known !== group && !(known && isSame(known, group))
  }
  const gone = [...before.groups].filter(([key]) => !now.groups.has(key)).map(([, group]) => group)
  const frame: StatsFrame = {
    as_of: read.as_of,
    groups: [...now.groups].filter(([key, group]) => isOther(key, group)).map(([, group]) => group),
    gone: gone.map(({ domain, queue, job_type }) => ({ domain, queue, job_type })),
    ...unlessSame('stopped', stoppedIn(read, wanted), stoppedIn(seen, wanted)),
    ...unlessSame('operations', operationsIn(read, wanted), operationsIn(seen, wanted)),
  }
  const { as_of: _, groups, gone: left, ...lists } = frame
  if (groups.length === 0 && left.length === 0 && Object.keys(lists).length === 0) return undefined
  return { event: 'changes', data: JSON.stringify({ ...frame, ...levelIn(now, wanted) }) }
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
