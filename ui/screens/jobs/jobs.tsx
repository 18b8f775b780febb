import { useState } from 'preact/hooks'
import { mostScanned } from '../../../shared/jobs/most-scanned.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import { call } from '../../api/call.ts'
import { Act } from '../../parts/act.tsx'
import { Select } from '../../parts/controls.tsx'
import { UnknownParameters } from '../../parts/filter.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Freshness } from '../../parts/times.tsx'
import { addressOf, navigate, query, useDetail } from '../../state/address.ts'
import { useLoad, usePolling } from '../../state/calls.ts'
import { jobsText } from '../change/preview.tsx'
import { csvOf, download, ndjsonOf } from './export.ts'
import { FilterBar, filterIn, isFilterField, WithTimes } from './filter-bar.tsx'
import { JobTable } from './job-table.tsx'
import { type Found, useSearch } from './search.ts'
import { ChangeMenus } from './selection.tsx'

/**
 * The list of jobs. The questions: which jobs are these, and how many? What went wrong with them, where, and by whose hand? Is it going on?
 * What can be done with some, or with all of them?
 *
 * - above: `status:failed error:"timeout"` in one box, its completion below it; the states, and what is set, as chips
 * - bar: order, live, when it was read, how many match, CSV and NDJSON; changes of the selected ones, or of all that match
 * - rows: id, state, `mail/high › receipt`, code with the message under it, took, worker, owner, when; each cell filters
 */

const sorts = [
  ['created_at:desc', 'Newest first'],
  ['created_at:asc', 'Oldest first'],
  ['ended_at:desc', 'Last ended first'],
  ['ended_at:asc', 'First ended first'],
  ['priority:asc', 'By priority'],
] as const

const ownNames = new Set(['sort', 'cursor'])
const pageSize = 50

export const JobsScreen = () => <WithTimes screen={<Jobs />} />

/** The list of jobs. What it shows is in the address: filter, order and page. */
function Jobs() {
  const params = query.value
  const filter = filterIn(params)
  const sort = params.get('sort') ?? undefined
  const cursor = params.get('cursor') ?? undefined
  const [sort_by, sort_order] = (sort ?? sorts[0][0]).split(':')
  const { found, isOfOther, problem, readAt, isLoading, reload, stop, goOn } = useSearch(
    { ...filter, sort_by, sort_order, cursor, errors: 'true' },
    pageSize,
  )
  const [selected, setSelected] = useState<ReadonlySet<JobId>>(new Set())
  const [isLive, setLive] = useState(false)
  const chosenJobs = (isOfOther ? [] : (found?.jobs ?? [])).filter(({ id }) => selected.has(id))
  const chosen = chosenJobs.map(({ id }) => id)
  const states = [...new Set(chosenJobs.map(({ status }) => status ?? ''))]
  const { domain, queue, status = '' } = filter
  useDetail([status.replaceAll(',', ', '), [domain, queue].filter(Boolean).join('/')].filter(Boolean).join(' · '))
  // A row under somebody's choice stays, and a search of many rows is not made again each second.
  const follows = isLive && chosen.length === 0 && found?.isComplete === true
  usePolling(follows, { isLoading, reload, problem })
  const show = (fields: Readonly<Record<string, string | undefined>>) =>
    navigate(addressOf('/jobs', { ...filter, sort, ...fields }))
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
        <Act pressed={isLive} onAct={() => setLive(!isLive)}>
          Live
        </Act>
        <Freshness readAt={readAt} isLoading={isLoading && !follows} reload={reload} />
        {isLive && !follows && chosen.length > 0 && <span class="faint">still while jobs are selected</span>}
        {found && !isOfOther && found.jobs.length > 0 && (
          <Matching filter={filter} found={found} isFirst={cursor === undefined} />
        )}
        <ChangeMenus filter={filter} ids={chosen} states={states} />
      </div>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {found?.isOfNewest && (
        <p class="note care" role="status">
          This order has the {mostScanned.toLocaleString('en')} jobs that were made last: older ones are in none of its
          pages. The newest first have all.
        </p>
      )}
      {found && !isOfOther && !found.isComplete && <Searched {...{ found, isLoading, stop, goOn }} />}
      {found && (found.isComplete || found.jobs.length > 0) && (
        <JobTable jobs={found.jobs} selected={selected} onSelect={setSelected} />
      )}
      {found && (
        <nav class="bar" aria-label="Pages">
          <Act lack={isOfOther || !found.prev} onAct={() => show({ cursor: found.prev })}>
            Previous page
          </Act>
          <Act lack={isOfOther || !found.next} onAct={() => show({ cursor: found.next })}>
            Next page
          </Act>
          {!isOfOther && found.jobs.length > 0 && <Exports found={found} />}
        </nav>
      )}
    </>
  )
}

