import { execFile, spawn } from 'node:child_process'
import { access } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as z from 'zod'
import type { Bench } from './bench.ts'
import { memoize } from './memoize.ts'

/** Another job queue, which runs in its own process. */
export interface Peer {
  /** Enqueues this number of jobs. Returns jobs per second. */
  enqueue: (jobs: number) => Promise<number>
  /** Acquires and completes this number of jobs. Returns jobs per second. */
  work: (jobs: number) => Promise<number>
  /** Deletes all jobs. */
  clear: () => Promise<unknown>
  stop: () => void
}

const folder = fileURLToPath(new URL('./peers/', import.meta.url))

/** Installs the peers on first use, since the product does not depend on them. */
const installPeers = memoize(async (bench: Bench): Promise<void> => {
  const installed = await access(`${folder}node_modules`).then(
    () => true,
    () => false,
  )
  if (installed) return
  bench.logProgress('   installing the peers')
  await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder })
})

const Reply = z.object({ perSecond: z.number().optional() })

/**
 * Starts a peer on its own database.
 * @throws Error when the process of the peer ends early
 */
export async function startPeer(bench: Bench, name: 'pg-boss' | 'graphile-worker'): Promise<Peer> {
  await installPeers(bench)
  const database = name.replace('-', '_')
  await bench.create(database)
  const child = spawn(process.execPath, [`${folder}${name}.mjs`, bench.urlOf(database)], {
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const readReply = async (): Promise<number> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`${name} ended`)
    return Reply.parse(JSON.parse(value)).perSecond ?? 0
  }
  await readReply()
  const send = async (verb: string, jobs = 0) => {
    child.stdin.write(`${verb} ${jobs}\n`)
    return readReply()
  }
  return {
    enqueue: (jobs) => send('enqueue', jobs),
    work: (jobs) => send('work', jobs),
    clear: () => send('clear'),
    stop: () => child.stdin.end(),
  }
}
