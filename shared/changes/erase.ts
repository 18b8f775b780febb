import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { jobFilterFields } from '../jobs/job-filter.ts'
import { Count, Domain, Integer, JobType, Queue } from '../scope.ts'
import { bulkAnswer, bulkFields } from './bulk-change.ts'
import { documentsOfIds, Ids, prepareFilter } from './filtered-change.ts'

/** The fields that say whose data is erased. Null and blank names are rejected: a forgotten variable must not mean all jobs. */
const filterFields = {
  domain: Domain.optional(),
  queue: Queue.optional(),
  job_type: JobType.optional(),
  owner_user_id: jobFilterFields.owner_user_id,
  ids: Ids.optional().describe('only these jobs: separated by commas in a query, a list in a body'),
  payload: jobFilterFields.payload.refine((values) => !values?.some(isBlank), 'must not have a blank value'),
}

/** A blank value would mean the jobs of everybody who has none. */
const isBlank = ({ value }: { value: string }): boolean => value.trim() === ''

const noName = 'is missing: give owner_user_id, payload or ids; a scope alone names no person'

const Erase = z.strictObject({
  ...filterFields,
  ...bulkFields,
  copies_only: z
    .boolean('must be true or false')
    .default(false)
    .describe(
      'erase only what is left of the jobs beside them: archived copies, and the row images and events of jobs that are gone. For a script that has deleted the jobs itself',
    ),
  with_foreign_rows: z
    .boolean('must be true or false')
    .default(false)
    .describe(
      'also delete the rows of other tables that foreign keys delete along; no undo gives them back. Without it a prune with such rows is refused',
    ),
})

export const EraseRequest = z.preprocess(
  prepareFilter,
  Erase.refine(({ owner_user_id, ids, payload }) => owner_user_id ?? ids ?? payload, {
    path: ['owner_user_id'],
    message: noName,
  }),
)
export type EraseRequest = z.output<typeof EraseRequest>

/** A hold that keeps jobs from an erasure, and how many; `undo_id` is the undo that made it by itself. */
export const KeepingHold = z.object({
  id: Integer.describe('The id of the hold.'),
  undo_id: Integer.nullable().describe(
    'The undo that made the hold by itself; null for a hold that somebody has added.',
  ),
  jobs: Count.describe('How many jobs the hold keeps.'),
})
export type KeepingHold = z.output<typeof KeepingHold>

/** Jobs that the filter names and that an erasure leaves as they are. */
export const PassedOver = z.object({
  running: Count.describe('Running jobs, which a worker has leased.'),
  held: Count.describe('Jobs and archived copies that a hold keeps.'),
  holds: z
    .array(KeepingHold)
    .optional()
    .describe(
      'The holds that keep them, 100 at most; a job that several holds keep counts for each. Servers up to version 0.2.0 do not send it.',
    ),
  needed: Count.optional().describe(
    'Over another engine: jobs that it still needs, such as one on which other jobs wait. Absent for own jobs.',
  ),
  unreadable: Count.describe(
    'With `payload`: archived jobs whose payload another program has compressed, so that the server cannot read it.',
  ),
})
export type PassedOver = z.output<typeof PassedOver>

/** Records of earlier changes that name the value: their text is sealed, and stays. */
export const NamedIn = z.object({
  count: Count.describe('How many records name the value.'),
  operations: z.array(Integer).describe('The first 100 of their ids.'),
})
export type NamedIn = z.output<typeof NamedIn>

/** A table of another program with a column `owner_user_id`, and its rows of the owner; null where the server cannot count them. */
export const NotTouched = z.object({
  table: z.string().describe('The name of the table, with its schema.'),
  rows: Count.nullable().describe('How many of its rows have the owner; null where the server cannot count them.'),
})
export type NotTouched = z.output<typeof NotTouched>

/** What the database has of an owner beside jobs and events. Servers up to version 0.2.0 send none of it. */
const elsewhere = {
  not_touched: z.array(NotTouched).optional().describe('Tables that an erasure does not touch, 20 at most.'),
  copies_left: z
    .array(NotTouched)
    .optional()
    .describe(
      'Archived jobs and row images of tables that have another name now, or that the server does not serve, with their rows that have the value: an erasure does not find them. So are archived jobs whose column of the owner or the payload has another name now.',
    ),
  marks: Count.nullish().describe(
    'Marks of workers that ask for jobs of the owner: they are deleted along. Null where the search took too long, as below.',
  ),
  worker_names: Count.nullish().describe(
    'Names of workers with the value as a word, in marks and in jobs of others, which stay.',
  ),
}
const Elsewhere = z.object(elsewhere)
export type Elsewhere = z.output<typeof Elsewhere>

/** `affected` counts jobs, archived copies of jobs, and jobs of which only events are left. */
export const EraseResult = z.object({
  affected: Count.describe('Jobs, archived copies of jobs, and jobs of which only events are left.'),
  erased: z
    .object({
      jobs: Count.describe('Rows of jobs that were deleted.'),
      archived: Count.describe('Archived copies that were deleted.'),
      gone: Count.describe('Jobs of which only events were left.'),
      row_images: Count.describe('Row images for undos that were deleted.'),
      attachments: Count.describe('Attachments that were deleted.'),
      events: Count.describe('Events that were overwritten.'),
    })
    .optional()
    .describe('The rows that were deleted, by table; of `gone` jobs only events are left, and events are overwritten.'),
  passed_over: PassedOver.nullable().describe('Null where the search took longer than a statement may take.'),
  named_in: NamedIn.nullable().describe(
    'Records of earlier changes that name the value, and stay; null where the search took longer than a statement may take.',
  ),
  ...elsewhere,
  filter_hash: z
    .string()
    .describe('A hash of the filter by a key of this database, which the record has in place of the filter.'),
  ...bulkAnswer,
})
export type EraseResult = z.output<typeof EraseResult>

/**
 * Nothing of an erasure is kept: no undo, no archive, no row images. Previews and logs, too, have a hash of the filter in place of it.
 */
export const erase = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/erase',
  meaning:
    'Erases the jobs of an owner, with a value in their payload, or of ids, for good: rows, archived copies, row images, attachments and edges; owner and attributes of their events are overwritten. Running jobs are passed over. With `copies_only` the jobs themselves stay. The record has a hash of the filter in place of it.',
  needs: 'govern',
  scoped: { refused: 'an erasure looks into the tables of all domains' },
  verb: ({ owner_user_id, payload }) => [
    'erase',
    ...(owner_user_id === undefined ? [] : ['erase_by_owner' as const]),
    ...(payload === undefined ? [] : ['erase_by_payload' as const]),
  ],
  input: EraseRequest,
  output: EraseResult,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
