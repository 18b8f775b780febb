import { mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../../shared/errors.ts'
import { systemErrorText } from '../log/system-error.ts'

/** A longer path is no address of a socket, on every system. */
const longestPath = 100

/** Where a server listens for one process. */
interface Listening {
  path: string
  /** Removes the folder of the socket, which the end of this process does too. */
  remove: () => void
}

/**
 * Listens on a Unix socket in a new folder that only this user may enter, so that no other user can connect.
 * @throws Failure `usage` where the system has no place for it
 */
export async function listenOnSocket(server: Server): Promise<Listening> {
  if (process.platform === 'win32') throw new Failure('usage', 'Windows has no Unix sockets: name a server with --url')
  const parents = [process.env.XDG_RUNTIME_DIR, tmpdir(), '/tmp'].filter((path) => path !== undefined && path !== '')
  let last: unknown = 'the paths are too long'
  for (const parent of parents) {
    try {
      return await listenIn(parent ?? '', server)
    } catch (error) {
      last = error
    }
  }
  throw new Failure('usage', `there is no place for a socket: ${systemErrorText(last)}; nothing was connected`, {
    hint: 'set TMPDIR to a folder with a short path, in which you may make folders',
  })
}

async function listenIn(parent: string, server: Server): Promise<Listening> {
  // At once, so that no signal comes between the folder and the listener that removes it. Its mode is 700.
  const folder = mkdtempSync(join(parent, 'jobsctl-'))
  const path = join(folder, 'socket')
  const remove = () => {
    process.removeListener('exit', remove)
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', remove)
  try {
    if (path.length > longestPath) throw new Error(`the path of ${parent} is too long for a socket`)
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
    return { path, remove }
  } catch (error) {
    remove()
    throw error
  }
}
