import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import type * as z from 'zod'
import { readSigningKey } from '../bulk/token/preview-keys.ts'
import type { Reading } from '../call.ts'
import { hasCode } from '../database/errors/error-meanings.ts'
import { jsonOf } from '../database/lossless-json.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { rejectFaults } from '../lifecycle/server-limits.ts'

/** The request of a list that comes in pages. */
interface PagedRequest {
  limit: number
  cursor?: string | undefined
}

/** A key of AES-256, which all servers on the database have and no caller gets. */
export type CursorKey = Buffer

/**
 * The key for cursors of a caller with a scope: a search may stop at a job outside of the scope, and the cursor has its place.
 * Undefined for another caller, whose cursors can be read.
 */
export async function cursorKey({ sql, within }: Reading): Promise<CursorKey | undefined> {
  if (within === undefined) return undefined
  return createHash('sha256')
    .update(`cursor ${await readSigningKey(sql)}`)
    .digest()
}

/**
 * A cursor as an opaque text, which fits only lists that are requested alike, whatever their limit is.
 * @param key encrypts it
 */
export function sealCursor(cursor: object, request: PagedRequest, key?: CursorKey): string {
  const text = JSON.stringify(cursor)
  const sealed = Buffer.from(`${checksum(text, request)}${text}`)
  return (key ? encrypted(sealed, key) : sealed).toString('base64url')
}

const [nonceBytes, tagBytes] = [12, 16]

function encrypted(text: Buffer, key: CursorKey): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const body = Buffer.concat([cipher.update(text), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}

/** An empty text where no server on the database has encrypted these bytes. */
function decrypted(bytes: Buffer, key: CursorKey): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, padded(bytes.subarray(0, nonceBytes), nonceBytes))
  decipher.setAuthTag(padded(bytes.subarray(nonceBytes, nonceBytes + tagBytes), tagBytes))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()])
  } catch {
    return Buffer.alloc(0)
  }
}

/** A text that was cut off has too few bytes. */
const padded = (bytes: Buffer, length: number): Buffer =>
  Buffer.concat([bytes, Buffer.alloc(length)]).subarray(0, length)

/**
 * Reads the cursor of a request; undefined for the first page.
 * @throws Failure `invalid_request` for a text that is no cursor, or a cursor of another list
 */
export function openCursor<Cursor extends z.ZodType>(
  request: PagedRequest,
  schema: Cursor,
  key?: CursorKey,
): z.output<Cursor> | undefined {
  if (request.cursor === undefined) return undefined
  const bytes = Buffer.from(request.cursor, 'base64url')
  const decoded = (key ? decrypted(bytes, key) : bytes).toString('utf8')
  const text = decoded.slice(checksumLength)
  // Who knows the checksum, which has no key, can send any text.
  const cursor = decoded === checksum(text, request) + text ? schema.safeParse(jsonOf(text)).data : undefined
  if (cursor === undefined) rejectCursor()
  return cursor
}

/**
 * For the error of a page: PostgreSQL may find no time or number in the sort key of a cursor that somebody has made. A value of a job raises the same
 * error, so the values of the cursor are read without jobs.
 * @param values those of the cursor, cast as the page casts them; undefined for the first page
 * @throws Failure `invalid_request` where PostgreSQL cannot read them, or the error
 */
export const unlessForged =
  (sql: Sql, values: Fragment | undefined) =>
  async (error: unknown): Promise<never> => {
    if (values && hasCode(error, ['22'])) {
      const isForged = await sql`select ${values}`.then(
        () => false,
        (reason: unknown) => hasCode(reason, ['22']),
      )
      if (isForged) rejectCursor()
    }
    throw error
  }

const rejectCursor = () =>
  rejectFaults([{ path: 'cursor', message: 'is not a cursor of a list with this filter and this order' }])

const checksumLength = 16

/** Ties a cursor to its list, so that a cursor which was cut off, or which belongs to another list, is refused. */
function checksum(text: string, { limit: _limit, cursor: _cursor, ...list }: PagedRequest): string {
  const fields = Object.entries(list).filter(([, value]) => value !== undefined)
  const named = JSON.stringify(fields.sort(([one], [other]) => (one < other ? -1 : 1)))
  return createHash('sha256').update(`${named}\n${text}`).digest('hex').slice(0, checksumLength)
}

/**
 * A link of the header `Link` to another page of the same call. It is relative, so that it holds behind any proxy.
 * @param fields the query of that page; fields that are undefined are left out
 */
export function pageLink(fields: Readonly<Record<string, unknown>>, rel: 'next' | 'prev'): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value))
  return `<?${query}>; rel="${rel}"`
}
