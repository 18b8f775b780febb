import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import { eventStream, events } from '../../../../shared/endpoints.ts'
import { JobEvent } from '../../../../shared/records/events.ts'
import { apiKey } from '../../../launch/server.ts'
import type { Random } from '../random.ts'
import type { Caller } from './caller.ts'

/** A client that reads all events. */
export interface Reader {
  name: string
  /** The ids of the events that it received, in that order. */
  ids: number[]
  /** Stops the reader. Resolves when its last call has ended. */
  stop: () => Promise<void>
}

/** Starts a reader that polls the events endpoint with the last id as its cursor. */
export function followByCursor(caller: Caller): Reader {
  const ids: number[] = []
  const stopping = new AbortController()
  const follow = async () => {
    while (!stopping.signal.aborted) {
      const { body } = await caller.call(events, { after_id: String(ids.at(-1) ?? 0), limit: '1000' })
      for (const { id } of body ?? []) ids.push(id)
      if ((body?.length ?? 0) < 1000) await wait(10)
    }
  }
  const following = follow()
  return { name: 'the cursor', ids, stop: () => stopAnd(stopping, following) }
}

interface Streaming {
  servers: readonly string[]
  random: Random
}

/** Starts a reader of the event stream. It closes its connection after 0.2 to 8 s and reconnects with Last-Event-ID. */
export function followByStream({ servers, random }: Streaming): Reader {
  const ids: number[] = []
  const stopping = new AbortController()
  let lastId = ''
  const readStream = async () => {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(random.whole(200, 8000))])
    const { statusCode, body } = await request(`${random.pick(servers)}${eventStream.path}`, {
      headers: { 'x-api-key': apiKey, ...(lastId && { 'last-event-id': lastId }) },
      signal,
    })
    if (statusCode !== 200) return void (await body.dump())
    let text = ''
    body.setEncoding('utf8')
    for await (const chunk of body) {
      const blocks = `${text}${chunk}`.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        lastId = /^id: (\d+)$/m.exec(block)?.[1] ?? lastId
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data !== undefined) ids.push(JobEvent.parse(JSON.parse(data)).id)
      }
    }
  }
  const follow = async () => {
    while (!stopping.signal.aborted) {
      await readStream().catch(() => {}) // the loop reconnects
      await wait(50)
    }
  }
  const following = follow()
  return { name: 'the stream', ids, stop: () => stopAnd(stopping, following) }
}

function stopAnd(stopping: AbortController, following: Promise<void>): Promise<void> {
  stopping.abort()
  return following
}
