import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { newFolder } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { spawnServer } from '../../support/programs/spawn-server.ts'

/** More connections than Node has wait by itself (511). */
const wanted = 1000
/** The most that the kernel lets wait for a program; unknown where it is another kernel than Linux. */
const allowed = Number(await readFile('/proc/sys/net/core/somaxconn', 'utf8').catch(() => '0'))

it.skipIf(allowed < wanted)(
  'a server that is busy keeps 1,000 new connections waiting, and refuses none',
  async () => {
    const env = { JOBS_DB_URL: 'postgres://127.0.0.1:1/none', JOBS_DATA_DIR: await newFolder('data') }
    const server = await spawnServer({ ...env, SINGLE_USER_API_KEY: 'key' })
    const { hostname, port } = new URL(server.url)
    // It accepts nothing while it stands still, as it does in a burst of connections beside many streams.
    server.freeze()
    const [sockets, failed]: [Socket[], string[]] = [[], []]
    let connected = 0
    try {
      for (let n = 0; n < wanted; n++) {
        const socket = connect(Number(port), hostname, () => {
          connected += 1
        })
        sockets.push(socket.on('error', ({ message }) => failed.push(message)))
      }
      await until('all connections wait', () => connected + failed.length === wanted)
      expect([connected, failed]).toEqual([wanted, []])
    } finally {
      for (const socket of sockets) socket.destroy()
      server.thaw()
      await server.kill()
    }
  },
  120_000,
)
