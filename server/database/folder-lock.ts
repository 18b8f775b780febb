import { createHash } from 'node:crypto'
import { realpath, unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../../shared/errors.ts'

/**
 * Holds `folder` for this process, and resolves to what lets go of it. The lock is a listening
 * socket, which the kernel frees even after `kill -9`: there is no stale lock to clean up.
 * It does not reach across containers that share a folder.
 * @throws Failure `conflict` when another process holds it
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = await realpath(folder)
  const name = `jobs-server-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`
  const server = await listenAlone(name)
  if (!server) {
    throw new Failure('conflict', `another jobs-server has the data folder ${path} open; nothing was started`, {
      hint: 'stop it, or give this one a JOBS_DATA_DIR of its own',
    })
  }
  server.unref()
  return () => new Promise((done) => server.ref().close(() => done()))
}

async function listenAlone(name: string): Promise<Server | undefined> {
  if (process.platform === 'linux') return listen(`\0${name}`)
  if (process.platform === 'win32') return listen(`\\\\.\\pipe\\${name}`)
  // Elsewhere the socket is a file, which outlives its process: one that nobody answers is stale.
  const file = join(tmpdir(), `${name}.sock`)
  const server = await listen(file)
  if (server || (await answers(file))) return server
  await unlink(file).catch(() => {})
  return listen(file)
}

const listen = (path: string): Promise<Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    server.listen(path, () => resolve(server))
  })

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
