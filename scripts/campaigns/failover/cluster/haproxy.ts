import type { Place } from './network.ts'

/** How HAProxy tells the primary: it asks Patroni of each node, and ends all sessions with a node that is none any more. */
export const haproxyConfig = (port: number, nodes: readonly { name: string; place: Place }[]): string =>
  `
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
  .map(
    ({ name, place: { address, postgresPort, restPort } }) =>
      `  server ${name} ${address}:${postgresPort} check port ${restPort}\n`,
  )
  .join('')}`
