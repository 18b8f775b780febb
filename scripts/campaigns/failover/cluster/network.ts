import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { freePort } from '../../../launch/free-port.ts'
import type { Guardian } from './guardian.ts'

/** Where a node has its place. */
export interface Place {
  address: string
  postgresPort: number
  restPort: number
  namespace?: string
}

/** What the nodes and the rest of a cluster speak over. */
export interface Network {
  places: readonly [Place, Place]
  /** An address of this machine that both nodes reach. */
  host: string
  /** Cuts one node off from everything but itself, as a pulled plug does; undefined where the nodes share a network. */
  cutting: { cut: (place: Place) => Promise<void>; join: (place: Place) => Promise<void> } | undefined
}

/**
 * Gives each node a network namespace, joined to this machine and to the other node by a pair of virtual interfaces each.
 * Where namespaces cannot be made, all share 127.0.0.1.
 */
export async function createNetwork(guardian: Guardian): Promise<Network> {
  const loopback = async (): Promise<Place> => ({
    ...{ address: '127.0.0.1', postgresPort: await freePort(), restPort: await freePort() },
  })
  if (process.getuid?.() === 0) {
    const made = await namespaces(guardian).catch(() => undefined)
    if (made) return made
  }
  return { places: [await loopback(), await loopback()], host: '127.0.0.1', cutting: undefined }
}

const ip = (...argv: string[]) => promisify(execFile)('ip', argv)

/** Addresses of 198.18.0.0/15, which is kept for tests of networks. The same process never has two clusters at once. */
async function namespaces(guardian: Guardian): Promise<Network> {
  const net = `198.18.${process.pid % 256}`
  const host = `${net}.3`
  const place = (number: 1 | 2) => ({
    ...{ address: `${net}.${number}`, postgresPort: 5432, restPort: 8008 },
    namespace: `jobs${process.pid}-${number}`,
  })
  const places = [place(1), place(2)] as const
  for (const { namespace } of places) {
    await ip('netns', 'add', namespace)
    guardian.guard(namespace)
    await ip('-n', namespace, 'link', 'set', 'lo', 'up')
  }
  const [one, two] = places
  await ip('-n', one.namespace, 'link', 'add', 'other', 'type', 'veth', 'peer', 'name', 'other', 'netns', two.namespace)
  for (const { namespace, address } of places) {
    const outside = `j${process.pid}x${address.at(-1)}`
    await ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', 'host', 'netns', namespace)
    await ip('address', 'add', `${host}/32`, 'dev', outside)
    await ip('link', 'set', outside, 'up')
    await ip('route', 'add', `${address}/32`, 'dev', outside, 'src', host)
    await ip('-n', namespace, 'address', 'add', `${address}/32`, 'dev', 'lo')
  }
  const ways = (from: Place): { device: string; to: string }[] => [
    { device: 'host', to: host },
    { device: 'other', to: from.address === one.address ? two.address : one.address },
  ]
  const join = async (from: Place) => {
    const inside = ['-n', from.namespace ?? '']
    for (const { device, to } of ways(from)) {
      await ip(...inside, 'link', 'set', device, 'up')
      await ip(...inside, 'route', 'replace', `${to}/32`, 'dev', device, 'src', from.address)
    }
  }
  const cut = async (from: Place) => {
    for (const { device } of ways(from)) await ip('-n', from.namespace ?? '', 'link', 'set', device, 'down')
  }
  for (const each of places) await join(each)
  return { places, host, cutting: { cut, join } }
}
