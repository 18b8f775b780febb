import * as z from 'zod'
import { documentsOfIds, Ids, prepareFilter } from '../changes/filtered-change.ts'
import { endpoint } from '../endpoint.ts'
import { jobFilterFields } from '../jobs/job-filter.ts'
import { Count, Instant, Integer, optional, preset, queryNumber, Time } from '../scope.ts'
import { OwnId, PathId } from '../work/job.ts'

const string = z.string().nullable()

/** What keeps jobs from prune, sweep and the end of the archive's term. One of `filter`, `operation_id` and `jobs` is not null. */
export const Hold = z.object({
  id: Integer.describe('The id of the hold.'),
  filter: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe(
      'The filter, by the names of the API; `{}` is over every job. Jobs that match later are held, too. A caller who sees no payloads gets null for `payload` and `error`.',
    ),
  operation_id: Integer.nullable().describe('The operation whose archived jobs and row images are kept.'),
  jobs: Count.nullable().describe('The number of single jobs.'),
  undo_id: Integer.nullable().describe('The undo that made the hold over the jobs that it gave back.'),
  until: Instant.describe('Until when the jobs are held.'),
  reason: string.describe('Why they are held; null where no reason was given.'),
  caller: z.string().describe('The id of the caller who added the hold.'),
  created_at: Instant.describe('When the hold was added.'),
})
export type Hold = z.output<typeof Hold>

const { ids: _, ...filterFields } = jobFilterFields

/** What a hold is over: exactly one of a filter, `all`, `ids` and `operation_id`. */
const subjects = ({ ids, operation_id, all, until: _, ...filter }: Record<string, unknown>): number =>
  [
    ids !== undefined,
    operation_id !== undefined,
    all === true,
    Object.values(filter).some((value) => value !== undefined),
  ].filter(Boolean).length

const AddHold = z
  .strictObject({
    ...filterFields,
    ids: optional(Ids).describe('these jobs, whether they exist or are in the archive, at most 1,000,000'),
    all: preset(z.boolean('must be true or false'), false).describe('true for every job, in place of a filter'),
    operation_id: OwnId.optional().describe(
      'the archived jobs and row images of this operation, and jobs that still exist',
    ),
    until: Time.describe('when the hold ends, at most 3,650 days from now'),
  })
  .refine((request) => subjects(request) === 1, 'give a filter, all: true, ids or operation_id, and only one of them')
export type AddHold = z.output<typeof AddHold>

const refused = { refused: 'a hold may keep jobs of all domains, which have room for 100 holds' } as const

export const addHold = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/holds',
  meaning:
    "Holds jobs until a time: prune, sweep and the end of the archive's term pass them over. A hold by filter is also over jobs that match later; one over an operation keeps its archived jobs and row images. When the answer arrives, no batch that began before it still runs. At most 100 holds at once, beside those of undos.",
  needs: 'change',
  scoped: refused,
  verb: 'holds',
  input: z.preprocess(prepareFilter, AddHold),
  output: Hold,
  changes: () => true,
  unconfirmed: true,
  created: () => true,
  documents: documentsOfIds,
})

export const listHolds = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/holds',
  meaning: 'The holds that have not ended, the newest first. The header `Link` has the next page.',
  needs: 'records',
  scoped: refused,
  verb: 'holds',
  input: z.strictObject({
    before_id: queryNumber(1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER).describe(
      'only holds before this id, to turn the page',
    ),
    limit: queryNumber(1, 1000, 100).describe('the most rows to answer'),
  }),
  output: z.array(Hold),
  changes: () => false,
})

export const removeHold = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/holds/:id/remove',
  meaning: 'Ends a hold before its time; 404 for one that has ended.',
  needs: 'change',
  scoped: refused,
  verb: 'holds',
  input: z.strictObject({ id: PathId.describe('the id of the hold') }),
  output: Hold,
  changes: () => true,
  unconfirmed: true,
})
