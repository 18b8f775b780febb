import type { Answer } from '../../api/call.ts'
import { Facts } from '../../parts/facts.tsx'
import { Link } from '../../parts/link.tsx'
import { Rows } from '../../parts/rows.tsx'
import { Status } from '../../parts/status.tsx'
import { spanText, Time } from '../../parts/time.tsx'

export type Preview = NonNullable<Answer<'retry'>['preview']>

export const jobsText = (count: number): string => `${count.toLocaleString('en')} ${count === 1 ? 'job' : 'jobs'}`

/** What a change would do: how many jobs, which, whose, what goes along, how long it takes, and whether there is a way back. */
export function PreviewTable({ preview, verb }: { preview: Preview; verb: string }) {
  return (
    <section class="preview" aria-label="Preview">
      <h2>
        {verb} {countText(preview)}
      </h2>
      <Facts
        facts={[
          ...factsOf(preview),
          ['Oldest', <Time key="oldest" at={preview.oldest} />],
          ['Newest', <Time key="newest" at={preview.newest} />],
        ]}
      />
      {preview.groups.length > 0 && <Groups groups={preview.groups} />}
      {preview.sample_ids.length > 0 && (
        <p>
          For example{' '}
          {preview.sample_ids.map((id) => (
            <>
              <Link to={`/jobs/${id}`}>{id}</Link>{' '}
            </>
          ))}
        </p>
      )}
    </section>
  )
}

const countText = ({ count, complete, count_at_least }: Preview): string =>
  complete === false ? `at least ${jobsText(count_at_least ?? count)}` : jobsText(count)

/** The facts of a preview that it has. */
function factsOf(preview: Preview): (readonly [string, string | undefined])[] {
  const { dependents, dependents_elsewhere, kept_by_hold, restorable, no_way_back, owners, reasons } = preview
  const { foreign_rows, eta_seconds, kept_days, archive_full } = preview
  const owner = (name: string | null) => name ?? 'nobody'
  return [
    ['Dependents that go along', dependents ? jobsText(dependents) : undefined],
    ['Dependents outside of the scope', dependents_elsewhere ? jobsText(dependents_elsewhere) : undefined],
    ['Kept by a hold', kept_by_hold ? jobsText(kept_by_hold) : undefined],
    ['An undo could give back', restorable ? jobsText(restorable) : undefined],
    ['Kept for an undo', typeof kept_days === 'number' ? `${kept_days} days` : undefined],
    ['No way back', no_way_back],
    ['Refused', archive_full ? 'The archive is above its limit (JOBS_ARCHIVE_MAX_BYTES).' : undefined],
    [
      'Owners',
      owners.map(({ owner_user_id, count }) => `${owner(owner_user_id)} ${count.toLocaleString('en')}`).join(', '),
    ],
    ['Why', reasons?.map(({ reason, count }) => `${reason} ${count.toLocaleString('en')}`).join(', ')],
    [
      'Rows of other tables',
      foreign_rows?.map(({ table, action, rows }) => `${table}: ${rows ?? 'unknown'} ${action}`).join(', '),
    ],
    ['It takes about', preview.count > 0 ? spanText(Math.ceil(eta_seconds)) : undefined],
  ]
}

const Groups = ({ groups }: Pick<Preview, 'groups'>) => (
  <Rows label="Groups" heads={['Domain', 'Queue', 'Type', 'Status', 'Jobs']} numeric={['Jobs']}>
    <tbody>
      {groups.map(({ domain, queue, job_type, status, count }) => (
        <tr key={`${domain}\n${queue}\n${job_type}\n${status}`}>
          <td>{domain}</td>
          <td>{queue}</td>
          <td>{job_type}</td>
          <td>
            <Status of={status} />
          </td>
          <td class="number">{count.toLocaleString('en')}</td>
        </tr>
      ))}
    </tbody>
  </Rows>
)
