import { call } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { Person } from '../../parts/name.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Ago, Freshness } from '../../parts/times.tsx'
import { Facts, Json, Status } from '../../parts/values.tsx'
import { useDetail } from '../../state/address.ts'
import { useLoad, usePolling } from '../../state/calls.ts'
import { serverNow } from '../../state/page.ts'
import { Bar, StopButton } from '../change/course.tsx'
import { Reviews } from './review.tsx'
import { Undo } from './undo.tsx'

type Shown = Awaited<ReturnType<typeof call<'getOperation'>>>

/*
 * The questions of this screen, in their order:
 *   1. How far is it, and can I stop it?    its course while it runs
 *   2. What was changed, by whom and why?   the record, and where its jobs are now
 *   3. What exactly was asked for?          the request
 *   4. Can it be taken back?                the undo, previewed: what comes back, and what cannot
 */

/** The record of one change or act. */
export function Operation({ id }: { id: string }) {
  const loaded = useLoad(id, (signal) => call('getOperation', { id }, { signal }))
  const { data, problem, reload } = loaded
  useDetail(data ? `${data.kind} ${data.state}` : '')
  usePolling(data?.state === 'running', loaded)
  return (
    <>
      <p class="bar">
        <Freshness {...loaded} isLoading={loaded.isLoading && data?.state !== 'running'} />
      </p>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data && isEmergency(data.filters) && <Reviews only={data.id} />}
      {data && <Record of={data} />}
      {data && <Undo record={data} />}
    </>
  )
}

/** Whether the operation went past an approval that it needed. */
const isEmergency = (filters: unknown): boolean =>
  typeof filters === 'object' && filters !== null && 'emergency' in filters && filters.emergency === true

function Record({ of: record }: { of: Shown }) {
  const progress = {
    operation_id: record.id,
    affected: record.affected,
    total: record.previewed,
    batches: record.batches,
    elapsed_ms: serverNow() - Date.parse(record.started_at),
  }
  return (
    <>
      {record.state === 'running' && <Bar progress={progress} count={record.previewed ?? record.affected} />}
      {record.state === 'running' && <StopButton id={record.id} />}
      {record.error && <p class="note care">{record.error}</p>}
      <Facts facts={factsOf(record)} />
      <h2>Request</h2>
      <Json value={record.filters} />
    </>
  )
}

const count = (value: number): string => value.toLocaleString('en')

const operationLink = (id: number | null) => id !== null && <Link to={`/operations/${id}`}>{id}</Link>

function factsOf(record: Shown) {
  const now = Object.entries(record.now).map(([state, jobs]) => `${state} ${count(jobs)}`)
  return [
    ['Kind', record.kind],
    ['State', <Status of={record.state} />],
    ['Domain', record.domain],
    ['Queue', record.queue],
    ['Job type', record.job_type],
    ['Changed', count(record.affected)],
    ['Previewed', record.previewed !== null && count(record.previewed)],
    ['Not reached', record.not_reached ? count(record.not_reached) : ''],
    ['Left for later', record.left_for_later ? count(record.left_for_later) : ''],
    ['Skipped', record.skipped_by_others ? `${count(record.skipped_by_others)}: others had changed or held them` : ''],
    ['Its jobs now', now.join(', ')],
    ['By', <Person id={record.caller} />],
    ['Why', record.reason],
    ['Began', <Ago at={record.started_at} />],
    ['Ended', <Ago at={record.ended_at} />],
    ['Undoes', operationLink(record.undoes)],
    ['Undone by', operationLink(record.undone_by)],
    ['No way back', record.no_way_back],
    ['Hash', record.hash && <code>{record.hash.slice(0, 16)}…</code>],
  ] as const
}
