/**
 * A forwarder to copy. It sends the event log to a URL: in order, each event at least once, in requests of up to 200 events. Its place
 * is a cursor in the database, which moves after the receiver has answered 2xx. A receiver that hangs or fails gets the same events
 * again until it takes them; each try is a line on stderr, also where it answers 404 since TARGET is wrong. After a restart, a request
 * that repeats events may have later ones behind them, so a receiver passes over events up to the last id that it has taken.
 * The forwarder ends with 1 where asking again cannot help: when the receiver answers 410, since it wants no more, and when the server
 * says that its key may not read, or that events which it has not sent have been deleted. Its cursor then stays, for somebody to decide.
 * A new cursor begins with the oldest event from which on none has been deleted.
 *
 * `API_KEY` is the key of single-user mode, or a token that may read.
 *
 *   BASE=http://127.0.0.1:8787 API_KEY=… TARGET=https://billing.example/events SECRET=… npx tsx scripts/example-forwarder.ts billing
 */
import { createHmac } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'

const { BASE = 'http://127.0.0.1:8787', API_KEY = '', TARGET = '', SECRET = '' } = process.env
const [name = 'forwarder'] = process.argv.slice(2)
const path = '/api/v1/jobs/events'
const Events = z.array(z.object({ id: z.number() }))
const Cursor = z.object({ name: z.string(), after_id: z.number() })
const Expired = z.object({ code: z.literal('events_expired'), oldest_id: z.number().nullable(), newest_id: z.number() })

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort())
const pause = (ms: number) => wait(ms, undefined, { signal: stopping.signal }).catch(() => {})

/** What the server does not answer otherwise a second later: the key, the call or the place in the log must be another. */
const finalOfServer = [400, 401, 403, 404, 405, 410, 422]

/** What may be wrong where an answer is of no use, by its status. */
const advice: Readonly<Record<number, string>> = {
  404: 'nothing is at this path, so look at the URL',
  405: 'this path takes no such call, so look at the URL',
}

/** An answer that no other follows. */
class Final extends Error {
  constructor(
    why: string,
    readonly text: string,
  ) {
    super(`stopped at ${why}`)
  }
}

interface Question extends RequestInit {
  url: string
  /** The statuses that no other answer follows. */
  final: readonly number[]
  /** What is read of an answer that is 2xx. */
  read: (response: Response) => Promise<string>
}

/**
 * Asks until the answer is 2xx: after 1 s, then later and later, up to a minute. A request that hangs is given up after 10 s.
 * @throws Final at an answer that is final
 */
async function ask({ url, final, read, ...init }: Question): Promise<string> {
  for (let tries = 0; ; tries++) {
    stopping.signal.throwIfAborted()
    const answer = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(10_000) })
      .then(async (response) => ({
        ok: response.ok,
        status: response.status,
        text: await (response.ok ? read : beginOf)(response),
      }))
      .catch((error: unknown) => ({ ok: false, status: 0, text: reasonOf(error) }))
    if (answer.ok) return answer.text
    const { origin, pathname } = new URL(url) // a query may have a secret
    const told = [
      `${origin}${pathname}: ${answer.status || 'no answer'} ${inOneLine(answer.text)}`,
      advice[answer.status],
    ]
    const why = told.filter((text) => text !== undefined).join('; ')
    if (final.includes(answer.status)) throw new Final(why, answer.text)
    const waitMs = Math.random() * Math.min(60_000, 1000 * 2 ** tries)
    console.error(`${why}; asking again in ${Math.ceil(waitMs / 1000)} s`)
    await pause(waitMs)
  }
}

/** The begin of an answer that may never end, or as much of it as came. */
async function beginOf({ body }: Response): Promise<string> {
  let text = ''
  try {
    for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part
      if (text.length > 10_000) break
    }
  } catch {} // the status says enough
  return text
}

/** The begin of an answer, such as a page of a proxy, without what would break the line or command a terminal. */
const inOneLine = (text: string): string => text.slice(0, 500).replaceAll(/[\s\p{Cc}]+/gu, ' ')

/** Why no answer came. `fetch` has the reason in the cause of its error. */
const reasonOf = (error: unknown): string =>
  error instanceof Error
    ? String(error.cause instanceof Error ? error.cause.message || codeOf(error.cause) : error.message)
    : String(error)

/** Where a name has several addresses, Node has an error without a message, with the code of one of them. */
const codeOf = (error: Error): string => ('code' in error ? String(error.code) : error.name)

/** Nothing is asked of a receiver that answers 2xx but this. */
async function readNothing({ body }: Response): Promise<string> {
  await body?.cancel()
  return ''
}

function ours(path: string, body?: object, heard?: (headers: Headers) => void): Promise<string> {
  const headers = { Authorization: `Bearer ${API_KEY}`, 'Content-Type': 'application/json' }
  const post = body && { method: 'POST', body: JSON.stringify(body) }
  const read = (response: Response) => {
    heard?.(response.headers)
    return response.text()
  }
  return ask({ url: BASE + path, final: finalOfServer, read, headers, ...post })
}

/**
 * The events after an id, also after 0, as the server wrote them: JavaScript would round large numbers. 410 where one has been deleted. A
 * key that may see few events may get none, and the id up to which the server has looked.
 */
async function eventsAfter(id: number): Promise<{ body: string; next: number | undefined }> {
  let next: string | null = null
  const body = await ours(`${path}?after_id=${id}&skip_expired=false&partial=true`, undefined, (headers) => {
    next = headers.get('X-Next-After')
  })
  return { body, next: next === null ? undefined : Number(next) }
}
const place = `${path}/cursors/${encodeURIComponent(name)}`
const moveTo = async (after_id: number) => Cursor.parse(JSON.parse(await ours(place, { after_id }))).after_id

/** The id after which no event has been deleted: what was deleted before a cursor is registered is nothing that it has missed. */
async function firstPlace(): Promise<number> {
  try {
    await eventsAfter(0)
    return 0
  } catch (error) {
    if (!(error instanceof Final)) throw error
    const { success, data } = Expired.safeParse(JSON.parse(error.text))
    if (!success) throw error
    return data.oldest_id === null ? data.newest_id : data.oldest_id - 1
  }
}

try {
  if (!URL.canParse(TARGET) || SECRET === '')
    throw new Error('nothing was sent: set TARGET to the URL of the receiver, and SECRET to the secret that it shares')
  // `fetch` refuses such a URL each time, and would repeat the password in its error.
  for (const [variable, url] of Object.entries({ BASE, TARGET }))
    if (URL.canParse(url) && (new URL(url).username !== '' || new URL(url).password !== ''))
      throw new Error(`nothing was sent: ${variable} has a user or a password, which no request takes from a URL`)
  const cursors = z.array(Cursor).parse(JSON.parse(await ours(`${path}/cursors`)))
  const known = cursors.find((cursor) => cursor.name === name)
  let after = known?.after_id ?? (await moveTo(await firstPlace()))
  while (!stopping.signal.aborted) {
    const { body, next } = await eventsAfter(after)
    const last = Events.parse(JSON.parse(body)).at(-1)
    if (last) {
      const signature = createHmac('sha256', SECRET).update(body).digest('hex')
      const headers = { 'Content-Type': 'application/json', 'X-Signature': `sha256=${signature}` }
      await ask({ url: TARGET, final: [410], read: readNothing, method: 'POST', headers, body })
      after = await moveTo(last.id)
    } else if (next !== undefined) {
      after = await moveTo(next)
    } else {
      await pause(1000)
    }
  }
} catch (error) {
  if (!stopping.signal.aborted) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
