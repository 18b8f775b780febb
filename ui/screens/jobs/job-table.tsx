import type { Answer } from '../../api/call.ts'
import { Link } from '../../parts/link.tsx'
import { Rows } from '../../parts/rows.tsx'
import { Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { thatYouSee } from '../../state/session.ts'

type ListedJob = Answer<'listJobs'>[number]

interface JobTableProps {
  jobs: readonly ListedJob[]
  selected: ReadonlySet<number>
  onSelect: (ids: ReadonlySet<number>) => void
}

/** A page of jobs. Rows stay where they are until somebody asks for another page. */
export function JobTable({ jobs, selected, onSelect }: JobTableProps) {
  if (jobs.length === 0)
    return <p class="empty">No job{thatYouSee()} matches. Remove a filter, or look at another page.</p>
  const all = jobs.every(({ id }) => selected.has(id))
  const toggle = (ids: readonly number[], isChosen: boolean) => {
    const next = new Set(selected)
    for (const id of ids) isChosen ? next.add(id) : next.delete(id)
    onSelect(next)
  }
  return (
    <Rows
      label="Jobs"
      heads={[
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
        ...columns,
      ]}
      numeric={['Id', 'Retries', 'Priority']}
    >
      <tbody>
        {jobs.map((job) => (
          <Row
            key={job.id}
            job={job}
            isSelected={selected.has(job.id)}
            onToggle={(isChosen) => toggle([job.id], isChosen)}
          />
        ))}
      </tbody>
    </Rows>
  )
}

const columns = ['Id', 'Status', 'Domain', 'Queue', 'Type', 'Retries', 'Priority', 'Owner', 'Error', 'Created', 'Ended']

interface RowProps {
  job: ListedJob
  isSelected: boolean
  onToggle: (isSelected: boolean) => void
}

function Row({ job, isSelected, onToggle }: RowProps) {
  return (
    <tr aria-selected={isSelected}>
      <td>
        <input
          type="checkbox"
          aria-label={`Select job ${job.id}`}
          checked={isSelected}
          onChange={({ currentTarget }) => onToggle(currentTarget.checked)}
        />
      </td>
      <td class="number">
        <Link to={`/jobs/${job.id}`}>{job.id}</Link>
      </td>
      <td>
        <Status of={job.status ?? ''} />
      </td>
      <td>{job.domain}</td>
      <td>{job.queue}</td>
      <td>{job.job_type}</td>
      <td class="number">
        {job.retry_count ?? 0}/{job.max_retries ?? 0}
      </td>
      <td class="number">{job.priority}</td>
      <td>{job.owner_user_id}</td>
      <td>{job.error_code}</td>
      <td>
        <Time at={job.created_at} />
      </td>
      <td>
        <Time at={job.completed_at} />
      </td>
    </tr>
  )
}
