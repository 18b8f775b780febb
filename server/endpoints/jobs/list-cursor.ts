import * as z from 'zod'

const Id = z.string().regex(/^-?\d{1,16}$/)

/** A range of ids that is sorted on its own. An end that is absent is not known yet. */
const IdRange = z.strictObject({
  low: Id.optional(),
  high: Id.optional(),
  /** Whether there may be jobs with lower ids, and with higher ids. */
  below: z.boolean(),
  above: z.boolean(),
})
export type IdRange = z.output<typeof IdRange>

/** A place in the sorted jobs: the sort key as text of PostgreSQL, null for a job without one, and the id. */
const Position = z.strictObject({
  key: z.string().nullable(),
  id: Id,
  /** True when the page includes the job at this place. */
  included: z.boolean(),
  /** The number of the part of the list, such as the jobs without the sort key; absent for the first part. */
  part: z.int().min(1).max(2).optional(),
})
export type Position = z.output<typeof Position>

/** Where a page begins, and its direction. */
export const Cursor = z.strictObject({
  to: z.enum(['next', 'prev']),
  place: Position.optional(),
  range: IdRange.optional(),
})
export type Cursor = z.output<typeof Cursor>
