import type { Answer } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { Name, QueueName } from '../../parts/name.tsx'
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

/** A number that leads to its jobs; a zero stands back. */
const Count = ({ count, to, isBad = false }: { count: number; to: string; isBad?: boolean }) => {
  if (count === 0) return <span class="faint">0</span>
  return (
    <Link to={to} class={isBad ? 'badge bad' : undefined}>
      {count.toLocaleString('en')}
    </Link>
  )
}

const jobsOf = ({ worker_id }: WorkerRow, fields: Readonly<Record<string, string>>): string =>
  addressOf('/jobs', { worker_id: worker_id ?? undefined, ...fields })

const columns: readonly Column<WorkerRow>[] = [
  [
    'Worker',
    ({ worker_id }) => (worker_id ? <Name of={worker_id} /> : <span class="faint">without a name</span>),
    'row',
    { name: 'worker', by: ({ worker_id }) => worker_id },
  ],
  [
    'Running',
    (row) => <Count count={row.leases} to={jobsOf(row, { status: 'processing' })} />,
    'number',
    { name: 'running', by: ({ leases }) => leases },
  ],
  [
    'Past their lease',
    (row) => <Count count={row.expired} to={jobsOf(row, { stale: 'true' })} isBad />,
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
        <Count count={row.failed_15m} to={jobsOf(row, { status: 'failed,quarantined' })} isBad />
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
          <Link to={addressOf('/queue', { domain, queue })}>
            <QueueName domain={domain} queue={queue} />
          </Link>
          {throttle && <span class="badge care">throttled</span>}{' '}
        </>
      )),
    'wide wraps',
  ],
]

interface WorkerTableProps {
  workers: readonly WorkerRow[]
  sort?: string | undefined
  onSort?: (sort: string) => void
}

/** The workers that were seen, each with what it runs, what came of it, and when it was heard of. */
export const WorkerTable = ({ workers, sort, onSort }: WorkerTableProps) => (
  <Rows
    label="Workers"
    rows={workers}
    columns={columns}
    keyOf={({ worker_id }) => worker_id ?? ''}
    {...(sort !== undefined && { sort })}
    {...(onSort && { onSort })}
  />
)
