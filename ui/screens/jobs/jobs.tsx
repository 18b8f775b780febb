import { useState } from 'preact/hooks'
import type { JobId } from '../../../shared/work/job-key.ts'
import { Button, Select } from '../../parts/controls.tsx'
import { UnknownParameters } from '../../parts/filter.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Freshness } from '../../parts/times.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import { Act } from './act.tsx'
import { FilterBar, filterIn, isFilterField } from './filter-bar.tsx'
import { JobTable } from './job-table.tsx'
import { type Found, useSearch } from './search.ts'

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
  const [sort_by, sort_order] = (sort ?? sorts[0][0]).split(':')
  const { found, problem, readAt, isLoading, reload, stop, goOn } = useSearch(
    { ...filter, sort_by, sort_order, cursor },
    pageSize,
  )
  const [selected, setSelected] = useState<ReadonlySet<JobId>>(new Set())
  const show = (fields: Readonly<Record<string, string | undefined>>) =>
    navigate(addressOf('/jobs', { ...filter, sort, ...fields }))
  const chosen = (found?.jobs ?? []).filter(({ id }) => selected.has(id)).map(({ id }) => id)
  return (
    <>
      <UnknownParameters known={(name) => isFilterField(name) || ownNames.has(name)} />
      <FilterBar filter={filter} rest={{ sort }} />
      <div class="bar">
        <Select
          label="Order"
          isLabelHidden
          value={sort ?? sorts[0][0]}
          options={sorts}
          onChange={(value) => show({ sort: value })}
        />
        <Freshness {...{ readAt, isLoading, reload }} />
        <Act filter={filter} ids={chosen} />
      </div>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {found && !found.isComplete && <Searched {...{ found, isLoading, stop, goOn }} />}
      {found && (found.isComplete || found.jobs.length > 0) && (
        <JobTable jobs={found.jobs} selected={selected} onSelect={setSelected} />
      )}
      {found && (
        <nav class="bar" aria-label="Pages">
          <Button disabled={!found.prev} onClick={() => show({ cursor: found.prev })}>
            Previous page
          </Button>
          <Button disabled={!found.next} onClick={() => show({ cursor: found.next })}>
            Next page
          </Button>
        </nav>
      )}
    </>
  )
}

type SearchedProps = { found: Found } & Pick<ReturnType<typeof useSearch>, 'isLoading' | 'stop' | 'goOn'>

/** How far a search is that has not looked at all jobs, and its stop. An empty table would say that there are none. */
const Searched = ({ found: { jobs, scanned, missingIndex, next }, isLoading, stop, goOn }: SearchedProps) => (
  <div class="note care">
    <p role="status">
      {scanned !== undefined && `${scanned.toLocaleString('en')} jobs were looked at, and there are more. `}
      {jobs.length.toLocaleString('en')} found so far{isLoading && ', and the search goes on'}.
      {missingIndex && <> The database lacks an index for this list: {missingIndex}.</>}
    </p>
    {isLoading ? (
      <Button onClick={stop}>Stop</Button>
    ) : (
      next !== undefined && jobs.length < pageSize && <Button onClick={goOn}>Go on</Button>
    )}
  </div>
)
