import { createInterface } from 'node:readline'
import { request } from 'undici'
import { type JobEvent, JobEvent as Shape } from '../../../shared/records/events.ts'
import { until } from '../poll.ts'
import { jobPaths } from '../worker.ts'
import type { World } from '../world.ts'

/** A stream of events that is being read. */
export interface EventReader {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** The `id:` lines so far, those of heartbeats among them. */
  ids: number[]
  events: JobEvent[]
  /** All lines of the stream so far. */
  lines: string[]
  heartbeats: () => number
  /** Once so many events have come. */
  count: (n: number) => Promise<unknown>
  /** Resolves when the server has ended the stream. */
  ended: Promise<void>
  stop: () => void
}

/** Messages of an event are named `job`; those of a server before the names have none. */
const isEvent = (name: string) => name === 'job' || name === ''

/** Reads the stream as a browser would: line by line. */
export async function readStream(
  { url, key }: Pick<World, 'url' | 'key'>,
  query = '',
  headers: Record<string, string> = {},
): Promise<EventReader> {
  const reader = new AbortController()
  const answer = await request(`${url}${jobPaths.stream}${query}`, {
    headers: { 'x-api-key': key, ...headers },
    signal: reader.signal,
  })
  const ids: number[] = []
  const events: JobEvent[] = []
  const lines: string[] = []
  let heartbeats = 0
  /** The name of the message that is being read. */
  let name = ''
  const ended = (async () => {
    for await (const line of createInterface({ input: answer.body })) {
      lines.push(line)
      if (line.startsWith('id:')) ids.push(Number(line.slice(3)))
      if (line.startsWith(': ')) heartbeats += 1
      if (line.startsWith('event:')) name = line.slice(6).trim()
      if (line === '') name = ''
      if (line.startsWith('data:') && isEvent(name)) events.push(Shape.parse(JSON.parse(line.slice(5))))
    }
  })().catch((error: unknown) => {
    if (!reader.signal.aborted) throw error
  })
  return {
    ...{ status: answer.statusCode, headers: answer.headers, ids, events, lines, ended },
    heartbeats: () => heartbeats,
    count: (n) => until(`${n} events have come`, () => events.length >= n),
    stop: () => reader.abort(),
  }
}
