import { createServer, type ServerResponse } from 'node:http'
import { statsStreamPath } from '../streams/stats-reader.ts'
import { type Listening, listenForTest } from './listen-for-test.ts'

/** A server whose only call is the stream of stats, with frames that a test sends. */
export interface StatsServer extends Listening {
  send: (event: 'full' | 'changes', frame: object) => void
  /** Sends these very bytes. */
  sendRaw: (text: string) => void
}

/** Starts a server that sends a first frame to each reader. */
export async function statsServer(first: object, port = 0): Promise<StatsServer> {
  const readers = new Set<ServerResponse>()
  const message = (event: string, frame: object) => `event: ${event}\ndata: ${JSON.stringify(frame)}\n\n`
  const server = createServer((incoming, outgoing) => {
    if (!incoming.url?.startsWith(statsStreamPath)) return void outgoing.writeHead(404).end('{"detail":"Not Found"}')
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
    outgoing.write(message('full', first))
    readers.add(outgoing)
    outgoing.on('close', () => readers.delete(outgoing))
  })
  const listening = await listenForTest(server, port)
  const sendRaw = (text: string) => {
    for (const reader of readers) reader.write(text)
  }
  return {
    ...listening,
    sendRaw,
    send: (event, frame) => sendRaw(message(event, frame)),
  }
}

/** A group of a frame. */
export const liveGroup = (more: object = {}) => ({
  ...{ domain: 'chatbooks', queue: 'default', job_type: 'export' },
  ...{ queued: 0, scheduled: 0, processing: 0, quarantined: 0 },
  ...{ oldest_due: null, entered: 0, ended: 0, untold: 0, ...more },
})

/** A frame with these groups. */
export const frameOf = (groups: object[], more: object = {}) => ({
  ...{ as_of: new Date().toISOString(), groups, gone: [], stopped: [], operations: [], ...more },
})
