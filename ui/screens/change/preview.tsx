import type { Answer } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Ago, spanText } from '../../parts/times.tsx'
import { Facts, Status } from '../../parts/values.tsx'
import { addressOfJob } from '../../state/address.ts'

export type Preview = NonNullable<Answer<'retry'>['preview']>

export const jobsText = (count: number): string => `${count.toLocaleString('en')} ${count === 1 ? 'job' : 'jobs'}`

/** What a change would do: how many jobs, which, whose, their dependents, how long it takes, and whether there is a way back. */
export function PreviewTable({ preview, verb }: { preview: Preview; verb: string }) {
  return (
    <section class="preview" aria-label="Preview">
      <h2>
        {verb} {countText(preview)}
      </h2>
      <Facts
        facts={[
          ...factsOf(preview),
          ['Oldest', <Ago key="oldest" at={preview.oldest} />],
          ['Newest', <Ago key="newest" at={preview.newest} />],
        ]}
      />
      {preview.groups.length >= mostGroups && <p class="faint">The 100 groups with the most jobs:</p>}
      {preview.groups.length > 0 && (
        <Rows
          label={preview.groups.length < mostGroups ? 'Groups' : 'The 100 largest groups'}
          rows={preview.groups}
          columns={columns}
          keyOf={({ domain, queue, job_type, status }) => `${domain}\n${queue}\n${job_type}\n${status}`}
        />
      )}
      {preview.sample_ids.length > 0 && (
        <p>
          For example{' '}
          {preview.sample_ids.map((id) => (
            <>
              <Link to={addressOfJob(id)}>{id}</Link>{' '}
            </>
          ))}
        </p>
      )}
    </section>
  )
}

/** True for a preview whose count is what was counted until it took too long. */
const isLowerBound = ({ complete }: Pick<Preview, 'complete'>): boolean => complete === false

const countText = (preview: Preview): string =>
  isLowerBound(preview) ? `at least ${jobsText(preview.count_at_least ?? preview.count)}` : jobsText(preview.count)

/** The most groups and owners that the server sends, the largest first. */
const mostGroups = 100
const mostOwners = 10

/** The facts of a preview that it has. */
function factsOf(preview: Preview): (readonly [string, string | undefined])[] {
  const { dependents, dependents_elsewhere, kept_by_hold, restorable, no_way_back, owners, reasons } = preview
  const { foreign_rows, eta_seconds, kept_days, archive_full } = preview
  const owner = (name: string | null) => name ?? 'nobody'
  /** What was counted along with the jobs is a lower bound where their number is one. */
  const along = (jobs: number | undefined) =>
    jobs ? `${isLowerBound(preview) ? 'at least ' : ''}${jobsText(jobs)}` : undefined
  return [
    ['Dependents that go along', along(dependents)],
    ['Dependents outside of the scope', along(dependents_elsewhere)],
    ['Kept by a hold', along(kept_by_hold)],
    // No number of an undo and no time follow from a number that is not known.
    ['An undo could give back', restorable && !isLowerBound(preview) ? jobsText(restorable) : undefined],
    ['Kept for an undo', typeof kept_days === 'number' ? `${kept_days} days` : undefined],
    ['No way back', no_way_back],
    ['Refused', archive_full ? 'The archive is above its limit (JOBS_ARCHIVE_MAX_BYTES).' : undefined],
    [
      owners.length < mostOwners ? 'Owners' : 'The ten owners with the most jobs',
      owners.map(({ owner_user_id, count }) => `${owner(owner_user_id)} ${count.toLocaleString('en')}`).join(', '),
    ],
    ['Why', reasons?.map(({ reason, count }) => `${reason} ${count.toLocaleString('en')}`).join(', ')],
    [
      'Rows of other tables',
      foreign_rows?.map(({ table, action, rows }) => `${table}: ${rows ?? 'unknown'} ${action}`).join(', '),
    ],
    [
      'It takes about',
      isLowerBound(preview)
        ? 'not known: not all jobs were counted'
        : preview.count > 0
          ? spanText(Math.ceil(eta_seconds))
          : undefined,
    ],
  ]
}

const columns: readonly Column<Preview['groups'][number]>[] = [
  ['Domain', ({ domain }) => domain],
  ['Queue', ({ queue }) => queue],
  ['Type', ({ job_type }) => job_type],
  ['Status', ({ status }) => <Status of={status} />],
  ['Jobs', ({ count }) => count.toLocaleString('en'), 'number'],
]
