import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { type Case, promises } from '../case.ts'
import { compare, expectEnd, expectRecovery, expectRefusal, readyUrl, terminate, underLoad } from '../checks.ts'
import { limits } from '../limits.ts'
import { Load } from '../load.ts'
import type { Round } from '../round.ts'
import { limitMemory, noLimit } from '../surroundings.ts'

const largeBatches = { jobs: 15, bytes: 900_000 }

/** PostgreSQL gets no more memory for some time. */
async function refuseMemory(round: Round): Promise<string> {
  const load = new Load({ random: round.random, answerMs: limits.answer, ...largeBatches })
  const server = round.start()
  if (await readyUrl(server, limits.recover)) await round.inject({ kind: 'no memory' })
  await underLoad(round, server, load)
  await expectRefusal(round, load, 'the database is out of memory; nothing was changed')
  await round.heal()
  await expectRecovery(round, server, load)
  await load.stop()
  await terminate(round, server)
  await compare(round, load)
  return '503, and goes on'
}

const dataBytes = async (pid: number): Promise<number> =>
  1024 * Number(/VmData:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)

/** The process gets hardly more memory than it has. */
async function limit(round: Round): Promise<string> {
  const load = new Load({ random: round.random, answerMs: limits.answer, ...largeBatches })
  const server = round.start()
  await underLoad(round, server, load)
  await wait(round.random.between(0, 1500))
  limitMemory(server.pid, (await dataBytes(server.pid)) + round.random.whole(0, 100_000_000))
  await Promise.race([server.ended, wait(round.random.between(3000, 8000))])
  const went = server.hasEnded()
  if (!went) server.signal('SIGTERM')
  const came = await expectEnd(round, server, {
    limitMs: limits.terminate,
    allowed: went ? [1, 'SIGABRT', 'SIGTRAP', 'SIGKILL'] : [0, 'SIGABRT', 'SIGTRAP', 'SIGKILL'],
  })
  await compare(round, load)
  return went ? came : `went on; SIGTERM: ${came}`
}

/** The system kills the process to have memory for others. */
async function kill(round: Round): Promise<string> {
  const load = new Load({ random: round.random, answerMs: limits.answer, ...largeBatches })
  const server = round.start()
  await underLoad(round, server, load)
  await wait(round.random.between(0, 3000))
  server.signal('SIGKILL')
  const came = await expectEnd(round, server, { limitMs: limits.terminate, allowed: ['SIGKILL'] })
  await compare(round, load)
  return came
}

export const outOfMemory: Case = {
  name: 'out of memory',
  promised: promises(
    'When PostgreSQL gets no more memory, the call gets 503 and changes nothing.',
    'When the process gets no more memory, its thread is started again, or Node or the system ends the process by a signal: exit code 133, 134 or 137 in a shell. What was confirmed is there after the next start.',
  ),
  ways: [
    { name: 'of the database', run: refuseMemory },
    { name: 'of the process', missing: noLimit, run: limit },
    { name: 'of the system', run: kill },
  ],
}
