import { callWithHeaders } from '../../api/call.ts'
import { FilterChips, UnknownParameters } from '../../parts/filter.tsx'
import { FilterBox } from '../../parts/filter-box.tsx'
import type { Filter } from '../../parts/filter-words.ts'
import { ProblemNote } from '../../parts/problem.tsx'
import { Freshness } from '../../parts/times.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import { useFiltered } from '../../state/calls.ts'
import { namesOf } from '../../state/names.ts'
import { thatYouSee } from '../../state/session.ts'
import { WorkerTable } from './worker-table.tsx'

const fields = [
  { name: 'domain', label: 'Domain' },
  { name: 'queue', label: 'Queue' },
]

/**
 * The workers. The questions: who is there, and who has fallen silent? What does each run, and for how long? Which one fails more than the
 * others?
 *
 * - above: `domain:mail queue:high`, when it was read
 * - rows: worker, running, past their lease, done and failed in 15 min, longest run, heard of, queues; any head sorts
 */
export function Workers() {
  const params = query.value
  const [domain, queue, sort] = ['domain', 'queue', 'sort'].map((name) => params.get(name) || undefined)
  const loaded = useFiltered(JSON.stringify([domain, queue]), async (signal) => {
    const { answer, headers } = await callWithHeaders('listWorkers', { domain, queue }, { signal })
    return { workers: answer, isComplete: headers.get('X-Complete') !== 'false' }
  })
  const { data, problem, reload } = loaded
  const show = (changed: Filter) => navigate(addressOf('/workers', { domain, queue, sort, ...changed }))
  const filter = { fields, filter: { domain, queue }, onChange: show }
  return (
    <>
      <UnknownParameters known={['domain', 'queue', 'sort']} />
      <section class="filter chips" aria-label="Filter">
        <FilterChips {...filter} />
        <FilterBox {...filter} example="domain:mail queue:high" valuesOf={namesOf} />
        <Freshness {...loaded} />
      </section>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data && !data.isComplete && (
        <p class="note care" role="status">
          There are more jobs or workers than are read: the numbers are lower bounds. Choose a domain or a queue.
        </p>
      )}
      {data?.workers.length === 0 && (
        <p class="empty">
          No worker{thatYouSee()} holds a job, has ended one in 15 minutes, or has asked for one in the last hour.
        </p>
      )}
      {data && data.workers.length > 0 && (
        <WorkerTable workers={data.workers} scope={{ domain, queue }} sort={sort} onSort={(by) => show({ sort: by })} />
      )}
    </>
  )
}