const live: readonly string[] = ['queued', 'processing', 'quarantined']
const counted: readonly string[] = ['domain', 'queue', 'job_type', 'status']

/** Where the counts of all groups tell how many jobs match: a scope, and states that are counted. */
const isCounted = (filter: Readonly<Record<string, string>>): boolean =>
  (filter.status ?? '').split(',').every((state) => live.includes(state)) &&
  Object.keys(filter).every((name) => counted.includes(name))

interface MatchingProps {
  filter: Readonly<Record<string, string>>
  found: Found
  isFirst: boolean
}

/** How many jobs match, where that is known at once; else a lower bound. */
function Matching({ filter, found, isFirst }: MatchingProps) {
  const { domain, queue, job_type, status = '' } = filter
  const isWhole = found.isComplete && !found.next && !found.prev
  const { data } = useLoad(JSON.stringify([isWhole, filter]), async (signal) => {
    if (isWhole || !isCounted(filter)) return undefined
    const groups = await call('stats', { domain, queue, job_type }, { signal })
    const states = status.split(',')
    const countOf = (group: (typeof groups)[number]) =>
      (states.includes('queued') ? group.queued + group.scheduled : 0) +
      (states.includes('processing') ? group.processing : 0) +
      (states.includes('quarantined') ? group.quarantined : 0)
    return groups.reduce((sum, group) => sum + countOf(group), 0)
  })
  const here = found.jobs.length
  const text = isWhole
    ? jobsText(here)
    : data === undefined || data < here
      ? `at least ${jobsText(here)}`
      : jobsText(data)
  if (!isWhole && data === undefined && !isFirst) return null
  return (
    <span role="status">
      {text} {/^1 /.test(text) ? 'matches' : 'match'}
    </span>
  )
}

/** What is seen as a file: the jobs of this page. */
const Exports = ({ found: { jobs } }: { found: Found }) => (
  <span class="exports">
    <span class="faint">This page as</span>
    <Act look="quiet" onAct={() => download('jobs.csv', 'text/csv', csvOf(jobs))}>
      CSV
    </Act>
    <Act look="quiet" onAct={() => download('jobs.ndjson', 'application/x-ndjson', ndjsonOf(jobs))}>
      NDJSON
    </Act>
  </span>
)

type SearchedProps = { found: Found } & Pick<ReturnType<typeof useSearch>, 'isLoading' | 'stop' | 'goOn'>

/** How far a search is that has not looked at all jobs, and its stop. An empty table would say that there are none. */
const Searched = ({ found: { jobs, scanned, missingIndex, next }, isLoading, stop, goOn }: SearchedProps) => (
  <div class="bar searched">
    <span role="status">
      {scanned !== undefined && `looked at ${scanned.toLocaleString('en')} · `}
      {jobs.length.toLocaleString('en')} found
      {isLoading ? ', and the search goes on' : ' so far, and there may be more'}
      {missingIndex && <>. The database lacks an index for this list: {missingIndex}</>}
    </span>
    {isLoading ? (
      <Act onAct={stop}>Stop</Act>
    ) : (
      next !== undefined && jobs.length < pageSize && <Act onAct={goOn}>Go on</Act>
    )}
  </div>
)
