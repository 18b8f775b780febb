import { spawnSync } from 'node:child_process'
import { apiKey } from '../../../launch/server.ts'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { measureAlternately, type Side } from '../../measure.ts'
import { large } from '../../setup/large.ts'

/** Measures a process from its start to its exit, in milliseconds. */
const processOf =
  (bench: Bench, argv: readonly string[], env: Record<string, string> = {}): Side =>
  async () => {
    const began = performance.now()
    const { status, stderr } = spawnSync(process.execPath, argv, {
      cwd: bench.folder,
      env: { PATH: process.env.PATH, HOME: bench.folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    })
    const took = performance.now() - began
    if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr}`)
    return took
  }

/** Compares a command with Node that runs an empty script. The bin link starts the same file with the same Node. */
const program = (verb: string, maxRatio: number, connected = false): Figure => ({
  name: `jobsctl ${verb}`,
  ...{ against: 'node -e 0', unit: 'ms', ratio: 'ours / against', target: { atMost: maxRatio } },
  async measure(bench) {
    const env = connected ? { JOBSCTL_URL: (await large(bench)).server.url, JOBSCTL_API_KEY: apiKey } : {}
    const ours = processOf(bench, [bench.programs.jobsctl, verb], env)
    return measureAlternately({ rounds: 21, warmUps: 2 }, ours, processOf(bench, ['-e', '0']))
  },
})

/** The duration of commands, from the start of the process to its exit. */
export const programs: readonly Figure[] = [
  program('--version', 1.2),
  program('--help', 1.3),
  program('stats', 3.8, true),
]
