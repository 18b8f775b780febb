import { namedQueues } from '../../../../shared/queues/overview.ts'
import type { Reading } from '../../../call.ts'
import { isQueueWithin } from '../../../database/scope.ts'
import type { Pool, Sql } from '../../../database/sql.ts'
import { limitReadTime, unlessOverdue } from '../../../database/timeouts.ts'
import { type QueueMinute, queueItems, readMinutes, whatIsTold } from '../../../history/queue-minutes.ts'
import type { InputOf, OutputOf } from '../../handlers.ts'
import { readBasis } from './basis.ts'

type Queue = readonly [domain: string, queue: string]

/** How many minutes are answered, the one that goes on among them. */
const minutes = 60

/** What queues did in each of the last minutes. A queue outside of the scope of the caller did nothing. */
export async function queueMinutes(
  { sql, within }: Reading,
  { queues: text }: InputOf<'queueMinutes'>,
): Promise<OutputOf<'queueMinutes'>> {
  const queues = namedQueues(text) ?? []
  const { from, basis, tells, rows } = await read(sql, within, queues)
  const isKnown = basis !== null && rows !== undefined
  return {
    from: new Date(1000 * from).toISOString(),
    queues: queues.map(([domain, queue], nth) => {
      const of = (rows ?? []).filter((row) => row.nth === nth + 1)
      return {
        domain,
        queue,
        done: isKnown && tells.completed ? numbersOf(of, from, 'done') : null,
        failed: isKnown ? numbersOf(of, from, 'failed') : null,
      }
    }),
  }
}

const read = (pool: Pool, within: Reading['within'], queues: readonly Queue[]) =>
  pool.begin('isolation level repeatable read read only', async (tx) => {
    const [{ now }] = await tx<[{ now: number }]>`
      select ${limitReadTime(tx)}, extract(epoch from now())::float8 as now`
    const to = 60 * Math.floor(now / 60) + 60
    const from = to - 60 * minutes
    const { basis } = await readBasis(tx)
    const named = await queuesWithin(tx, within, queues)
    const rows =
      basis === null
        ? undefined
        : await tx
            .savepoint((of) => readMinutes(of, basis, { queues: named, scope: { within }, from, to }))
            .catch(unlessOverdue)
    const tells = basis === 'jobs' ? whatIsTold(tx) : { completed: true }
    return { from, basis, tells, rows }
  })

/** The queues, with blank names in place of those outside of the scope, so that each keeps its place. */
async function queuesWithin(sql: Sql, within: Reading['within'], queues: readonly Queue[]) {
  const named = queues.map(([domain, queue]) => ({ domain, queue }))
  if (within === undefined) return named
  const rows = await sql<{ nth: number }[]>`
    select nth
    from ${queueItems(sql, named)}
    where true ${isQueueWithin(sql, within)}`
  const seen = new Set(rows.map(({ nth }) => nth))
  return named.map((queue, at) => (seen.has(at + 1) ? queue : { domain: '', queue: '' }))
}

function numbersOf(rows: readonly QueueMinute[], from: number, name: 'done' | 'failed'): number[] {
  const numbers = new Array<number>(minutes).fill(0)
  for (const row of rows) {
    const at = (row.at - from) / 60
    if (at >= 0 && at < minutes) numbers[at] = (numbers[at] ?? 0) + row[name]
  }
  return numbers
}
