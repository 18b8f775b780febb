import { Failure } from '../../shared/errors.ts'
import type { events, JobEvent } from '../../shared/records/events.ts'
import type { Scope } from '../../shared/scope.ts'
import type { Client } from '../http/client.ts'

export interface Page {
  events: readonly JobEvent[]
  /** The page as the server sent it. */
  raw: unknown
}

/** Reads the events after an id in the order of their ids, at most `limit` of them. */
export type ReadEvents = (after: number, limit: number) => Promise<Page>

/** The query for the events after an id. */
export const queryAfter = (id: number, limit: number) => ({ after_id: String(id), limit: String(limit) })

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
  let skipping = {}
  const call = async (after: number, limit: number) => {
    const query = { ...scope, ...queryAfter(after, limit) }
    try {
      return await client.call(endpoint, { ...query, ...skipping })
    } catch (error) {
      if (!passesOver || !(error instanceof Failure) || error.code !== 'events_expired') throw error
      // Only a server that has this answer knows the field.
      skipping = { skip_expired: 'true' }
      return client.call(endpoint, { ...query, ...skipping })
    }
  }
  return async (after, limit) => {
    const { body, raw } = await call(after, limit)
    // Events out of order would make a search or --follow loop for ever.
    if (body.some(({ id }, at) => id <= (body[at - 1]?.id ?? after))) {
      throw new Failure(
        'unexpected_answer',
        `${client.target.url.origin} sent events that are not in the order of their ids`,
        {
          hint: 'check with jobsctl doctor that --url is the root of a jobs server',
        },
      )
    }
    return { events: body, raw }
  }
}

/** The most events of one request. */
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
