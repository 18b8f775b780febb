import type { JobId } from '../../../shared/work/job-key.ts'
import type { Answer } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Ago } from '../../parts/times.tsx'
import { Status } from '../../parts/values.tsx'
import { addressOfJob } from '../../state/address.ts'
import { thatYouSee } from '../../state/session.ts'

type ListedJob = Answer<'listJobs'>[number]

interface JobTableProps {
  jobs: readonly ListedJob[]
  selected: ReadonlySet<JobId>
  onSelect: (ids: ReadonlySet<JobId>) => void
}

/** A page of jobs. Rows stay where they are until somebody asks for another page. */
export function JobTable({ jobs, selected, onSelect }: JobTableProps) {
  if (jobs.length === 0)
    return <p class="empty">No job{thatYouSee()} matches. Remove a filter, or look at another page.</p>
  const all = jobs.every(({ id }) => selected.has(id))
  const toggle = (ids: readonly JobId[], isChosen: boolean) => {
    const next = new Set(selected)
    for (const id of ids) isChosen ? next.add(id) : next.delete(id)
    onSelect(next)
  }
  const select: Column<ListedJob> = [
    <input
      key="all"
      type="checkbox"
      aria-label="Select all jobs of this page"
      checked={all}
      onChange={({ currentTarget }) =>
        toggle(
          jobs.map(({ id }) => id),
          currentTarget.checked,
        )
      }
    />,
    ({ id }) => (
      <input
        type="checkbox"
        aria-label={`Select job ${id}`}
        checked={selected.has(id)}
        onChange={({ currentTarget }) => toggle([id], currentTarget.checked)}
      />
    ),
  ]
  return (
    <Rows
      label="Jobs"
      rows={jobs}
      columns={[select, ...columns]}
      keyOf={({ id }) => id}
      attributesOf={({ id }) => ({ 'aria-selected': selected.has(id) })}
    />
  )
}

const columns: readonly Column<ListedJob>[] = [
  ['Id', ({ id }) => <Link to={addressOfJob(id)}>{id}</Link>, 'number'],
  ['Status', ({ status, native_state }) => <Status of={status ?? ''} native={native_state} />],
  ['Domain', ({ domain }) => domain],
  ['Queue', ({ queue }) => queue],
  ['Type', ({ job_type }) => job_type],
  ['Retries', ({ retry_count, max_retries }) => `${retry_count ?? 0}/${max_retries ?? 0}`, 'number'],
  ['Priority', ({ priority }) => priority, 'number'],
  ['Owner', ({ owner_user_id }) => owner_user_id],
  ['Error', ({ error_code }) => error_code],
  ['Created', ({ created_at }) => <Ago at={created_at} />],
  ['Ended', ({ completed_at }) => <Ago at={completed_at} />],
]
