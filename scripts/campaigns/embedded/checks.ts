import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import { type Exit, listeningAt, type ServerProcess } from '../../launch/server.ts'
import { within } from '../within.ts'
import { limits } from './limits.ts'
import type { Load } from './load.ts'
import type { Round, Starting } from './round.ts'

/** Returns the URL of a server when it is ready; undefined when it ends before, or is not ready after `limitMs` milliseconds. */
export async function readyUrl(server: ServerProcess, limitMs: number): Promise<string | undefined> {
  for (const end = performance.now() + limitMs; !server.hasEnded() && performance.now() < end; await wait(50)) {
    const url = listeningAt(server)
    const response = url && (await request(`${url}/readyz`).catch(() => undefined))
    if (!response) continue
    await response.body.dump()
    if (response.statusCode === 200) return url
  }
  return undefined
}

const lastLines = (server: ServerProcess): string => {
  const lines = server.text().trim().split('\n')
  return lines
    .filter((line) => !line.includes('"message":"request"'))
    .slice(-4)
    .join(' ')
    .slice(-600)
}

/** Starts the load on a server as soon as the server is ready. */
export async function underLoad(round: Round, server: ServerProcess, load: Load): Promise<void> {
  if (!(await loaded(server, load))) round.lie(`the server is not ready: ${lastLines(server)}`)
}

/** Starts the load on a server as soon as the server is ready. Returns false when the server ends before. */
export async function loaded(server: ServerProcess, load: Load): Promise<boolean> {
  const url = await readyUrl(server, limits.recover)
  if (!url) return false
  load.run(url)
  return within(limits.answer, () => load.confirmed > 0 || load.refusals.length > 0)
}

/** Waits until a call is confirmed after now. */
export async function expectRecovery(round: Round, server: ServerProcess, load: Load): Promise<void> {
  const before = load.confirmed
  if (await within(limits.recover, () => load.confirmed > before + 1 || server.hasEnded())) {
    if (server.hasEnded()) round.lie(`the server has ended: ${lastLines(server)}`)
  } else round.lie(`no call was confirmed within ${limits.recover} ms: ${lastLines(server)}`)
}

/** Waits until the log or stderr has the text. */
export async function expectText(round: Round, server: ServerProcess, text: string): Promise<void> {
  const has = () => server.text().includes(text)
  await within(limits.recover, () => has() || server.hasEnded())
  if (server.hasEnded()) await server.ended // its last words have been read then
  if (!has()) round.lie(`neither log nor stderr say "${text}": ${lastLines(server)}`)
}

/** Waits until a caller gets a refusal with the text. */
export async function expectRefusal(round: Round, load: Load, text: string): Promise<void> {
  if (await within(limits.recover, () => load.refusals.some((sentence) => sentence.includes(text)))) return
  round.lie(`no caller got a refusal with "${text}", but: ${[...new Set(load.refusals)].join(' | ').slice(0, 400)}`)
}

interface Ending {
  limitMs: number
  /** How it may end. */
  allowed: readonly Exit[]
}

/** Waits until the server ends. Returns how. */
export async function expectEnd(round: Round, server: ServerProcess, { limitMs, allowed }: Ending): Promise<string> {
  if (!(await within(limitMs, server.hasEnded))) {
    round.lie(`the server has not ended after ${limitMs} ms: ${lastLines(server)}`)
    server.signal('SIGKILL')
    return 'did not end'
  }
  const exit = await server.ended
  if (!allowed.includes(exit)) round.lie(`the server ended with ${exit}: ${lastLines(server)}`)
  return typeof exit === 'number' ? `ended with exit code ${exit}` : `ended by ${exit}`
}

/** Ends the server with SIGTERM. */
export function terminate(round: Round, server: ServerProcess, allowed: readonly Exit[] = [0]): Promise<string> {
  server.signal('SIGTERM')
  return expectEnd(round, server, { limitMs: limits.terminate, allowed })
}

/** Starts a server without faults, and compares its jobs with what the callers were told. */
export async function compare(round: Round, load: Load, options: Starting = {}): Promise<void> {
  await load.stop()
  const server = round.start({ ...options, preload: undefined })
  const url = await readyUrl(server, limits.recover)
  if (!url) return round.lie(`the server does not start again: ${lastLines(server)}`)
  for (const lie of await load.compare(url)) round.lie(lie)
  await terminate(round, server)
  if (server.text().includes('"level":"error"')) round.lie(`errors after the start: ${lastLines(server)}`)
}
