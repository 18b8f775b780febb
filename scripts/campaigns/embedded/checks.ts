import { setTimeout as wait } from 'node:timers/promises'
import { limits } from './limits.ts'
import type { Load } from './load.ts'
import type { Round } from './round.ts'
import { type Exit, isReady, type Server, type Starting } from './server.ts'

/** Waits until `look` is true; returns false after `limitMs` milliseconds. */
async function happens(look: () => boolean, limitMs: number): Promise<boolean> {
  for (const end = performance.now() + limitMs; performance.now() < end; await wait(50)) if (look()) return true
  return look()
}

const lastLines = (server: Server): string => {
  const lines = server.text().trim().split('\n')
  return lines
    .filter((line) => !line.includes('"message":"request"'))
    .slice(-4)
    .join(' ')
    .slice(-600)
}

/** Starts the load on a server as soon as the server is ready. */
export async function underLoad(round: Round, server: Server, load: Load): Promise<void> {
  if (!(await loaded(server, load))) round.lie(`the server is not ready: ${lastLines(server)}`)
}

/** Starts the load on a server as soon as the server is ready. Returns false when the server ends before. */
export async function loaded(server: Server, load: Load): Promise<boolean> {
  if (!(await isReady(server, limits.recover))) return false
  const url = await server.listening
  if (url) load.run(url)
  return happens(() => load.confirmed > 0 || load.refusals.length > 0, limits.answer)
}

/** Waits until a call is confirmed after now. */
export async function expectRecovery(round: Round, server: Server, load: Load): Promise<void> {
  const before = load.confirmed
  if (await happens(() => load.confirmed > before + 1 || server.hasEnded(), limits.recover)) {
    if (server.hasEnded()) round.lie(`the server has ended: ${lastLines(server)}`)
  } else round.lie(`no call was confirmed within ${limits.recover} ms: ${lastLines(server)}`)
}

/** Waits until the log or stderr has the text. */
export async function expectText(round: Round, server: Server, text: string): Promise<void> {
  const has = () => server.text().includes(text)
  await happens(() => has() || server.hasEnded(), limits.recover)
  if (server.hasEnded()) await server.ended // its last words have been read then
  if (!has()) round.lie(`neither log nor stderr say "${text}": ${lastLines(server)}`)
}

/** Waits until a caller gets a refusal with the text. */
export async function expectRefusal(round: Round, load: Load, text: string): Promise<void> {
  if (await happens(() => load.refusals.some((sentence) => sentence.includes(text)), limits.recover)) return
  round.lie(`no caller got a refusal with "${text}", but: ${[...new Set(load.refusals)].join(' | ').slice(0, 400)}`)
}

interface Ending {
  limitMs: number
  /** How it may end. */
  allowed: readonly Exit[]
}

/** Waits until the server ends. Returns how. */
export async function expectEnd(round: Round, server: Server, { limitMs, allowed }: Ending): Promise<string> {
  if (!(await happens(server.hasEnded, limitMs))) {
    round.lie(`the server has not ended after ${limitMs} ms: ${lastLines(server)}`)
    server.signal('SIGKILL')
    return 'did not end'
  }
  const exit = await server.ended
  if (!allowed.includes(exit)) round.lie(`the server ended with ${exit}: ${lastLines(server)}`)
  return typeof exit === 'number' ? `ended with exit code ${exit}` : `ended by ${exit}`
}

/** Ends the server with SIGTERM. */
export function terminate(round: Round, server: Server, allowed: readonly Exit[] = [0]): Promise<string> {
  server.signal('SIGTERM')
  return expectEnd(round, server, { limitMs: limits.terminate, allowed })
}

/** Starts a server without faults, and compares its jobs with what the callers were told. */
export async function compare(round: Round, load: Load, options: Partial<Starting> = {}): Promise<void> {
  await load.stop()
  const server = round.start({ ...options, preload: undefined })
  const url = (await isReady(server, limits.recover)) ? await server.listening : undefined
  if (!url) return round.lie(`the server does not start again: ${lastLines(server)}`)
  for (const lie of await load.compare(url)) round.lie(lie)
  await terminate(round, server)
  if (server.text().includes('"level":"error"')) round.lie(`errors after the start: ${lastLines(server)}`)
}
