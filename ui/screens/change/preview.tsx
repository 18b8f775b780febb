import type { Answer } from '../../api/call.ts'
import { Link } from '../../parts/controls.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Ago, spanText } from '../../parts/times.tsx'
import { Facts, Status } from '../../parts/values.tsx'
import { addressOfJob } from '../../state/address.ts'
import { clock } from '../../state/page.ts'

export type Preview = NonNullable<Answer<'retry'>['preview']>

export const jobsText = (count: number): string => `${count.toLocaleString('en')} ${count === 1 ? 'job' : 'jobs'}`

interface PreviewProps {
  preview: Preview
  verb: string
  /** True for an undo, whose jobs are as old as their copies, and which is itself the way back. */
  isUndo?: boolean
}

/**
 * What a change would do. The questions: how many jobs are these, whose and how old? How long does it take? Is there a way back? What else
 * happens along with it?
 *
 * - first one sentence: `306 failed jobs of orders, in 3 queues, from 5 d to 2 min old. It takes about 1 s. All can be undone for 7 days.`
 * - then what else changes, what stays, and the groups as a table
 */
export function PreviewTable({ preview, verb, isUndo = false }: PreviewProps) {
  return (
    <section class="preview" aria-label="Preview">
      <h2>
        {verb} {countText(preview)}
      </h2>
      {(preview.count > 0 || isLowerBound(preview)) && <p class="lead">{sentenceOf(preview, isUndo)}</p>}
      <p class="faint">
        Counted <Ago at={preview.as_of} />.
      </p>
      <Facts facts={factsOf(preview)} />
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

/** A preview in one or a few sentences. Neither an undo nor a time follows from a number that is not known. */
function sentenceOf(preview: Preview, isUndo: boolean): string {
  const { groups, eta_seconds } = preview
  const states = [...new Set(groups.map(({ status }) => status))]
  const jobs = states.length === 1 ? countText(preview).replace(/ (jobs?)$/, ` ${states[0]} $1`) : countText(preview)
  const ages = isUndo ? [] : agesOf(preview)
  const what = `${[`${jobs}${placesOf(groups)}`, ...ages].join(', ')}.`
  if (isLowerBound(preview)) return `${what} There are too many to count here: how long it takes is not known.`
  return `${what} It takes about ${spanText(Math.ceil(eta_seconds))}.${isUndo ? '' : ` ${wayBackOf(preview)}`}`
}

/** ` of orders, in 3 queues`; of a hundred groups there may be more. */
function placesOf(groups: Preview['groups']): string {
  const domains = [...new Set(groups.map(({ domain }) => domain))]
  const queues = new Set(groups.map(({ domain, queue }) => `${domain}/${queue}`))
  const [domain] = domains
  const [queue] = queues
  if (domain === undefined || queue === undefined) return ''
  const least = groups.length >= mostGroups ? 'at least ' : ''
  if (queues.size === 1 && least === '') return ` of ${queue}`
  return ` of ${domains.length === 1 ? domain : `${least}${domains.length} domains`}, in ${least}${queues.size} queues`
}

function agesOf({ oldest, newest }: Preview): string[] {
  const [from, to] = [oldest, newest].map((at) => (clock.peek() - Date.parse(at ?? '')) / 1000)
  if (from === undefined || to === undefined || !(from >= 0) || !(to >= 0)) return []
  const [first, last] = [spanText(from), spanText(to)]
  return [first === last ? `${first} old` : `from ${first} to ${last} old`]
}

function wayBackOf({ restorable, count, no_way_back, kept_days }: Preview): string {
  if (no_way_back !== undefined) return `There is no way back: ${no_way_back}.`
  if (restorable === undefined) return ''
  if (restorable === 0) return 'None can be undone.'
  const until = typeof kept_days === 'number' ? ` for ${kept_days} ${kept_days === 1 ? 'day' : 'days'}` : ''
  const which = restorable >= count ? (count === 1 ? 'It' : 'All') : `${restorable.toLocaleString('en')} of them`
  return `${which} can be undone${until}.`
}

/** The facts of a preview that it has. */
function factsOf(preview: Preview): (readonly [string, string | undefined])[] {
  const { dependents, dependents_elsewhere, kept_by_hold, owners, reasons } = preview
  const { foreign_rows, archive_full } = preview
  const owner = (name: string | null) => name ?? 'nobody'
  /** What was counted along with the jobs is a lower bound where their number is one. */
  const along = (jobs: number | undefined) =>
    jobs ? `${isLowerBound(preview) ? 'at least ' : ''}${jobsText(jobs)}` : undefined
  return [
    ['Dependents that go along', along(dependents)],
    ['Dependents outside of the scope', along(dependents_elsewhere)],
    ['Kept by a hold', along(kept_by_hold)],
    ['Refused', archive_full ? 'The archive is above its limit (JOBS_ARCHIVE_MAX_BYTES).' : undefined],
    [
      owners.length < mostOwners ? 'Owners' : 'The ten owners with the most jobs',
      owners.map(({ owner_user_id, count }) => `${owner(owner_user_id)} (${count.toLocaleString('en')})`).join(', '),
    ],
    ['Why', reasons?.map(({ reason, count }) => `${reason} (${count.toLocaleString('en')})`).join(', ')],
    [
      'Rows of other tables',
      foreign_rows?.map(({ table, action, rows }) => `${table}: ${rows ?? 'unknown'} ${action}`).join(', '),
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
