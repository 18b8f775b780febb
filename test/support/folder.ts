import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const memory = '/dev/shm'
/** The least room in memory, in bytes. A run takes some hundred MB of it, since each test file drops its databases. */
const leastRoom = 4 * 2 ** 30

/**
 * Where the folders of a run stand: in memory where Linux has room, otherwise where temporary files stand, and where TMPDIR
 * says when it is set. A database is a thousand small files, and to make and remove them on a disk costs more processor time
 * than most tests.
 */
export async function parentOfRun(): Promise<string> {
  if (process.env.TMPDIR) return tmpdir()
  const room = await statfs(memory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  )
  return room < leastRoom ? tmpdir() : memory
}

interface ThrowawayFolder {
  path: string
  remove: () => Promise<void>
}

/** A temporary folder that goes with this process, however it ends: a shell waits for that. */
export async function throwawayFolder(prefix: string): Promise<ThrowawayFolder> {
  const path = await mkdtemp(join(await parentOfRun(), prefix))
  const keeper = spawn('sh', ['-c', 'cat >/dev/null; rm -rf "$0"', path], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const remove = async () => {
    const gone = once(keeper, 'exit')
    keeper.stdin.end()
    await gone
  }
  return { path, remove }
}
