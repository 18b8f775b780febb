import { useState } from 'preact/hooks'
import { callWithHeaders } from '../../api/call.ts'
import { ProblemNote } from '../../parts/problem.tsx'
import { Refresh } from '../../parts/refresh.tsx'
import { UnknownParameters } from '../../parts/unknown-parameters.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import { useLoad } from '../../state/load.ts'
import { Act } from './act.tsx'
import { FilterBar } from './filter-bar.tsx'
import { filterIn, isFilterField } from './filter-fields.ts'
import { JobTable } from './job-table.tsx'
import { linksOf } from './links.ts'

const sorts = [
  ['created_at:desc', 'Newest first'],
  ['created_at:asc', 'Oldest first'],
  ['ended_at:desc', 'Last ended first'],
  ['ended_at:asc', 'First ended first'],
  ['priority:asc', 'By priority'],
] as const

const ownNames = new Set(['sort', 'cursor'])
const pageSize = 50

/** The list of jobs. What it shows is in the address: filter, order and page. */
export function Jobs() {
  const params = query.value
  const filter = filterIn(params)
  const sort = params.get('sort') ?? undefined
  const cursor = params.get('cursor') ?? undefined
  const unknown = [...params.keys()].filter((name) => !isFilterField(name) && !ownNames.has(name))
  const [sort_by, sort_order] = (sort ?? sorts[0][0]).split(':')
  const request = { ...filter, sort_by, sort_order, limit: String(pageSize), cursor }
  const { data, problem, isLoading, reload } = useLoad(JSON.stringify(request), async (signal) => {
    const { answer, headers } = await callWithHeaders('listJobs', request, { signal })
    return { jobs: answer, links: linksOf(headers.get('Link')), ...readingOf(headers) }
  })
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set())
  const show = (fields: Readonly<Record<string, string | undefined>>) =>
    navigate(addressOf('/jobs', { ...filter, sort, ...fields }))
  const chosen = (data?.jobs ?? []).filter(({ id }) => selected.has(id)).map(({ id }) => id)
  return (
    <>
      <UnknownParameters names={unknown} />
      <FilterBar filter={filter} rest={{ sort }} />
      <div class="bar">
        <label>
          <span class="hidden">Order</span>
          <select value={sort ?? sorts[0][0]} onChange={({ currentTarget }) => show({ sort: currentTarget.value })}>
            {sorts.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <Refresh isLoading={isLoading} onRefresh={reload} />
        <Act filter={filter} ids={chosen} />
      </div>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data && <JobTable jobs={data.jobs} selected={selected} onSelect={setSelected} />}
      {data && !data.isComplete && (
        <p class="note care" role="status">
          {data.scanned === undefined
            ? 'Not all jobs were looked at.'
            : `${data.scanned.toLocaleString('en')} jobs were looked at, and there are more.`}{' '}
          {data.missingIndex && <>The database lacks an index for this list: {data.missingIndex}. </>}
          {data.links.next && 'The next page goes on from there.'}
        </p>
      )}
      {data && (
        <nav class="bar" aria-label="Pages">
          <button type="button" disabled={!data.links.prev} onClick={() => show({ cursor: data.links.prev })}>
            Previous page
          </button>
          <button type="button" disabled={!data.links.next} onClick={() => show({ cursor: data.links.next })}>
            Next page
          </button>
        </nav>
      )}
    </>
  )
}

/** What the headers of a list say about the reading of it. */
function readingOf(headers: Headers) {
  const scanned = headers.get('X-Scanned')
  return {
    scanned: scanned === null ? undefined : Number(scanned),
    isComplete: headers.get('X-Complete') !== 'false',
    missingIndex: headers.get('X-Missing-Index') ?? undefined,
  }
}
