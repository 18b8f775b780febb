import { setTimeout as wait } from 'node:timers/promises'
import type { Cluster, Pair } from './cluster/cluster.ts'
import type { Node } from './cluster/node.ts'
import { postmaster, processesIn, signal } from './cluster/processes.ts'
import { directly } from './watch.ts'

interface Blow {
  cluster: Cluster
  pair: Pair
  /** Keeps the standby behind for a moment before, so that an asynchronous one has something to lose. */
  lagging: boolean
}

/** What happens to a primary. */
export interface Fault {
  name: string
  /** Returns what gives the node back what was taken from it. */
  strike: (blow: Blow) => Promise<() => Promise<void>>
}

/** So long a standby that is kept behind does not hear anything, in milliseconds. */
const lagMs = 700

export const faults = {
  kill: {
    name: "kill -9 of the primary's postmaster",
    async strike({ pair: { primary }, lagging }) {
      const sender = await holdBack(primary, lagging)
      const pid = await postmaster(primary.data)
      if (pid === undefined) throw new Error('the primary has no postmaster')
      signal([pid, ...sender], 'SIGKILL')
      return async () => {}
    },
  },
  freeze: {
    name: 'SIGSTOP of the primary and its Patroni',
    async strike({ pair: { primary }, lagging }) {
      await holdBack(primary, lagging)
      const { folder } = primary
      // Once more, for a process that was forked meanwhile.
      for (const _ of ['all', 'new']) signal(processesIn(folder), 'SIGSTOP')
      return async () => signal(processesIn(folder), 'SIGCONT')
    },
  },
  cut: {
    name: 'the primary is cut off from the network',
    async strike({ cluster: { network }, pair: { primary }, lagging }) {
      const sender = await holdBack(primary, lagging)
      await network.cutting?.cut(primary.place)
      signal(sender, 'SIGCONT')
      return async () => network.cutting?.join(primary.place)
    },
  },
  switchover: {
    name: 'patronictl switchover',
    async strike({ cluster, pair }) {
      await cluster.switchover(pair)
      return async () => {}
    },
  },
} satisfies Record<string, Fault>
export type FaultName = keyof typeof faults
export const everyFault = ['kill', 'freeze', 'cut', 'switchover'] as const satisfies readonly FaultName[]

/** Stops the processes that send the log to the standby, for a moment before the blow. Returns their ids. */
async function holdBack(primary: Node, lagging: boolean): Promise<number[]> {
  if (!lagging) return []
  const sql = directly(primary)
  const rows = await sql<{ pid: number }[]>`select pid from pg_stat_replication`
  await sql.end()
  const pids = rows.map(({ pid }) => pid)
  signal(pids, 'SIGSTOP')
  await wait(lagMs)
  return pids
}
