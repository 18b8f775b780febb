import { createHash } from 'node:crypto'
import { realpath, unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../../../shared/errors.ts'

/**
 * Locks `folder` for this process, and resolves to a function that releases the lock. The lock is a listening socket,
 * which the kernel closes even after `kill -9`, so no stale lock remains. It does not exclude a process in another
 * container that shares the folder.
 * @throws Failure `conflict` when another process holds the lock
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = await realpath(folder)
  const name = `jobs-server-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`
  const server = await listenAlone(name)
  if (!server) {
    throw new Failure('conflict', `another jobs-server has the data folder ${path} open; nothing was started`, {
      hint: 'stop the other server, or set JOBS_DATA_DIR to another folder',
    })
  }
  server.unref()
  return () => new Promise((done) => server.ref().close(() => done()))
}

async function listenAlone(name: string): Promise<Server | undefined> {
  if (process.platform === 'linux') return listen(`\0${name}`)
  if (process.platform === 'win32') return listen(`\\\\.\\pipe\\${name}`)
  // On other systems the socket is a file, which outlives its process: a file on which nobody answers is stale.
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
