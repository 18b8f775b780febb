import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import { openWorld } from '../../support/world.ts'

/** The sockets of this machine, where the kernel is Linux: a line each, with two addresses, a state, and an inode where a process has it open. */
const table = '/proc/net/tcp'

/** True while a process has the server's end of a connection open. */
async function isOpen(serverPort: number, clientPort = 0): Promise<boolean> {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  const lines = (await readFile(table, 'utf8')).split('\n').map((line) => line.trim().split(/\s+/))
  return lines.some(
    ([, local, remote, ...rest]) =>
      local?.endsWith(`:${hex(serverPort)}`) && remote?.endsWith(`:${hex(clientPort)}`) && rest[6] !== '0',
  )
}

it.skipIf(!existsSync(table))(
  'a connection that is refused is closed, also where the client never closes its side',
  async () => {
    const world = await openWorld('postgres')
    const port = Number(new URL(world.url).port)
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    try {
      let answer = ''
      socket.setEncoding('latin1').on('data', (text) => {
        answer += text
      })
      socket.write('no request\r\n\r\n')
      await until('the server has closed its side', () => socket.readableEnded)
      expect(answer).toContain('HTTP/1.1 400 ')
      await until('the server has left the connection', async () => !(await isOpen(port, socket.localPort)), 20_000)
    } finally {
      socket.destroy()
      await world.stop()
    }
  },
)
