import type { ChildProcess } from 'node:child_process'
import { freePort } from '../../../launch/free-port.ts'
import { type Home, makeFolder } from './home.ts'
import { run } from './processes.ts'

interface Etcd {
  child: ChildProcess
  /** `address:port` for its clients. */
  client: string
}

/** Starts etcd, which keeps who the primary is, at an address that the nodes reach. */
export async function startEtcd(home: Home, program: string, address: string): Promise<Etcd> {
  const [port, peerPort] = [await freePort(), await freePort()]
  const [client, peer] = [`http://${address}:${port}`, `http://127.0.0.1:${peerPort}`]
  const flags = [
    ...['--data-dir', 'data', '--unsafe-no-fsync', '--name', 'jobs'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `jobs=${peer}`],
  ]
  const folder = await makeFolder(home, 'etcd')
  return { child: run({ argv: [program, ...flags], folder, account: home.account }), client: `${address}:${port}` }
}
