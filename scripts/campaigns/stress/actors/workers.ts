import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Random } from '../random.ts'

const source = fileURLToPath(new URL('worker.ts', import.meta.url))
/** Built, since one that is killed is to be back soon. */
const program = fileURLToPath(new URL('../../../../dist/stress/worker.js', import.meta.url))

export interface Workers {
  /** `kill -9` for one of them, and another in its place. */
  killOne: (random: Random) => Promise<void>
  kills: () => number
  calm: () => void
  /** Lets them report what they hold; whoever does not end is told of. */
  stop: () => Promise<string[]>
}

interface Options {
  count: number
  seed: number
  journals: string
  servers: readonly string[]
}

const bundling = { bundle: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external' } as const

/** Worker processes, each two of which go by one name, as those of a pool do. */
export async function startWorkers({ count, seed, journals, servers }: Options): Promise<Workers> {
  await build({ ...bundling, entryPoints: [source], outfile: program })
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
      program,
      Object.entries(options).map(([name, value]) => `--${name}=${value}`),
      { execArgv: [] },
    )
    child.once('exit', (code) => {
      if (code !== 0 && code !== null) faults.push(`worker ${options.name} ended with ${code}`)
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
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      running[at] = start(at)
    },
    kills: () => lives.reduce((all, life) => all + life - 1, 0),
    calm: () => tell(running, 'calm'),
    async stop() {
      const ended = Promise.all(running.map(async (child) => child.exitCode ?? once(child, 'exit')))
      tell(running, 'stop')
      const inTime = await Promise.race([ended, wait(20_000, undefined, { ref: false })])
      for (const child of running) child.kill('SIGKILL')
      return inTime ? faults : [...faults, 'a worker did not end']
    },
  }
}

function tell(children: readonly ChildProcess[], word: string): void {
  for (const child of children) if (child.connected) child.send(word)
}
