import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../../launch/free-port.ts'
import { type Home, makeFolder } from './home.ts'
import type { Node } from './node.ts'
import { run } from './processes.ts'

interface Proxy {
  child: ChildProcess
  /** Connections to this port of 127.0.0.1 are connections to the primary. */
  port: number
}

/** Starts HAProxy in front of the nodes. */
export async function startProxy(home: Home, program: string, nodes: readonly Node[]): Promise<Proxy> {
  const port = await freePort()
  const folder = await makeFolder(home, 'haproxy')
  await writeFile(join(folder, 'haproxy.cfg'), config(port, nodes))
  return { child: run({ argv: [program, '-f', 'haproxy.cfg'], folder, account: home.account }), port }
}

/** HAProxy asks Patroni of each node whether it is the primary, and ends all sessions with a node that is none any more. */
const config = (port: number, nodes: readonly Node[]): string => `
defaults
  mode tcp
  maxconn 500
  retries 0
  timeout connect 2s
  timeout check 1s
  timeout client 1h
  timeout server 1h

listen primary
  bind 127.0.0.1:${port}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 500ms fastinter 200ms downinter 200ms fall 2 rise 1 on-marked-down shutdown-sessions
${nodes
  .map(({ name, place: { address, postgresPort, restPort } }) => {
    return `  server ${name} ${address}:${postgresPort} check port ${restPort}\n`
  })
  .join('')}`
