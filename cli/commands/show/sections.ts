import * as z from 'zod'
import { restoreDigits } from '../../../sdk/call/exact-json.ts'
import { leastText, mostRelated } from '../../../shared/explain/phrases.ts'
import type { ShownJob } from '../../../shared/jobs/show.ts'
import { clockText, spanText, whenText } from '../../../shared/times/time-and-size.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { textOf, timeOf } from './columns.ts'

/** A part of the screen: its label, and its lines, which are cut at the width of the screen. */
export interface Section {
  label: string
  lines: readonly string[]
}

const times = new Map([
  ['created_at', 'created'],
  ['available_at', 'due'],
  ['acquired_at', 'acquired'],
  ['started_at', 'started'],
  ['leased_until', 'lease until'],
  ['cancel_requested_at', 'asked to end'],
  ['quarantined_at', 'quarantined'],
  ['cancelled_at', 'cancelled'],
  ['completed_at', 'ended'],
  ['archived_at', 'archived'],
])

/** The times of a job, the earliest first; a text that is no time, such as `infinity`, comes last. */
export function timeline(job: ShownJob): string[] {
  const given = [...times].filter(([column]) => textOf(job, column) !== '')
  const distinct = given.filter(
    ([column]) => column !== 'acquired_at' || textOf(job, column) !== textOf(job, 'started_at'),
  )
  const place = (column: string) => timeOf(job, column) ?? Number.POSITIVE_INFINITY
  return distinct
    .sort(([one], [other]) => (place(one) === place(other) ? 0 : place(one) - place(other)))
    .map(([column, label]) => {
      const text = textOf(job, column)
      const at = timeOf(job, column)
      return `${label.padEnd(12)}  ${clockText(text)}${at === undefined ? '' : `  ${whenText(text)}`}`
    })
}

/** Who has to do with a job: its owner, its worker, and the lease. */
export function whoText(job: ShownJob): string {
  const parts = [
    ['worker', textOf(job, 'worker_id')],
    ['lease', job.lease_fingerprint ?? ''],
    ['owner', textOf(job, 'owner_user_id')],
    ['batch', textOf(job, 'batch_group')],
  ]
  return parts.flatMap(([label, value]) => (value === '' ? [] : [`${label} ${value}`])).join(', ')
}

const Failures = z.array(
  z.looseObject({
    ts: z.unknown(),
    error_code: z.unknown(),
    retry_backoff: z.unknown(),
  }),
)
const mostFailures = 3

/** The error of a job, and its last failures, the newest first. */
export function errorLines(job: ShownJob): string[] {
  const message = textOf(job, 'error_message') || textOf(job, 'last_error')
  const code = textOf(job, 'error_code')
  const error = [code, message === code ? '' : message].filter((part) => part !== '').join(': ')
  const history = Failures.safeParse(job.failure_timeline).data ?? []
  const shown = history.toReversed().slice(0, mostFailures).map(failureText)
  const more = history.length - shown.length
  return [...(error === '' ? [] : [error]), ...shown, ...(more > 0 ? [`and ${more} failures before`] : [])]
}

function failureText({ ts, error_code, retry_backoff }: z.output<typeof Failures>[number]): string {
  const wait = typeof retry_backoff === 'number' ? `, next try after ${spanText(retry_backoff)}` : ''
  return `${typeof ts === 'string' ? whenText(ts) : 'once'}  ${typeof error_code === 'string' ? error_code : 'no code'}${wait}`
}

/** A JSON value on one line, with its length where it is long. */
export function foldedText(value: unknown): string {
  const text = restoreDigits(JSON.stringify(value ?? null))
  const start = [...text.slice(0, 2 * longValue)].slice(0, longValue).join('')
  return start === text ? text : `${start}… (${groupedDigits(text.length)} characters)`
}
const longValue = 60

const mostListed = 3

/** The jobs at one side of the dependencies. */
export function relatedLines(
  related: readonly { uuid: string; id: JobId | null; status: string | null; archived?: boolean }[],
) {
  const lines = related.slice(0, mostListed).map(({ uuid, id, status, archived }) => {
    if (id === null) return `${uuid}  unknown`
    return `${id}  ${status ?? ''}${archived ? ' (in the archive)' : ''}`
  })
  const more = related.length - lines.length
  return more > 0 ? [...lines, `and ${leastText(related.length, mostRelated)}${more} more`] : lines
}

const mostAttachments = 3
const mostEvents = 5

export const attachmentLines = ({ attachments = [] }: ShownJob): string[] =>
  attachments
    .toReversed()
    .slice(0, mostAttachments)
    .map(({ kind, created_at, url, content_text }) =>
      [whenText(created_at ?? ''), kind, url ?? content_text ?? ''].filter((part) => part !== '').join('  '),
    )

/** The last events, the newest first, with their attributes that are no objects. */
export const eventLines = ({ events = [] }: ShownJob): string[] =>
  events
    .toReversed()
    .slice(0, mostEvents)
    .map(({ created_at, event_type, attrs }) => `${whenText(created_at ?? '')}  ${event_type}${attrsText(attrs)}`)

function attrsText(attrs: unknown): string {
  if (typeof attrs !== 'object' || attrs === null) return ''
  const plain = Object.entries(attrs).filter(([, value]) => typeof value !== 'object')
  return plain.length === 0 ? '' : `  ${plain.map(([name, value]) => `${name}=${value}`).join(' ')}`
}
