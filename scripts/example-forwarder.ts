/**
 * A forwarder to copy. It sends the event log to a URL: in order, each event at least once, in requests of up to 200 events. Its place
 * is a cursor in the database, which moves after the receiver has answered 2xx. A receiver that hangs or fails gets the same events
 * again, with the same `X-First-Id`, until it takes them. The forwarder ends with 1 where asking again cannot help: when the receiver
 * answers 410, since it wants no more, and when the server says that its key may not read, or that events which it has not sent have been
 * deleted. Its cursor then stays, for somebody to decide.
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

/** What the server does not answer otherwise a second later: the key, the call or the place in the log must be another. */
const finalOfServer = [400, 401, 403, 410, 422]

/**
 * Asks until the answer is 2xx: after 1 s, then later and later, up to a minute. A request that hangs is given up after 10 s. Ends with an
 * error at an answer that is final.
 */
async function ask(url: string, final: readonly number[], init: RequestInit = {}): Promise<string> {
  for (let tries = 0; ; tries++) {
    stopping.signal.throwIfAborted()
    const answer = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(10_000) })
      .then(async (response) => ({ ok: response.ok, status: response.status, text: await response.text() }))
      .catch((error: unknown) => ({ ok: false, status: 0, text: String(error) }))
    if (answer.ok) return answer.text
    const why = `${new URL(url).pathname}: ${answer.status} ${answer.text.slice(0, 500)}`
    if (final.includes(answer.status)) throw new Error(`stopped at ${why}`)
    console.error(why)
    await pause(Math.random() * Math.min(60_000, 1000 * 2 ** tries))
  }
}

async function ours(path: string, body?: object): Promise<unknown> {
  const headers = { 'X-API-KEY': API_KEY, 'Content-Type': 'application/json' }
  const post = body && { method: 'POST', body: JSON.stringify(body) }
  return JSON.parse(await ask(BASE + path, finalOfServer, { headers, ...post }))
}

const moveTo = async (after_id: number) => Cursor.parse(await ours(`${path}/cursors/${name}`, { after_id })).after_id

try {
  let after = await moveTo(0)
  // A new cursor passes over what was deleted before it, up to the end of the log.
  let isNew = after === 0
  while (!stopping.signal.aborted) {
    const events = Events.parse(await ours(`${path}?after_id=${after}&skip_expired=${isNew}`))
    const [first, last] = [events[0], events.at(-1)]
    if (first && last) {
      const body = JSON.stringify(events)
      const signature = createHmac('sha256', SECRET).update(body).digest('hex')
      const headers = { 'Content-Type': 'application/json', 'X-Signature': `sha256=${signature}` }
      await ask(TARGET, [410], { method: 'POST', headers: { ...headers, 'X-First-Id': String(first.id) }, body })
      after = await moveTo(last.id)
    } else {
      isNew = false
      await pause(1000)
    }
  }
} catch (error) {
  if (!stopping.signal.aborted) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
