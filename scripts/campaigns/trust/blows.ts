import { setTimeout as wait } from 'node:timers/promises'
import type { Server } from './servers.ts'
import { patiently, type Stage } from './stage.ts'

/** What befalls a change that runs; resolves when everything is up again. */
interface Blow {
  name: string
  strike: (stage: Stage, struck: Struck) => Promise<void>
  /** The client is a process of its own, which is killed. */
  client?: 'call' | 'program'
}

interface Struck {
  victim: Server
  /** Kills the client. */
  hangUp: () => void
  /** What goes on while the victim is frozen; resolves when it may be thawed. */
  meanwhile: () => Promise<void>
}

/** Each kind of trouble. */
export const blows: readonly Blow[] = [
  {
    name: 'kill -9 of the server',
    async strike({ random }, { victim }) {
      await victim.kill()
      await wait(random.between(0, 3000))
      await victim.start()
    },
  },
  {
    name: 'SIGTERM of the server',
    async strike({ wrong }, { victim }) {
      const code = await victim.stop()
      if (code !== 0) wrong(`a server ended with ${code} after SIGTERM`)
      await victim.start()
    },
  },
  {
    name: 'SIGSTOP of the server',
    async strike(_, { victim, meanwhile }) {
      victim.freeze()
      await meanwhile()
      victim.thaw()
    },
  },
  { name: 'kill -9 of the caller', client: 'call', strike: async (_, { hangUp }) => hangUp() },
  { name: 'kill -9 of jobsctl', client: 'program', strike: async (_, { hangUp }) => hangUp() },
  {
    name: 'kill -9 of PostgreSQL',
    async strike({ random, postgres }) {
      await postgres.crash()
      await wait(random.between(0, 2000))
      await postgres.resume()
    },
  },
  {
    name: 'kill -9 of a backend',
    async strike({ sql, random }) {
      const backends = await sql<{ pid: number; busy: boolean }[]>`
        select pid, state <> 'idle' and query ~ 'picked|job_operations' as busy
        from pg_stat_activity where application_name = 'jobs-server' order by pid`
      const busy = backends.filter(({ busy }) => busy)
      if (backends.length > 0) process.kill(random.pick(busy.length > 0 ? busy : backends).pid, 'SIGKILL')
      // PostgreSQL ends all sessions, and recovers.
      await wait(50)
      await patiently(() => sql`select 1`)
    },
  },
]

export type { Blow }
