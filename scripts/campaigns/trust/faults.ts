import { setTimeout as wait } from 'node:timers/promises'
import type { Server } from '../../launch/restartable.ts'
import { type Context, retryWhileUnavailable } from './context.ts'

/** A fault that is injected while a bulk change runs. */
interface Fault {
  name: string
  /** Injects the fault. Resolves when all servers and PostgreSQL run again. */
  inject: (context: Context, target: Target) => Promise<void>
  /**
   * The client that the fault kills: an HTTP call of this process, or a process of jobsctl. Absent when it kills none.
   */
  client?: 'call' | 'program'
}

interface Target {
  /** The server that runs the change. */
  server: Server
  /** Kills the client. */
  killClient: () => void
  /** Waits while the server is suspended. Resolves when the server may resume. */
  whileSuspended: () => Promise<void>
}

/** All faults. */
export const faults: readonly Fault[] = [
  {
    name: 'kill -9 of the server',
    async inject({ random }, { server }) {
      await server.restart(random.between(0, 3000))
    },
  },
  {
    name: 'SIGTERM of the server',
    inject: (_, { server }) => server.restart(0, 'SIGTERM'),
  },
  {
    name: 'SIGSTOP of the server',
    async inject(_, { server, whileSuspended }) {
      server.signal('SIGSTOP')
      await whileSuspended()
      server.signal('SIGCONT')
    },
  },
  { name: 'abort of the HTTP call', client: 'call', inject: async (_, { killClient }) => killClient() },
  { name: 'kill -9 of jobsctl', client: 'program', inject: async (_, { killClient }) => killClient() },
  {
    name: 'kill -9 of PostgreSQL',
    async inject({ random, postgres }) {
      await postgres.crash()
      await wait(random.between(0, 2000))
      await postgres.resume()
    },
  },
  {
    name: 'kill -9 of a backend',
    async inject({ sql, random }) {
      const backends = await sql<{ pid: number; busy: boolean }[]>`
        select pid, state <> 'idle' and query ~ 'picked|job_operations' as busy
        from pg_stat_activity where application_name = 'jobs-server' order by pid`
      const busy = backends.filter(({ busy }) => busy)
      if (backends.length > 0) process.kill(random.pick(busy.length > 0 ? busy : backends).pid, 'SIGKILL')
      // PostgreSQL ends all sessions and runs crash recovery.
      await wait(50)
      await retryWhileUnavailable(() => sql`select 1`)
    },
  },
]

export type { Fault }
