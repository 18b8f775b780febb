import { execFile, spawn } from 'node:child_process'
import { access } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as z from 'zod'
import type { Bench } from './bench.ts'
import { once } from './once.ts'

/** Another job queue, at work in a process of its own. */
export interface Peer {
  /** Jobs a second. */
  enqueue: (jobs: number) => Promise<number>
  work: (jobs: number) => Promise<number>
  /** Forgets all jobs. */
  clear: () => Promise<unknown>
  stop: () => void
}

const folder = fileURLToPath(new URL('./peers/', import.meta.url))

/** They are no dependencies of the product, and so are installed by whoever measures. */
const installed = once(async (bench: Bench): Promise<void> => {
  const there = await access(`${folder}node_modules`).then(
    () => true,
    () => false,
  )
  if (there) return
  bench.tell('   the peers are installed')
  await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder })
})

const Answer = z.object({ perSecond: z.number().optional() })

/** Starts one on a database of its own. */
export async function startPeer(bench: Bench, name: 'pg-boss' | 'graphile-worker'): Promise<Peer> {
  await installed(bench)
  const database = name.replace('-', '_')
  await bench.create(database)
  const child = spawn(process.execPath, [`${folder}${name}.mjs`, bench.urlOf(database)], {
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const answer = async (): Promise<number> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`${name} ended`)
    return Answer.parse(JSON.parse(value)).perSecond ?? 0
  }
  await answer()
  const ask = async (verb: string, jobs = 0) => {
    child.stdin.write(`${verb} ${jobs}\n`)
    return answer()
  }
  return {
    enqueue: (jobs) => ask('enqueue', jobs),
    work: (jobs) => ask('work', jobs),
    clear: () => ask('clear'),
    stop: () => child.stdin.end(),
  }
}
