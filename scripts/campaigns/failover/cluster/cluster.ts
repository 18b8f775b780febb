import { type ChildProcess, execFile } from 'node:child_process'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Account } from '../../../postgres/binaries.ts'
import { freePort } from '../../../postgres/start.ts'
import { within } from '../../stress/drain.ts'
import { haproxyConfig } from './haproxy.ts'
import type { Network, Place } from './network.ts'
import type { Programs } from './packages.ts'
import { type Mode, membersOf, patroniConfig } from './patroni.ts'
import { postmaster, processesIn, run, signal } from './processes.ts'

/** PostgreSQL under Patroni. */
export interface Node {
  name: string
  place: Place
  folder: string
  data: string
  /** Reaches this PostgreSQL itself, without HAProxy. */
  url: (database: string) => string
}

/** Two nodes, etcd and HAProxy. */
export interface Cluster {
  nodes: readonly [Node, Node]
  network: Network
  /** Reaches whichever node is the primary. */
  url: (database: string) => string
  /** Waits until one node is the primary and the other streams from it, synchronously if that is the mode. */
  healthy: () => Promise<{ primary: Node; standby: Node }>
  switchover: (from: Node, to: Node) => Promise<void>
  /** Kills Patroni of a node, and stops its PostgreSQL as a crash does. */
  halt: (node: Node) => Promise<void>
  /** Starts a program beside a halted node, as its PostgreSQL would run. */
  beside: (node: Node, argv: readonly [string, ...string[]]) => ChildProcess
  /** Starts Patroni of a halted node, with an empty data folder. */
  refill: (node: Node) => Promise<void>
  /** Kills everything, and removes the data. */
  stop: () => Promise<void>
}

interface Options {
  folder: string
  account: Account
  programs: Programs
  network: Network
  mode: Mode
}

const limitSeconds = 90

/** Starts a cluster in folders below `folder`. Its processes are the guardian's to end. */
export async function startCluster({ folder, account, programs, network, mode }: Options): Promise<Cluster> {
  const made = async (name: string) => {
    const path = join(folder, name)
    await mkdir(path)
    await own(path, account)
    return path
  }
  const [etcdPort, peerPort, proxyPort] = [await freePort(), await freePort(), await freePort()]
  const etcdFolder = await made('etcd')
  const etcd = run({
    argv: [programs.etcd, ...etcdFlags({ etcdPort, peerPort, host: network.host })],
    ...{ folder: etcdFolder, account },
  })
  const node = async (name: string, place: Place): Promise<Node> => {
    const at = await made(name)
    const data = join(at, 'data')
    await writeFile(
      join(at, 'patroni.yml'),
      patroniConfig({
        ...{ name, place, folder: at, binaries: programs.postgres, mode },
        etcd: `${network.host}:${etcdPort}`,
      }),
    )
    const url = (database: string) => `postgres://postgres@${place.address}:${place.postgresPort}/${database}`
    return { name, place, folder: at, data, url }
  }
  const nodes = [await node('one', network.places[0]), await node('two', network.places[1])] as const
  const proxyFolder = await made('haproxy')
  await writeFile(join(proxyFolder, 'haproxy.cfg'), haproxyConfig(proxyPort, nodes))
  const proxy = run({ argv: [programs.haproxy, '-f', 'haproxy.cfg'], folder: proxyFolder, account })
  const beside = ({ folder, place }: Node, argv: readonly [string, ...string[]]) =>
    run({ argv, folder, account, namespace: place.namespace })
  const start = (node: Node) => beside(node, [programs.patroni, 'patroni.yml'])
  const [first, second] = nodes
  start(first)
  await until('a first primary', async () => (await membersOf(first.place)).some(({ role }) => role === 'leader'))
  start(second)
  const halt = (node: Node) => haltNode(node)
  return {
    nodes,
    network,
    url: (database) => `postgres://postgres@127.0.0.1:${proxyPort}/${database}`,
    healthy: () => untilHealthy(nodes, mode),
    beside,
    halt,
    async switchover(from, to) {
      const argv = ['-c', 'patroni.yml', 'switchover', 'jobs', '--leader', from.name, '--candidate', to.name, '--force']
      await promisify(execFile)(programs.patronictl, argv, { cwd: from.folder })
    },
    async refill(node) {
      await rm(node.data, { recursive: true, force: true })
      start(node)
    },
    async stop() {
      for (const each of nodes) await halt(each)
      for (const child of [proxy, etcd]) child.kill('SIGKILL')
      await Promise.all(nodes.map(({ data }) => rm(data, { recursive: true, force: true })))
    },
  }
}

const etcdFlags = ({ etcdPort, peerPort, host }: { etcdPort: number; peerPort: number; host: string }) => {
  const [client, peer] = [`http://${host}:${etcdPort}`, `http://127.0.0.1:${peerPort}`]
  return [
    ...['--data-dir', 'data', '--unsafe-no-fsync', '--name', 'jobs'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `jobs=${peer}`],
  ]
}

async function own(folder: string, account: Account): Promise<void> {
  if (account) await promisify(execFile)('chown', [`${account.uid}:${account.gid}`, folder])
  await chmod(folder, 0o755)
}

async function untilHealthy(nodes: readonly [Node, Node], mode: Mode): Promise<{ primary: Node; standby: Node }> {
  const [one, two] = nodes
  const look = async () => {
    const members = (await Promise.all(nodes.map(({ place }) => membersOf(place)))).find(({ length }) => length === 2)
    const leader = members?.find(({ role, state }) => role === 'leader' && state === 'running')
    const follower = members?.find(
      ({ role, state }) => role === (mode === 'sync' ? 'sync_standby' : 'replica') && state === 'streaming',
    )
    return leader && follower ? leader.name : undefined
  }
  let primary: string | undefined
  await until('a primary with a standby that streams', async () => {
    primary = await look()
    return primary !== undefined
  })
  return primary === one.name ? { primary: one, standby: two } : { primary: two, standby: one }
}

/** Patroni goes first, since it would start PostgreSQL again. */
async function haltNode({ folder, data }: Node): Promise<void> {
  const inData = new Set(processesIn(data))
  signal(
    processesIn(folder).filter((pid) => !inData.has(pid)),
    'SIGKILL',
  )
  await wait(100)
  const first = await postmaster(data)
  signal(processesIn(data), 'SIGCONT')
  if (first) signal([first], 'SIGQUIT')
  await within(10_000, async () => processesIn(data).length === 0)
  signal(processesIn(folder), 'SIGKILL')
  await until('the end of a halted node', async () => processesIn(folder).length === 0)
}

/** @throws Error that says what did not come */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  if (!(await within(limitSeconds * 1000, isSo))) throw new Error(`${what} did not come within ${limitSeconds} s`)
}
