import { call } from '../../api/call.ts'
import { type Filter, FilterChips } from '../../parts/filter.tsx'
import { Link } from '../../parts/link.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Refresh } from '../../parts/refresh.tsx'
import { Rows } from '../../parts/rows.tsx'
import { Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { UnknownParameters } from '../../parts/unknown-parameters.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import { useLoad } from '../../state/load.ts'
import { caller, thatYouSee } from '../../state/session.ts'
import { Chain } from './chain.tsx'
import { Reviews } from './review.tsx'

const names = ['domain', 'queue', 'job_type', 'kind', 'state', 'caller', 'before_id'] as const
const pageSize = 50

/** The records of changes and acts, the newest first. */
export function Operations() {
  const params = query.value
  const filter = Object.fromEntries(names.map((name) => [name, params.get(name) || undefined]))
  const unknown = [...params.keys()].filter((name) => !names.some((known) => known === name))
  const { data, problem, isLoading, reload } = useLoad(JSON.stringify(filter), (signal) =>
    call('listOperations', { ...filter, limit: String(pageSize) }, { signal }),
  )
  const { kind, before_id: _page, ...others } = filter
  const isFiltered = Object.values(filter).some((value) => value !== undefined)
  /** Shows the newest records of a filter, or those before one of them. */
  const show = (fields: Filter) => navigate(addressOf('/operations', { ...filter, before_id: undefined, ...fields }))
  return (
    <>
      <UnknownParameters names={unknown} />
      {/* The chain is of the records of all domains. */}
      {!caller.value?.scope && <Chain />}
      <Reviews />
      <div class="bar">
        <label>
          Show{' '}
          <select value={kind ?? ''} onChange={({ currentTarget }) => show({ kind: currentTarget.value })}>
            <option value="">changes and acts</option>
            <option value="changes">changes of jobs</option>
            <option value="acts">acts</option>
          </select>
        </label>
        <FilterChips fields={[]} filter={others} onChange={show} />
        <Refresh isLoading={isLoading} onRefresh={reload} />
      </div>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data?.length === 0 && (
        <p class="empty">
          {isFiltered
            ? `No record${thatYouSee()} matches.`
            : `There is no record${thatYouSee()} yet. A change of many jobs makes one.`}
        </p>
      )}
      {data && data.length > 0 && <Records records={data} />}
      {data && data.length === pageSize && (
        <nav class="bar" aria-label="Pages">
          <button type="button" onClick={() => show({ before_id: String(data.at(-1)?.id) })}>
            Older
          </button>
        </nav>
      )}
    </>
  )
}

type Record_ = Awaited<ReturnType<typeof call<'listOperations'>>>[number]

const Records = ({ records }: { records: readonly Record_[] }) => (
  <Rows
    label="Operations"
    heads={['Id', 'Kind', 'State', 'Domain', 'Queue', 'Type', 'Changed', 'Previewed', 'By', 'Why', 'Began']}
    numeric={['Id', 'Changed', 'Previewed']}
  >
    <tbody>
      {records.map((record) => (
        <tr key={record.id}>
          <td class="number">
            <Link to={`/operations/${record.id}`}>{record.id}</Link>
          </td>
          <td>{record.kind}</td>
          <td>
            <Status of={record.state} />
          </td>
          <td>{record.domain}</td>
          <td>{record.queue}</td>
          <td>{record.job_type}</td>
          <td class="number">{record.affected.toLocaleString('en')}</td>
          <td class="number">{record.previewed?.toLocaleString('en')}</td>
          <td>{record.caller}</td>
          <td class="wide">{record.reason}</td>
          <td>
            <Time at={record.started_at} />
          </td>
        </tr>
      ))}
    </tbody>
  </Rows>
)
