import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { ListRequest } from '../../../shared/jobs/list.ts'
import { rejectFaults } from '../../lifecycle/server-limits.ts'

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
const Place = z.strictObject({
  key: z.string().nullable(),
  id: Id,
  /** True when the page includes the job at this place. */
  included: z.boolean(),
})
export type Place = z.output<typeof Place>

/** Where a page begins, and its direction. */
const Cursor = z.strictObject({ to: z.enum(['next', 'prev']), place: Place.optional(), range: IdRange.optional() })
export type Cursor = z.output<typeof Cursor>

/** The cursor as an opaque text, which fits only the filter and the order of `request`. */
export function writeCursor(cursor: Cursor, request: ListRequest): string {
  const text = JSON.stringify(cursor)
  return Buffer.from(`${checksum(text, request)}${text}`).toString('base64url')
}

/**
 * Reads the cursor of a request; undefined for the first page.
 * @throws Failure `invalid_request` for a text that is no cursor, or a cursor of a list with another filter or order
 */
export function readCursor(request: ListRequest): Cursor | undefined {
  if (request.cursor === undefined) return undefined
  const decoded = Buffer.from(request.cursor, 'base64url').toString('utf8')
  const text = decoded.slice(checksumLength)
  const cursor = decoded === checksum(text, request) + text ? Cursor.safeParse(JSON.parse(text)).data : undefined
  if (!cursor) {
    rejectFaults([{ path: 'cursor', message: 'is not a cursor of a list with this filter and this order' }])
  }
  return cursor
}

const checksumLength = 16

/** Ties a cursor to its list, so that a cursor which was cut off, or which belongs to another list, is refused. */
function checksum(text: string, { limit: _limit, cursor: _cursor, ...list }: ListRequest): string {
  const fields = Object.entries(list).filter(([, value]) => value !== undefined)
  const named = JSON.stringify(fields.sort(([one], [other]) => (one < other ? -1 : 1)))
  return createHash('sha256').update(`${named}\n${text}`).digest('hex').slice(0, checksumLength)
}
