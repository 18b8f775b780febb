/**
 * A forwarder to copy. It sends the event log to a URL: in order, each event at least once, in requests of up to 200 events. Its place
 * is a cursor in the database, which moves after the receiver has answered 2xx. A receiver that hangs or fails gets the same events
 * again, with the same `X-First-Id`, until it takes them.
 *
 *   BASE=http://127.0.0.1:8787 API_KEY=… TARGET=https://billing.example/events SECRET=… npx tsx scripts/example-forwarder.ts billing
 */
import { createHmac } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'

const { BASE = 'http://127.0.0.1:8787', API_KEY = '', TARGET = '', SECRET = '' } = process.env
const [name = 'forwarder'] = process.argv.slice(2)
const path = '/api/v1/jobs/events'
const Events = z.array(z.looseObject({ id: z.number() }))
const Cursor = z.object({ after_id: z.number() })

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort())
const pause = (ms: number) => wait(ms, undefined, { signal: stopping.signal }).catch(() => {})

/** Asks until the answer is 2xx: after 1 s, then later and later, up to a minute. A request that hangs is given up after 10 s. */
async function ask(url: string, init: RequestInit = {}): Promise<string> {
  for (let tries = 0; ; tries++) {
    stopping.signal.throwIfAborted()
    const answer = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(10_000) })
      .then(async (response) => ({ ok: response.ok, status: response.status, text: await response.text() }))
      .catch((error: unknown) => ({ ok: false, status: 0, text: String(error) }))
    if (answer.ok) return answer.text
    console.error(`${new URL(url).pathname}: ${answer.status} ${answer.text.slice(0, 200)}`)
    await pause(Math.random() * Math.min(60_000, 1000 * 2 ** tries))
  }
}

async function ours(path: string, body?: object): Promise<unknown> {
  const headers = { 'X-API-KEY': API_KEY, 'Content-Type': 'application/json' }
  const post = body && { method: 'POST', body: JSON.stringify(body) }
  return JSON.parse(await ask(BASE + path, { headers, ...post }))
}

const moveTo = async (after_id: number) => Cursor.parse(await ours(`${path}/cursors/${name}`, { after_id })).after_id

try {
  let after = await moveTo(0)
  while (!stopping.signal.aborted) {
    const events = Events.parse(await ours(`${path}?after_id=${after}`))
    const [first, last] = [events[0], events.at(-1)]
    if (first && last) {
      const body = JSON.stringify(events)
      const signature = createHmac('sha256', SECRET).update(body).digest('hex')
      const headers = { 'Content-Type': 'application/json', 'X-Signature': `sha256=${signature}` }
      await ask(TARGET, { method: 'POST', headers: { ...headers, 'X-First-Id': String(first.id) }, body })
      after = await moveTo(last.id)
    } else await pause(1000)
  }
} catch (error) {
  if (!stopping.signal.aborted) throw error
}
