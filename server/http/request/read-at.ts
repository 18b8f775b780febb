import type { Context } from 'hono'
import * as z from 'zod'
import type { Endpoint, ReadPlace } from '../../../shared/endpoint.ts'
import { Failure } from '../../../shared/errors.ts'
import { headers, isConfirmed } from '../../../shared/headers.ts'
import type { Done } from '../../bulk/change/commission.ts'
import type { ServerContext } from '../../call.ts'
import { hasCode } from '../../database/errors/error-meanings.ts'
import { type ReadReplica, whileAnswering } from '../../database/replica/read-replica.ts'
import type { Standby } from '../../database/replica/standby.ts'
import { servedBy } from '../../engines/served.ts'
import type { RequestContext } from './request-context.ts'

type AddHeader = (name: string, value: string) => void

/** A server whose reads go to its replica; undefined where it has none. */
export const servingAtReplica = (serving: ServerContext): ServerContext | undefined =>
  serving.replica && {
    ...serving,
    sql: serving.replica.sql,
    operatorSql: serving.replica.sql,
    slowReads: serving.replica.slowReads,
  }

/**
 * Whether a read may be made at the replica: it is one of our own jobs, and the endpoint or the caller takes an answer of a moment ago.
 * @param place where its endpoint says that this input may be read
 */
export const mayUseReplica = (
  c: Context<RequestContext>,
  place: ReadPlace | undefined,
  { sql }: ServerContext,
): boolean =>
  servedBy(sql).mode === 'own' &&
  (place === 'replica' || (place === 'stale-ok' && isConfirmed(c.req.header(headers.staleOk))))

/** What a read has of the server that it is made by. */
interface WithReplica {
  replica: Pick<ReadReplica, 'look'> | undefined
}

interface Places<Serving extends WithReplica> {
  primary: Serving
  replica: Serving
  addHeader: AddHeader
}

/**
 * Makes a read at the replica, and at the primary where the replica lags, or fails. The headers of the answer say where, and of when it is.
 * Those of a read that failed or was given up at the replica are not among them.
 * @throws whatever `read` throws at the primary, and what it would throw there, too
 */
export async function readAtEither<Out, Serving extends WithReplica>(
  { primary, replica, addHeader }: Places<Serving>,
  read: (serving: Serving, addHeader: AddHeader) => Promise<Out>,
): Promise<Out> {
  const looking = primary.replica
  const seen = await looking?.look()
  if (looking && seen?.asOf !== undefined) {
    try {
      const found = new Map<string, string>()
      const answer = await whileAnswering(
        read(replica, (name, value) => void found.set(name, value)),
        looking,
      )
      for (const [name, value] of found) addHeader(name, value)
      addHeader(headers.readFrom, 'replica')
      addHeader(headers.asOf, seen.asOf)
      return answer
    } catch (error) {
      if (!mayPassAtPrimary(error)) throw error
    }
  }
  const asOf = seen?.primaryNow()
  const answer = await read(primary, addHeader)
  addHeader(headers.readFrom, 'primary')
  if (asOf !== undefined) addHeader(headers.asOf, asOf)
  return answer
}

/**
 * Checks a call to a server whose only database is a replica.
 * @throws Failure `database_unavailable` for everything but a read that depends on nothing that the primary alone knows
 */
export function requireStandbyRead({
  method,
  needs,
  primaryOnly,
}: Pick<Endpoint, 'method' | 'needs' | 'primaryOnly'>): void {
  if (method === 'GET' && needs !== 'work' && !primaryOnly) return
  throw atStandby('previews, changes, events and calls of workers need the primary')
}

export const atStandby = (why: string): Failure =>
  new Failure('database_unavailable', `the database of this server is a replica, and ${why}; nothing was changed`, {
    hint: 'ask the server of the primary, or promote the replica: this server then does all of it',
    retryAfter: 2,
  })

/** Makes a read of a server whose only database is a replica. A time of the answer that goes by the clock is set back to what was replayed. */
export async function readAtStandby(
  standby: Standby,
  addHeader: AddHeader,
  read: () => Promise<Done<unknown>>,
): Promise<unknown> {
  const asOf = await standby.asOf()
  const done = await read()
  addHeader(headers.readFrom, 'replica')
  if (asOf !== undefined) addHeader(headers.asOf, asOf)
  const answer = 'answer' in done ? done.answer : undefined
  const timed = Timed.safeParse(answer).data
  const isAhead = timed !== undefined && asOf !== undefined && Date.parse(timed.as_of) > Date.parse(asOf)
  return isAhead ? { ...timed, as_of: asOf } : answer
}

/** An answer that says of when it is. */
const Timed = z.looseObject({ as_of: z.string() })

/**
 * False for what the primary would answer, too: a refusal of the endpoint itself, and a statement that took longer than it may. Recovery
 * cancels statements and ends connections, and a job or a column may not have been replayed yet.
 */
function mayPassAtPrimary(error: unknown): boolean {
  if (!(error instanceof Failure)) return !isOverdue(error)
  return error.code === 'not_found' || (error.cause !== undefined && mayPassAtPrimary(error.cause))
}

const isOverdue = (error: unknown): boolean =>
  hasCode(error, ['57014']) && error instanceof Error && error.message.includes('statement timeout')
