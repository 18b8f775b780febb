import { createHash } from 'node:crypto'
import type * as z from 'zod'
import { rejectFaults } from '../lifecycle/server-limits.ts'

/** The request of a list that comes in pages. */
interface PagedRequest {
  limit: number
  cursor?: string | undefined
}

/** A cursor as an opaque text, which fits only lists that are requested alike, whatever their limit is. */
export function sealCursor(cursor: object, request: PagedRequest): string {
  const text = JSON.stringify(cursor)
  return Buffer.from(`${checksum(text, request)}${text}`).toString('base64url')
}

/**
 * Reads the cursor of a request; undefined for the first page.
 * @throws Failure `invalid_request` for a text that is no cursor, or a cursor of another list
 */
export function openCursor<Cursor extends z.ZodType>(
  request: PagedRequest,
  schema: Cursor,
): z.output<Cursor> | undefined {
  if (request.cursor === undefined) return undefined
  const decoded = Buffer.from(request.cursor, 'base64url').toString('utf8')
  const text = decoded.slice(checksumLength)
  const cursor = decoded === checksum(text, request) + text ? schema.safeParse(JSON.parse(text)).data : undefined
  if (cursor === undefined) {
    rejectFaults([{ path: 'cursor', message: 'is not a cursor of a list with this filter and this order' }])
  }
  return cursor
}

const checksumLength = 16

/** Ties a cursor to its list, so that a cursor which was cut off, or which belongs to another list, is refused. */
function checksum(text: string, { limit: _limit, cursor: _cursor, ...list }: PagedRequest): string {
  const fields = Object.entries(list).filter(([, value]) => value !== undefined)
  const named = JSON.stringify(fields.sort(([one], [other]) => (one < other ? -1 : 1)))
  return createHash('sha256').update(`${named}\n${text}`).digest('hex').slice(0, checksumLength)
}
