import { setTimeout as wait } from 'node:timers/promises'
import type { Exit } from '../../../launch/server.ts'
import { type Case, promises, type Way } from '../case.ts'
import { compare, expectEnd, expectRecovery, expectText, terminate, underLoad } from '../checks.ts'
import type { Fault } from '../faults/fault.ts'
import { limits } from '../limits.ts'
import { Load } from '../load.ts'

/** A statement that makes no progress for 8 s counts as hung. */
const soonHung = { JOBS_STATEMENT_TIMEOUT_SECONDS: '4' }

interface Happening {
  kind: Fault['kind']
  at: Fault['at']
  /** What the log says. */
  says: string
}

/** The thread has trouble under load, and the server opens the database again. */
const recovers = ({ kind, at, says }: Happening): Way => ({
  name: `${kind}, ${at === 'file' ? 'in the middle' : 'when an answer is ready'}`,
  run: async (round) => {
    const load = new Load({ random: round.random, answerMs: limits.answer })
    const server = round.start({ env: soonHung })
    await underLoad(round, server, load)
    await wait(round.random.between(0, 1500))
    await round.inject({ kind, at, once: true })
    await expectText(round, server, says)
    await expectRecovery(round, server, load)
    await load.stop()
    await terminate(round, server)
    await compare(round, load)
    return 'the database was started again'
  },
})

interface Ending extends Omit<Happening, 'says'> {
  /** Exit codes and signals. */
  allowed: readonly Exit[]
}

/** The thread has trouble under load, and the server gets SIGTERM at any time after. */
const ends = ({ kind, at, allowed }: Ending): Way => ({
  name: `${kind}, and SIGTERM`,
  run: async (round) => {
    const load = new Load({ random: round.random, answerMs: limits.answer })
    const server = round.start({ env: soonHung })
    await underLoad(round, server, load)
    await round.inject({ kind, at, once: true })
    await wait(round.random.between(100, 3000))
    const came = await terminate(round, server, allowed)
    await round.heal()
    await compare(round, load)
    return `SIGTERM: ${came}`
  },
})

const died = 'the embedded database has stopped: its thread has ended'
const hung = 'it has not answered for 8 s'

export const threadDies: Case = {
  name: 'a thread that dies',
  promised: promises('When the thread of the database ends, the log says so, and the server starts another one.'),
  ways: [
    recovers({ kind: 'die', at: 'file', says: died }),
    recovers({ kind: 'die', at: 'answer', says: died }),
    ends({ kind: 'die', at: 'file', allowed: [0] }),
  ],
}

const stuck: Way = {
  name: 'waits for its disk',
  run: async (round) => {
    const load = new Load({ random: round.random, answerMs: limits.answer })
    const server = round.start({ env: soonHung })
    await underLoad(round, server, load)
    await wait(round.random.between(0, 1500))
    await round.inject({ kind: 'stuck', once: true })
    const came = await expectEnd(round, server, { limitMs: limits.giveUp, allowed: ['SIGKILL'] })
    await expectText(round, server, hung)
    await expectText(round, server, 'cannot be ended: this process kills itself')
    await compare(round, load)
    return came
  },
}

export const threadHangs: Case = {
  name: 'a thread that never answers',
  promised: promises(
    'A statement that makes no progress for twice `JOBS_STATEMENT_TIMEOUT_SECONDS` counts as hung, and the database is started again.',
    'A thread that waits for its disk cannot be ended. The server then kills itself, and has the exit code 137 in a shell',
    'SIGTERM ends the server within `JOBS_SHUTDOWN_SECONDS` and ten seconds, whatever the database does.',
  ),
  ways: [
    recovers({ kind: 'spin', at: 'file', says: hung }),
    stuck,
    ends({ kind: 'stuck', at: 'file', allowed: ['SIGKILL'] }),
    recovers({ kind: 'wait', at: 'answer', says: hung }),
    ends({ kind: 'spin', at: 'answer', allowed: [0] }),
  ],
}
