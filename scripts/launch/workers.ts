import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { endWithThis } from './children.ts'

/** A bundle starts faster than TypeScript, and workers that are killed start often. */
const bundling = { bundle: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external' } as const
const folder = fileURLToPath(new URL('../../dist/workers/', import.meta.url))

/** How long a worker may take to stop, in milliseconds: its grace, and what follows it. */
const stopMs = 20_000

/** Worker processes that are ended and started again. They end with this process. */
export interface Workers {
  count: number
  /** Ends a worker by a signal, and starts another in its place. */
  replace: (at: number, signal: 'SIGKILL' | 'SIGTERM') => Promise<void>
  /** Returns how many workers were replaced. */
  replaced: () => number
  /** Sends a message to all workers. */
  tell: (message: string) => void
  /** Exits with an error, and workers that did not exit. */
  faults: string[]
  /** Ends all workers by SIGTERM. */
  stop: () => Promise<void>
}

interface Options {
  count: number
  /** The programs, whose names differ. Workers take turns with them. */
  sources: readonly URL[]
  /** Returns the arguments of the worker at a place, of which this is the `life`th process, from 1 on. */
  argv: (at: number, life: number) => Record<string, string>
}

/** Bundles the programs, and starts workers with them. */
export async function startWorkers({ count, sources, argv }: Options): Promise<Workers> {
  const paths = sources.map((source) => fileURLToPath(source))
  await build({ ...bundling, entryPoints: paths, outdir: folder })
  const programs = paths.map((path) => `${folder}${basename(path, '.ts')}.js`)
  const lives = Array.from({ length: count }, () => 0)
  const faults: string[] = []
  const start = (at: number): ChildProcess => {
    const life = (lives[at] ?? 0) + 1
    lives[at] = life
    const flags = Object.entries(argv(at, life)).map(([name, value]) => `--${name}=${value}`)
    const child = endWithThis(fork(programs[at % programs.length] ?? '', flags, { execArgv: [] }))
    child.once('exit', (code) => {
      if (code !== 0 && code !== null) faults.push(`worker ${at}, process ${life}, exited with ${code}`)
    })
    return child
  }
  const running = lives.map((_, at) => start(at))
  const end = async (child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM') => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    if (await Promise.race([exited, wait(stopMs, undefined, { ref: false })])) return
    faults.push(`a worker did not exit within ${stopMs / 1000} s after ${signal}`)
    child.kill('SIGKILL')
    await exited
  }
  return {
    count,
    faults,
    replaced: () => lives.reduce((all, life) => all + life - 1, 0),
    async replace(at, signal) {
      const child = running[at]
      if (!child) return
      await end(child, signal)
      running[at] = start(at)
    },
    tell(message) {
      for (const child of running) if (child.connected) child.send(message)
    },
    stop: async () => void (await Promise.all(running.map((child) => end(child, 'SIGTERM')))),
  }
}
