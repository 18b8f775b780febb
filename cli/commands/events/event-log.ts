import { Failure, refusesField } from '../../../shared/errors.ts'
import { headers } from '../../../shared/headers.ts'
import type { events, JobEvent } from '../../../shared/records/events.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { Client } from '../../http/client.ts'

export interface Page {
  events: readonly JobEvent[]
  /** The page as the server sent it. */
  raw: unknown
  /** The id after which the server goes on: it has not looked at all events, or the page is full. */
  next: number | undefined
}

/** Reads the events after an id in the order of their ids, at most `limit` of them. */
export type ReadEvents = (after: number, limit: number) => Promise<Page>

/** The query for the events after an id. */
export const queryAfter = (id: number, limit: number) => ({ after_id: String(id), limit: String(limit) })

const isExpired = (error: unknown): boolean => error instanceof Failure && error.code === 'events_expired'

interface Reading {
  endpoint: typeof events
  scope: Scope
  /** The reader has no place in the log to go on from, so that it misses nothing of what has been deleted. */
  passesOver: boolean
}

/**
 * Reads the event log of a server, which the API gives in the order of ids only.
 * @throws Failure `events_expired` when events after an id have been deleted, unless the reader passes over them
 */
export function eventLog(client: Client, { endpoint, scope, passesOver }: Reading): ReadEvents {
  let known: { partial?: 'true'; skip_expired?: 'true' } = { partial: 'true' }
  const call = async (after: number, limit: number) => {
    for (;;) {
      try {
        return await client.call(endpoint, { ...scope, ...queryAfter(after, limit), ...known })
      } catch (error) {
        const { partial, ...others } = known
        // Servers up to 0.2.0 know no such field.
        if (partial && refusesField(error, 'partial')) known = others
        // Only a server that has this answer knows the field.
        else if (passesOver && !known.skip_expired && isExpired(error)) known = { ...known, skip_expired: 'true' }
        else throw error
      }
    }
  }
  return async (after, limit) => {
    const { body, raw, header } = await call(after, limit)
    const next = Number(header(headers.nextAfter) ?? Number.NaN)
    // Events out of order would make a search or --follow loop for ever.
    if (body.some(({ id }, at) => id <= (body[at - 1]?.id ?? after))) {
      throw new Failure(
        'unexpected_answer',
        `${client.target.name} sent events that are not in the order of their ids`,
        {
          hint: 'check with jobsctl doctor that --url is the root of a jobs server',
        },
      )
    }
    return { events: body, raw, next: next > after ? next : undefined }
  }
}

/** The most events of one request. */
export const pageSize = 500

/** Page by page from an id on, until there are no more, or `most` have come. A page has at least one event. */
export async function* pages(read: ReadEvents, after: number, most = Number.POSITIVE_INFINITY): AsyncGenerator<Page> {
  for (let left = most; left > 0; ) {
    const page = await read(after, Math.min(pageSize, left))
    if (page.events.length > 0) yield page
    const next = page.next ?? page.events.at(-1)?.id
    if (next === undefined) return
    after = next
    left -= page.events.length
  }
}

/** The first `limit` events after an id, or all there are. */
export async function firstEvents(read: ReadEvents, after: number, limit: number): Promise<readonly JobEvent[]> {
  const found: JobEvent[] = []
  for (let from: number | undefined = after; from !== undefined && found.length < limit; ) {
    const page: Page = await read(from, limit - found.length)
    found.push(...page.events)
    from = page.next
  }
  return found
}
