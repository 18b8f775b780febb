import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import * as z from 'zod'
import { Failure } from '../../shared/errors.ts'
import type { Sql } from '../database/sql.ts'
import { type Snapshot, snapshotPattern } from './snapshot.ts'

/** What the server signs: names are short, since callers carry it. */
const Signed = z.object({
  id: z.string(),
  kind: z.string(),
  /** Over the filters. */
  hash: z.string(),
  caller: z.string(),
  as_of: z.string(),
  seen: z.string().regex(snapshotPattern),
  count: z.number().int().nonnegative(),
  except: z.array(z.number()).optional(),
})
type Signed = z.output<typeof Signed>

/** What was previewed: by whom, when, and how much it was. */
export interface VerifiedPreview {
  id: string
  as_of: string
  snapshot: Snapshot
  count: number
  /** Jobs that were none of it then, and might become some of it. */
  excluded?: readonly number[] | undefined
}

/** What a preview is of; a change must be of the same. */
export interface PreviewSubject {
  kind: string
  filters: object
  caller: string
  /** The name of the caller in previews of servers that signed the name of a token instead of its id. */
  formerCaller?: string | undefined
}

/** How long a preview may be gone by, in seconds: its set can only shrink, and a second pair of eyes takes its time. */
export const previewLifetimeSeconds = 24 * 3600

/** A fingerprint of anything that is JSON. */
export const hashOfJson = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url')

/**
 * Signs a preview: any server on this database knows it again.
 * @param key the one that the database keeps
 * @throws Failure `database_unavailable` when it has none
 */
export function signToken(key: string | null, subject: PreviewSubject, previewed: Omit<VerifiedPreview, 'id'>): string {
  const { kind, filters, caller } = subject
  const { excluded, snapshot, ...counted } = previewed
  const body: Signed = {
    id: randomUUID(),
    kind,
    hash: hashOfJson(filters),
    caller,
    ...counted,
    seen: snapshot,
    ...(excluded && { except: [...excluded] }),
  }
  const text = Buffer.from(JSON.stringify(body)).toString('base64url')
  return `${text}.${signatureOf(text, key ?? noKey())}`
}

/**
 * Reads a token, and what it is of.
 * @throws Failure `preview_stale` when it was not signed here, or is of another change or caller
 */
export async function verifyToken(
  sql: Sql,
  token: string,
  { kind, filters, caller, formerCaller }: PreviewSubject,
): Promise<VerifiedPreview> {
  const { id, as_of, seen: snapshot, count, except: excluded, ...of } = opened(token, await readSigningKey(sql))
  if (of.kind !== kind) throw previewStale(`the preview is of another operation (${of.kind})`)
  if (of.caller !== caller && of.caller !== formerCaller) throw previewStale('the preview is of another caller')
  if (of.hash !== hashOfJson(filters)) throw previewStale('the preview is of other filters')
  return { id, as_of, snapshot, count, excluded }
}

/** The failure of a change that goes by a preview which does not count any more. */
export const previewStale = (why: string): Failure =>
  new Failure('preview_stale', `${why}; nothing was changed`, { hint: 'preview it again' })

function opened(token: string, key: string): Signed {
  const [text = ''] = token.split('.')
  // As texts, since several texts are the same bytes.
  const given = Buffer.from(token)
  const right = Buffer.from(`${text}.${signatureOf(text, key)}`)
  const genuine = given.length === right.length && timingSafeEqual(given, right)
  if (!genuine) throw previewStale('preview_token is of no preview that a server on this database has signed')
  return Signed.parse(JSON.parse(Buffer.from(text, 'base64url').toString()))
}

const signatureOf = (text: string, key: string): string => createHmac('sha256', key).update(text).digest('base64url')

/** In the database, so that several servers are as one; it never leaves them. */
export async function readSigningKey(sql: Sql): Promise<string> {
  const [row] = await sql<{ value: string }[]>`select value from jobsctl_settings where name = 'preview_key'`
  return row?.value ?? noKey()
}

function noKey(): never {
  throw new Failure('database_unavailable', 'the database has lost the key of its previews', { retryAfter: 30 })
}
