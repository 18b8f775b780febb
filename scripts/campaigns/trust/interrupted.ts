import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { apiKey } from '../stress/actors/caller.ts'
import type { Blow } from './blows.ts'
import type { Server } from './servers.ts'
import type { Change, Stage } from './stage.ts'

const jobsctl = fileURLToPath(new URL('../../../dist/cli/bin.js', import.meta.url))

/** Jobs a second, about. */
const usualPace = 40_000

/** Asks a server for a change, and strikes at some point of it: told by its progress, or at a random time. */
export async function interrupted(stage: Stage, change: Change, blow: Blow): Promise<void> {
  const { random, servers } = stage
  const victim = random.pick(servers)
  const [other] = servers.filter((server) => server !== victim)
  const program = blow.client === 'program' ? change.argv : undefined
  const byProgress = program === undefined && random.chance(0.6)
  const mark = random.between(0, 0.9) * change.size
  let reached = () => {}
  const atMark = new Promise<void>((resolve) => {
    reached = resolve
  })
  const hangingUp = new AbortController()
  const asked = program
    ? runJobsctl(program, victim, hangingUp.signal)
    : change.ask(victim.url, {
        signal: hangingUp.signal,
        ...(byProgress && { progressed: (affected) => affected >= mark && reached() }),
      })
  const begun = performance.now()
  const ended = asked.then(() => {})
  await Promise.race([ended, byProgress ? atMark : wait((mark / usualPace) * 1000 + (program ? 300 : 0))])
  // Not always just after a batch.
  await wait(random.between(0, 120))
  const after = Math.round(performance.now() - begun)
  await blow.strike(stage, {
    victim,
    hangUp: () => hangingUp.abort(),
    meanwhile: () => takenOver(stage, change, other ?? victim),
  })
  const outcome = await Promise.race([asked, wait(60_000, 'silent' as const)])
  if (outcome === 'silent') {
    return stage.wrong(`${change.name}: no answer within a minute after ${blow.name}`)
  }
  const how = outcome ? (outcome.code ?? 'done') : 'killed'
  stage.tell(`${change.name}: ${blow.name} after ${after} ms; the call ended as ${how}: ${outcome?.detail ?? ''}`)
}

/** Another server is asked for the same, until it has done it. */
async function takenOver(stage: Stage, change: Change, other: Server): Promise<void> {
  const began = Date.now()
  // The time after which a server counts as dead, and half of these times nobody but its housekeeping looks.
  if (stage.random.chance(0.5)) return wait(15_000).then(() => {})
  for (;;) {
    const { code, detail } = await change.ask(other.url)
    const seconds = Math.round((Date.now() - began) / 100) / 10
    if (code === undefined) return stage.tell(`${change.name}: another server took over within ${seconds} s`)
    if (seconds > 40) return stage.wrong(`${change.name}: no other server could take over: ${code}, ${detail}`)
    await wait(300)
  }
}

async function runJobsctl(argv: readonly string[], { url }: Server, signal: AbortSignal): Promise<undefined> {
  const child = spawn(process.execPath, [jobsctl, ...argv], {
    env: { PATH: process.env.PATH, JOBSCTL_URL: url, JOBSCTL_API_KEY: apiKey },
    stdio: 'ignore',
  })
  signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true })
  await once(child, 'exit')
}
