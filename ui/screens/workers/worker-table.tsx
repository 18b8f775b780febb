import type { Answer } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import type { Filter } from '../../parts/filter-words.ts'
import { Name } from '../../parts/name.tsx'
import { QueueLink } from '../../parts/queue-link.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Ago, Span } from '../../parts/times.tsx'
import { addressOf } from '../../state/address.ts'

type WorkerRow = Answer<'listWorkers'>[number]

/** When a worker was heard of last. */
const lastOf = ({ last_asked_at, last_acquired_at, last_renewed_at }: WorkerRow): string | null =>
  [last_asked_at, last_acquired_at, last_renewed_at]
    .filter((at) => at !== null)
    .toSorted()
    .at(-1) ?? null

interface CountProps {
  count: number
  /** Undefined for jobs that no filter finds. */
  to: string | undefined
  isBad?: boolean
}

/** A number that leads to its jobs; a zero stands back. */
const Count = ({ count, to, isBad = false }: CountProps) => {
  if (count === 0) return <span class="faint">0</span>
  if (to === undefined) return <>{count.toLocaleString('en')}</>
  return (
    <Link to={to} class={isBad ? 'badge bad' : undefined}>
      {count.toLocaleString('en')}
    </Link>
  )
}

/** Where the workers were looked for. */
interface Scope {
  domain: string | undefined
  queue: string | undefined
}

/** The jobs that a number of a worker counts. No filter finds those of a worker without a name. */
const jobsOf = ({ worker_id }: WorkerRow, fields: Filter): string | undefined =>
  worker_id?.trim() ? addressOf('/jobs', { worker_id, ...fields }) : undefined

const columnsOf = (scope: Scope): readonly Column<WorkerRow>[] => [
  [
    'Worker',
    ({ worker_id }) => (worker_id ? <Name of={worker_id} /> : <span class="faint">without a name</span>),
    'row',
    { name: 'worker', by: ({ worker_id }) => worker_id },
  ],
  [
    'Running',
    (row) => <Count count={row.leases} to={jobsOf(row, { ...scope, status: 'processing' })} />,
    'number',
    { name: 'running', by: ({ leases }) => leases },
  ],
  [
    'Past their lease',
    (row) =>
      row.expired === null ? '' : <Count count={row.expired} to={jobsOf(row, { ...scope, stale: 'true' })} isBad />,
    'number',
    { name: 'expired', by: ({ expired }) => expired },
  ],
  [
    'Done in 15 min',
    ({ done_15m }) => (done_15m === null ? '' : done_15m.toLocaleString('en')),
    'number',
    { name: 'done', by: ({ done_15m }) => done_15m },
  ],
  [
    'Failed in 15 min',
    (row) =>
      row.failed_15m === null ? (
        ''
      ) : (
        <Count
          count={row.failed_15m}
          to={jobsOf(row, { ...scope, status: 'failed,quarantined', ended_after: '15m' })}
          isBad
        />
      ),
    'number',
    { name: 'failed', by: ({ failed_15m }) => failed_15m },
  ],
  ['Longest run', ({ oldest_lease_at }) => oldest_lease_at && <Span since={oldest_lease_at} />, 'number'],
  ['Heard of', (row) => <Ago at={lastOf(row)} />, undefined, { name: 'heard', by: lastOf }],
  [
    'Queues',
    ({ queues }) =>
      queues.map(({ domain, queue, throttle }) => (
        <>
          <QueueLink {...{ domain, queue }} />{' '}
          {throttle && (
            <>
              <span class="badge care">throttled</span>{' '}
            </>
          )}
        </>
      )),
    'wide wraps',
  ],
]

interface WorkerTableProps {
  workers: readonly WorkerRow[]
  scope: Scope
  sort?: string | undefined
  onSort?: (sort: string) => void
}

/** The workers that were seen, each with what it runs, what came of it, and when it was heard of. */
export const WorkerTable = ({ workers, scope, sort, onSort }: WorkerTableProps) => (
  <Rows
    label="Workers"
    rows={workers}
    columns={columnsOf(scope)}
    keyOf={({ worker_id }) => worker_id ?? ''}
    {...(sort !== undefined && { sort })}
    {...(onSort && { onSort })}
  />
)
