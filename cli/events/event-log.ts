import { Failure } from '../../shared/errors.ts'
import type { events, JobEvent } from '../../shared/records/events.ts'
import type { Scope } from '../../shared/scope.ts'
import type { Client } from '../http/client.ts'

export interface Page {
  events: readonly JobEvent[]
  /** The same as the server sent them. */
  raw: unknown
}

/** Reads the events after an id in the order of their ids, at most `limit` of them. */
export type ReadEvents = (after: number, limit: number) => Promise<Page>

/** As the query has them. */
export const askedAfter = (id: number, limit: number) => ({ after_id: String(id), limit: String(limit) })

/** The event log of a server, which can be read forward only. */
export function eventLog(client: Client, endpoint: typeof events, scope: Scope): ReadEvents {
  return async (after, limit) => {
    const { body, raw } = await client.call(endpoint, { ...scope, ...askedAfter(after, limit) })
    // A search, or a reader that follows, would go round in circles.
    if (body.some(({ id }, at) => id <= (body[at - 1]?.id ?? after))) {
      throw new Failure('unexpected_answer', `${client.target.url.origin} answers events that are not in order`, {
        hint: 'is this the root of a jobs server? jobsctl doctor looks closer',
      })
    }
    return { events: body, raw }
  }
}

/** The most events to ask for at once. */
export const pageSize = 500

/** Page by page from an id on, until there are no more, or `most` have come. */
export async function* pages(read: ReadEvents, after: number, most = Number.POSITIVE_INFINITY): AsyncGenerator<Page> {
  for (let left = most; left > 0; ) {
    const page = await read(after, Math.min(pageSize, left))
    const last = page.events.at(-1)
    if (!last) return
    yield page
    after = last.id
    left -= page.events.length
  }
}
