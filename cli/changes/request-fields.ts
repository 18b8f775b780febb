import * as z from 'zod'
import { fieldsBesideScope } from '../../shared/changes/filtered-change.ts'
import type { BulkKind } from '../../shared/changes/kinds.ts'
import { Failure } from '../../shared/errors.ts'
import type { BulkChange } from '../guard/change.ts'
import { bulkPart } from '../guard/tally.ts'

/** The fields that a server which gives no previews understands. */
const fieldsWithoutPreviews = new Map<BulkKind, readonly string[]>([
  ['requeue', ['domain', 'queue', 'job_type', 'job_id']],
  ['prune', ['domain', 'queue', 'job_type', 'statuses', 'older_than_days']],
  ['sweep', ['domain', 'queue', 'job_type', 'age_seconds', 'runtime_seconds', 'action']],
  ['integrity', ['domain', 'queue', 'job_type']],
  ['cancel', ['domain', 'queue', 'job_type', 'job_id']],
  ['retry', ['domain', 'queue', 'job_type', 'job_id']],
  ['reschedule', ['domain', 'queue', 'job_type', 'delay_seconds']],
])

/**
 * A server that gives no previews passes over fields that it does not know, so that a filter would mean more jobs.
 * @throws Failure `usage`
 */
function refuseUnknownFields(kind: BulkKind, request: Record<string, unknown>): void {
  const unknown = Object.keys(request).filter(
    (field) => request[field] !== undefined && !fieldsWithoutPreviews.get(kind)?.includes(field),
  )
  if (unknown.length === 0) return
  throw new Failure(
    'usage',
    `a server without previews passes over ${unknown.join(', ')}, so that other jobs would be changed; nothing was changed`,
    { hint: 'select the jobs by --domain, --queue and --job-type; jobsctl doctor shows what this server lacks' },
  )
}

const Fields = z.record(z.string(), z.unknown())

/** A check of the server of a change: one that gives no previews would pass over fields of its requests. */
export const checkFields =
  <Out extends z.ZodType>(
    kind: BulkKind,
    requests: readonly object[],
  ): NonNullable<BulkChange<z.ZodType, Out>['checkServer']> =>
  (_client, answers) => {
    const isOther = answers.length === 0 || answers.some((answer) => bulkPart(answer).preview === undefined)
    if (isOther) for (const request of requests) refuseUnknownFields(kind, Fields.parse(request))
  }

/** The fields of the filter beside the scope that a parsed request has. */
export const filterFieldsOf = (parsed: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(parsed).filter(([name, value]) => Object.hasOwn(fieldsBesideScope, name) && value !== undefined),
  )

/** A request with further fields. */
export const withFields = (request: unknown, more: object): object => ({ ...Fields.parse(request), ...more })

/** The preview of a request, and the request with its limits, for an endpoint that takes `dry_run`. */
export const byDryRun = {
  preview: (request: unknown) => withFields(request, { dry_run: true }),
  bounded: (request: unknown, bound: object) => withFields(request, { dry_run: false, ...bound }),
}
