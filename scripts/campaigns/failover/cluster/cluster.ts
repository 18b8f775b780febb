import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { until } from '../../within.ts'
import { startEtcd } from './etcd.ts'
import { startProxy } from './haproxy.ts'
import type { Home } from './home.ts'
import type { Network, Place } from './network.ts'
import { halt, makeNode, type Node, startOn } from './node.ts'
import type { Programs } from './packages.ts'
import { type Mode, membersOf } from './patroni.ts'

export interface Pair {
  primary: Node
  standby: Node
}

/** Two nodes, etcd and HAProxy. */
export interface Cluster {
  network: Network
  /** Reaches the node that is the primary. */
  url: (database: string) => string
  /** Waits until one node is the primary and the other streams from it, synchronously if that is the mode. */
  healthy: () => Promise<Pair>
  switchover: (pair: Pair) => Promise<void>
  /** Starts Patroni of a halted node, with an empty data folder. */
  refill: (node: Node) => Promise<void>
  /** Kills everything, and removes the data. */
  stop: () => Promise<void>
}

interface Options extends Home {
  programs: Programs
  network: Network
  mode: Mode
}

/** Starts a cluster in folders below `folder`. The guardian ends its processes if nobody else does. */
export async function startCluster({ programs, network, mode, ...home }: Options): Promise<Cluster> {
  const etcd = await startEtcd(home, programs.etcd, network.host)
  const node = (name: string, place: Place) =>
    makeNode({ home, name, place, binaries: programs.postgres, etcd: etcd.client, mode })
  const nodes = [await node('one', network.places[0]), await node('two', network.places[1])] as const
  const proxy = await startProxy(home, programs.haproxy, nodes)
  const start = (node: Node) => startOn(node, [programs.patroni, 'patroni.yml'])
  const [first, second] = nodes
  start(first)
  await until('a first primary', async () => (await membersOf(first.place)).some(({ role }) => role === 'leader'))
  start(second)
  return {
    network,
    url: (database) => `postgres://postgres@127.0.0.1:${proxy.port}/${database}`,
    healthy: () => untilHealthy(nodes, mode),
    async switchover({ primary, standby }) {
      const names = ['--leader', primary.name, '--candidate', standby.name]
      const argv = ['-c', 'patroni.yml', 'switchover', 'jobs', ...names, '--force']
      await promisify(execFile)(programs.patronictl, argv, { cwd: primary.folder })
    },
    async refill(node) {
      await rm(node.data, { recursive: true, force: true })
      start(node)
    },
    async stop() {
      await Promise.all(nodes.map(halt))
      for (const { child } of [proxy, etcd]) child.kill('SIGKILL')
      for (const { data } of nodes) await rm(data, { recursive: true, force: true })
    },
  }
}

async function untilHealthy(nodes: readonly [Node, Node], mode: Mode): Promise<Pair> {
  const [one, two] = nodes
  const follows = mode === 'sync' ? 'sync_standby' : 'replica'
  let leader: string | undefined
  await until('a primary with a standby that streams', async () => {
    const members = (await Promise.all(nodes.map(({ place }) => membersOf(place)))).find(({ length }) => length === 2)
    const streams = members?.some(({ role, state }) => role === follows && state === 'streaming')
    leader = streams ? members?.find(({ role, state }) => role === 'leader' && state === 'running')?.name : undefined
    return leader !== undefined
  })
  return leader === one.name ? { primary: one, standby: two } : { primary: two, standby: one }
}
