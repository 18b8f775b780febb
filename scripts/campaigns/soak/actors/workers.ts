import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const source = fileURLToPath(new URL('worker.ts', import.meta.url))
const outfile = fileURLToPath(new URL('../../../../dist/soak/worker.js', import.meta.url))
const bundling = { bundle: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external' } as const

/** How long a worker may take to stop, in milliseconds: its grace, and what follows it. */
const stopMs = 20_000

/** Worker processes that are killed and started again. */
export interface Workers {
  /** Ends a worker by a signal and starts another in its place. */
  replace: (at: number, signal: 'SIGKILL' | 'SIGTERM') => Promise<void>
  count: number
  ended: () => number
  faults: string[]
  stop: () => Promise<void>
}

/**
 * Starts workers on `jobsctl/worker`. Each process writes the ids of the jobs that it completed to a file of its own, `<folder>/completed-<n>.txt`:
 * a process that is killed may leave half a line, which nobody may write on. The processes end with this one.
 */
export async function startWorkers(count: number, folder: string, servers: readonly string[]): Promise<Workers> {
  await build({ ...bundling, entryPoints: [source], outfile })
  const faults: string[] = []
  let [ended, started] = [0, 0]
  const start = (at: number): ChildProcess => {
    const child = fork(
      outfile,
      [
        `--id=worker-${at}`,
        `--completed=${join(folder, `completed-${started++}.txt`)}`,
        `--servers=${servers.join(',')}`,
      ],
      { execArgv: [] },
    )
    const kill = () => child.kill('SIGKILL')
    process.once('exit', kill)
    child.once('exit', () => process.off('exit', kill))
    child.once('exit', (code) => {
      if (code !== 0 && code !== null) faults.push(`worker ${at} exited with ${code}`)
    })
    return child
  }
  const running = Array.from({ length: count }, (_, at) => start(at))
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
    ended: () => ended,
    async replace(at, signal) {
      const child = running[at]
      if (!child) return
      await end(child, signal)
      ended += 1
      running[at] = start(at)
    },
    stop: async () => void (await Promise.all(running.map((child) => end(child, 'SIGTERM')))),
  }
}
