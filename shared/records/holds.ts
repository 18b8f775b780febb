import * as z from 'zod'
import { documentsOfIds, Ids, prepareFilter } from '../changes/filtered-change.ts'
import { endpoint } from '../endpoint.ts'
import { jobFilterFields } from '../jobs/job-filter.ts'
import { Count, optional, preset, queryNumber } from '../scope.ts'
import { Time } from '../time.ts'
import { JobId, PathId } from '../work/job.ts'

const string = z.string().nullable()

/** What keeps jobs from prune, sweep and the end of the archive's term. One of `filter`, `operation_id` and `jobs` is not null. */
export const Hold = z.object({
  id: z.number(),
  /**
   * The filter, by the names of the API; `{}` is over every job. Jobs that match later are held, too. A caller who sees no payloads gets
   * null for `payload` and `error`.
   */
  filter: z.record(z.string(), z.unknown()).nullable(),
  /** The operation whose archived jobs and row images are kept. */
  operation_id: z.number().nullable(),
  /** The number of single jobs. */
  jobs: Count.nullable(),
  /** The undo that made the hold over the jobs that it gave back. */
  undo_id: z.number().nullable(),
  until: z.string(),
  reason: string,
  caller: z.string(),
  created_at: z.string(),
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
    ids: optional(Ids),
    /** True for every job, in place of a filter. */
    all: preset(z.boolean('must be true or false'), false),
    operation_id: JobId.optional(),
    until: Time,
  })
  .refine((request) => subjects(request) === 1, 'give a filter, all: true, ids or operation_id, and only one of them')
export type AddHold = z.output<typeof AddHold>

const refused = { refused: 'a hold may keep jobs of all domains, which have room for 100 holds' } as const

/** Holds jobs. When the answer arrives, no change that passes holds over touches these jobs any more. */
export const addHold = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/holds',
  needs: 'change',
  scoped: refused,
  input: z.preprocess(prepareFilter, AddHold),
  output: Hold,
  changes: () => true,
  unconfirmed: true,
  created: () => true,
  documents: documentsOfIds,
})

/** The holds that have not ended, the newest first. */
export const listHolds = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/holds',
  needs: 'records',
  scoped: refused,
  input: z.strictObject({
    /** Only holds with a lower id, for the next page. */
    before_id: queryNumber(1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    limit: queryNumber(1, 1000, 100),
  }),
  output: z.array(Hold),
  changes: () => false,
})

/** Ends a hold before its time. */
export const removeHold = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/holds/:id/remove',
  needs: 'change',
  scoped: refused,
  input: z.strictObject({ id: PathId }),
  output: Hold,
  changes: () => true,
  unconfirmed: true,
})
