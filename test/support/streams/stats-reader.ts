import { createInterface } from 'node:readline'
import { request } from 'undici'
import { type LiveGroup, StatsFrame } from '../../../shared/queues/stats-stream.ts'
import { until } from '../poll.ts'
import type { World } from '../world.ts'

/** One message of the stream of stats. */
export interface StatsMessage {
  event: string
  frame: StatsFrame
  /** The names of the fields of the first group, as the server sent them. */
  fields: string[]
  /** When it came, in milliseconds of `performance.now()`. */
  at: number
}

/** A stream of stats that is being read. */
export interface StatsReader {
  status: number
  headers: Record<string, string | string[] | undefined>
  messages: StatsMessage[]
  heartbeats: () => number
  /** The groups as the messages so far tell them, by `domain/queue/job_type`. */
  groups: () => Map<string, LiveGroup>
  /** Resolves when the server has ended the stream. */
  ended: Promise<void>
  stop: () => void
}

export const statsStreamPath = '/api/v1/jobs/stats/stream'

/** Reads the stream, and waits for its first message. */
export async function readStats(
  { url, key }: Pick<World, 'url'> & Partial<Pick<World, 'key'>>,
  query = '',
  headers: Record<string, string> = {},
): Promise<StatsReader> {
  const reader = new AbortController()
  const answer = await request(`${url}${statsStreamPath}${query}`, {
    headers: { ...(key !== undefined && { 'x-api-key': key }), ...headers },
    signal: reader.signal,
  })
  const messages: StatsMessage[] = []
  let heartbeats = 0
  let event = ''
  const ended = (async () => {
    for await (const line of createInterface({ input: answer.body })) {
      if (line.startsWith(': ')) heartbeats += 1
      if (line.startsWith('event:')) event = line.slice(6).trim()
      if (line.startsWith('data:')) messages.push(messageOf(event, JSON.parse(line.slice(5))))
    }
  })().catch((error: unknown) => {
    if (!reader.signal.aborted) throw error
  })
  if (answer.statusCode !== 200) throw new Error(`the stream answered ${answer.statusCode}`)
  await until('the first message has come', () => messages.length > 0)
  return {
    ...{ status: answer.statusCode, headers: answer.headers, messages, ended },
    heartbeats: () => heartbeats,
    groups: () => groupsOf(messages),
    stop: () => reader.abort(),
  }
}

function messageOf(event: string, sent: { groups: object[] }): StatsMessage {
  return { event, frame: StatsFrame.parse(sent), fields: Object.keys(sent.groups[0] ?? {}), at: performance.now() }
}

function groupsOf(messages: readonly StatsMessage[]): Map<string, LiveGroup> {
  const groups = new Map<string, LiveGroup>()
  const name = (group: { domain: string; queue: string; job_type: string }) =>
    [group.domain, group.queue, group.job_type].join('/')
  for (const { event, frame } of messages) {
    if (event === 'full') groups.clear()
    for (const group of frame.groups) groups.set(name(group), group)
    for (const group of frame.gone) groups.delete(name(group))
  }
  return groups
}
