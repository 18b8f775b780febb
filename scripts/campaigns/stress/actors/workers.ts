import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Random } from '../random.ts'

/** A worker of its own that breaks the rules at random, and one on `jobsctl/worker`. */
const sources = ['worker.ts', 'sdk-worker.ts'].map((name) => fileURLToPath(new URL(name, import.meta.url)))
const folder = fileURLToPath(new URL('../../../../dist/stress/', import.meta.url))
/** The bundled workers, since a bundle starts faster than TypeScript and killed workers restart often. */
const programs = [`${folder}worker.js`, `${folder}sdk-worker.js`] as const

/** The worker processes of a run. */
export interface Workers {
  /** Kills a random worker with SIGKILL and starts another. */
  killOne: (random: Random) => Promise<void>
  /** Returns the number of workers that were killed. */
  kills: () => number
  /** Makes all workers behave without faults. */
  calm: () => void
  /** Stops all workers after they have finished their jobs. Resolves to their faults, such as no exit within 20 s. */
  stop: () => Promise<string[]>
}

interface Options {
  count: number
  seed: number
  /** The folder of the journals. */
  journals: string
  /** The base URLs of the servers. */
  servers: readonly string[]
}

const bundling = { bundle: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external' } as const

/**
 * Starts `count` worker processes, every second of them on `jobsctl/worker`. Two processes share each worker id, as the processes of a
 * pool do.
 */
export async function startWorkers({ count, seed, journals, servers }: Options): Promise<Workers> {
  await build({ ...bundling, entryPoints: sources, outdir: folder })
  const lives = Array.from({ length: count }, () => 0)
  const faults: string[] = []
  const start = (at: number): ChildProcess => {
    const life = (lives[at] ?? 0) + 1
    lives[at] = life
    const options = {
      ...{ name: `w${at}.${life}`, worker: `pool-${at >> 1}`, seed: String(seed), journals },
      servers: servers.join(','),
    }
    const child = fork(
      programs[at % 2 === 0 ? 0 : 1],
      Object.entries(options).map(([name, value]) => `--${name}=${value}`),
      { execArgv: [] },
    )
    child.once('exit', (code) => {
      if (code !== 0 && code !== null) faults.push(`worker ${options.name} exited with ${code}`)
    })
    return child
  }
  const running = lives.map((_, at) => start(at))
  await Promise.all(running.map((child) => once(child, 'message')))
  return {
    async killOne(random) {
      const at = random.whole(0, count - 1)
      const child = running[at]
      if (!child) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      running[at] = start(at)
    },
    kills: () => lives.reduce((all, life) => all + life - 1, 0),
    calm: () => send(running, 'calm'),
    async stop() {
      const exited = Promise.all(running.map(async (child) => child.exitCode ?? once(child, 'exit')))
      send(running, 'stop')
      const inTime = await Promise.race([exited, wait(20_000, undefined, { ref: false })])
      for (const child of running) child.kill('SIGKILL')
      return inTime ? faults : [...faults, 'a worker did not exit within 20 s']
    },
  }
}

function send(children: readonly ChildProcess[], command: string): void {
  for (const child of children) if (child.connected) child.send(command)
}
