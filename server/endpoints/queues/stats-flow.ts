import type { Acting } from '../../call.ts'
import { isWithin } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { groupKey } from './fold-groups.ts'

/** What a read has seen of the event log. */
export interface EventPosition {
  /** A `pg_snapshot`: `10:20:10,14`. */
  seen: string
  /** The highest id. */
  newest: number
  /** The highest id of the read before: transactions that were open then may have taken lower ids than `newest`. */
  floor: number
}

/** The jobs that came into a group and left it between two reads. */
interface Flow {
  entered: number
  ended: number
  /** Jobs that came or went without an event. */
  untold: number
}

/** The flow of all groups between two reads. */
export interface Flows {
  /** The flow of a group, by `groupKey`, whose number of live jobs has grown by `growth`. */
  of: (key: string, growth: number) => Flow
}

/** The most ids between two reads; above it the events are not counted, since a read must stay cheap. */
const mostIds = 20_000

interface FlowCall {
  sql: Sql
  within: Acting['within']
}

/** Counts the events between two reads. The transaction of `sql` must have taken the snapshot of `now`. */
export async function flows(call: FlowCall, before: EventPosition | undefined, now: EventPosition): Promise<Flows> {
  if (!before) return { of: () => ({ entered: 0, ended: 0, untold: 0 }) }
  if (now.newest - before.floor > mostIds) return { of: () => ({ entered: 0, ended: 0, untold: 1 }) }
  const rows = now.newest > before.floor ? await countEvents(call, before, now.newest) : []
  const counts = new Map(rows.map((row) => [groupKey(row), row]))
  return {
    of(key, growth) {
      const { entered, ended } = counts.get(key) ?? { entered: 0, ended: 0 }
      return { entered, ended, untold: Math.abs(growth - (entered - ended)) }
    },
  }
}

interface Row {
  domain: string | null
  queue: string | null
  job_type: string | null
  entered: number
  ended: number
}

/** Events of transactions that were not over at the read before, whatever the order of their ids. */
const countEvents = ({ sql: tx, within }: FlowCall, { seen, floor }: EventPosition, newest: number) => {
  const [, end = '0', open = ''] = seen.split(':')
  const wrap = 2n ** 32n
  const wrapped = (id: string) => String(BigInt(id) % wrap)
  const openIds = open === '' ? [] : open.split(',').map(wrapped)
  // The xmin of a row has 32 bits: a distance of less than half of them is a later transaction.
  return tx<Row[]>`
    select
      domain, queue, job_type,
      count(*) filter (where event_type in ('job.created', 'job.requeued', 'job.retried', 'job.revived')) as entered,
      count(*) filter (where event_type not in ('job.created', 'job.requeued', 'job.retried', 'job.revived')) as ended
    from job_events
    where id > ${floor}::bigint and id <= ${newest}::bigint
      and event_type in (
        'job.created', 'job.requeued', 'job.retried', 'job.revived',
        'job.completed', 'job.failed', 'job.quarantined', 'job.cancelled'
      )
      and (
        (xmin::text::bigint - ${wrapped(end)}::bigint + ${String(wrap)}::bigint) % ${String(wrap)}::bigint < ${String(wrap / 2n)}::bigint
        or xmin::text::bigint = any(${openIds}::bigint[])
      )
      ${isWithin(tx, within)}
    group by domain, queue, job_type`
}
