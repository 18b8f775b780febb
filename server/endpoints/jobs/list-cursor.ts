import * as z from 'zod'

const Id = z.string().regex(/^-?\d{1,16}$/)
const Key = z.string().min(1).max(4096)

/** A range of ids that is sorted on its own. An end that is absent is not known yet. */
const IdRange = z.strictObject({
  low: Id.optional(),
  high: Id.optional(),
  /** Whether there may be jobs with lower ids, and with higher ids. */
  below: z.boolean(),
  above: z.boolean(),
})
export type IdRange = z.output<typeof IdRange>

const positionWith = (id: z.ZodType<string>) =>
  z.strictObject({
    key: z.string().nullable(),
    id,
    /** True when the page includes the job at this place. */
    included: z.boolean(),
    /** The number of the part of the list, such as the jobs without the sort key; absent for the first part. */
    part: z.int().min(1).max(2).optional(),
  })

/** A place in the sorted jobs: the sort key as text of PostgreSQL, null for a job without one, and the id. */
export type Position = z.output<ReturnType<typeof positionWith>>

const cursorWith = (id: z.ZodType<string>) =>
  z.strictObject({
    to: z.enum(['next', 'prev']),
    place: positionWith(id).optional(),
    range: IdRange.optional(),
  })

/** Where a page begins, and its direction. */
export const Cursor = cursorWith(Id)
export type Cursor = z.output<typeof Cursor>

/** The same in a list of jobs of another engine, whose ids are the texts of keys. */
export const KeyCursor = cursorWith(Key)
