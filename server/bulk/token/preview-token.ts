import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import * as z from 'zod'
import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { Failure } from '../../../shared/errors.ts'
import { JobId } from '../../../shared/work/job.ts'
import { Origin } from '../../database/installation/origin.ts'
import type { Sql } from '../../database/sql.ts'
import { idOfKey, readKeys, throwNoKey } from './preview-keys.ts'
import { type Snapshot, snapshotPattern } from './snapshot.ts'

/** The body of a token. Names are short, since callers send the token in every request. */
const TokenBody = z.object({
  id: z.string(),
  /** The id of the key that signed the token; absent in tokens of earlier servers, which had none. */
  key: z.string().optional(),
  kind: z.string(),
  /** The hash over the filters. */
  hash: z.string(),
  caller: z.string(),
  /** The hash over the scope of the caller; absent for a caller that is not limited. */
  within: z.string().optional(),
  as_of: z.string(),
  seen: z.string().regex(snapshotPattern),
  count: z.number().int().nonnegative(),
  /** False where more jobs may match than were counted. A server that does not know the field changes as many as were counted. */
  complete: z.literal(false).optional(),
  except: z.array(JobId).optional(),
  /** The database of the preview; absent in tokens of servers before 0.3.0, which do not read it either. */
  origin: Origin.optional(),
})
type TokenBody = z.output<typeof TokenBody>

/** What a token has of a preview: its time, its snapshot, and its count of jobs. */
interface Signed {
  as_of: string
  snapshot: Snapshot
  count: number
  complete?: false
  /** Ids of jobs that the preview did not count, and that might match later. */
  excluded?: readonly JobId[] | undefined
  /** The database as it was before the preview. */
  origin: Origin | undefined
}

/** A preview whose token was verified. */
export interface VerifiedPreview extends Omit<Signed, 'count' | 'complete'> {
  id: string
  /** The token itself. */
  token: string
  /** Null where the preview did not count to the end. */
  count: number | null
}

/** What a token is bound to: the change must have the same kind, filters, caller and scope of the caller. */
export interface PreviewSubject {
  kind: string
  filters: object
  caller: string
  within: TokenScope | undefined
  /** The name of the caller in previews of servers that signed the name of a token instead of its id. */
  formerCaller?: string | undefined
}

/** How long a token is valid, in seconds: the set of a preview can only shrink, and a review by a second person takes time. */
export const previewLifetimeSeconds = 24 * 3600

/** The SHA-256 hash over a value as JSON, in base64url. */
export const hashOfJson = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url')

/**
 * Signs a preview; every server on this database can verify the token.
 * @param key the signing key in the database, or null where the database has none
 * @throws Failure `database_unavailable` when `key` is null
 */
export function signToken(key: string | null, subject: PreviewSubject, previewed: Signed): string {
  const { kind, filters, caller, within } = subject
  const { excluded, snapshot, origin, ...counted } = previewed
  const known = key ?? throwNoKey()
  const body: TokenBody = {
    id: randomUUID(),
    key: idOfKey(known),
    kind,
    hash: hashOfJson(filters),
    caller,
    ...(within && { within: hashOfJson(within) }),
    ...counted,
    seen: snapshot,
    ...(excluded && { except: [...excluded] }),
    ...(origin && { origin }),
  }
  const text = Buffer.from(JSON.stringify(body)).toString('base64url')
  return `${text}.${signatureOf(text, known)}`
}

/**
 * Verifies the signature of a token and what the token is bound to.
 * @throws Failure `preview_stale` when no server on this database signed it, when its key was rotated away, or when it is bound to another
 * change or caller
 */
export const verifyToken = async (sql: Sql, token: string, subject: PreviewSubject): Promise<VerifiedPreview> =>
  boundPreview(token, parseToken(token, await readKeys(sql)), subject)

/** Whether one of these keys has signed the token of a change that has begun: its key may have been rotated away since. */
export const isStillSigned = ({ token }: Pick<VerifiedPreview, 'token'>, keys: readonly string[]): boolean =>
  isGenuine(token, keys)

/**
 * The preview of a change that has begun, whose signature was verified then: the change goes on also where the key was rotated away since.
 * @throws Failure `preview_stale` when the token is bound to another change or caller
 */
export const previewOfBegun = (token: string, subject: PreviewSubject): VerifiedPreview =>
  boundPreview(token, bodyOf(token), subject)

function boundPreview(
  token: string,
  { id, as_of, seen: snapshot, except: excluded, origin, ...bound }: TokenBody,
  { kind, filters, caller, formerCaller, within }: PreviewSubject,
): VerifiedPreview {
  if (bound.kind !== kind) throw previewStale(`the preview is of another operation (${bound.kind})`)
  if (bound.caller !== caller && bound.caller !== formerCaller) throw previewStale('the preview is of another caller')
  if (bound.within !== (within && hashOfJson(within)))
    throw previewStale('the scope of the caller has changed since the preview')
  if (bound.hash !== hashOfJson(filters)) throw previewStale('the preview is of other filters')
  return { id, token, as_of, snapshot, count: bound.complete === false ? null : bound.count, excluded, origin }
}

/** The failure `preview_stale` of a change whose token is not valid; `why` is a clause. */
export const previewStale = (why: string): Failure =>
  new Failure('preview_stale', `${why}; nothing was changed`, { hint: 'preview it again' })

/** What a token says of itself, for a token that this server has just signed. */
export const readToken = (token: string): Pick<TokenBody, 'id' | 'kind' | 'seen' | 'as_of'> => bodyOf(token)

const bodyOf = (token: string): TokenBody =>
  TokenBody.parse(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()))

function parseToken(token: string, keys: readonly string[]): TokenBody {
  const [text = ''] = token.split('.')
  const claimed = claimedKey(text)
  const known = keys.filter((key) => claimed === undefined || idOfKey(key) === claimed)
  if (known.length === 0)
    throw previewStale(`the key ${claimed} of preview_token was rotated away, or is of another database`)
  if (!isGenuine(token, known)) throw previewStale('preview_token is not signed by a server on this database')
  return bodyOf(text)
}

function isGenuine(token: string, keys: readonly string[]): boolean {
  const [text = ''] = token.split('.')
  // Compared as text: several base64url texts decode to the same bytes.
  const given = Buffer.from(token)
  return keys.some((key) => {
    const expected = Buffer.from(`${text}.${signatureOf(text, key)}`)
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
}

const Claim = z.object({ key: z.string().regex(/^[0-9a-f]{8}$/) })

/** Which key a token says that it is signed with, before that is verified; undefined for one that says nothing of the kind. */
function claimedKey(text: string): string | undefined {
  try {
    return Claim.parse(JSON.parse(Buffer.from(text, 'base64url').toString())).key
  } catch {
    return undefined
  }
}

const signatureOf = (text: string, key: string): string => createHmac('sha256', key).update(text).digest('base64url')
