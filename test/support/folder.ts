import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface ThrowawayFolder {
  path: string
  remove: () => Promise<void>
}

/** A temporary folder that goes with this process, however it ends: a shell waits for that. */
export async function throwawayFolder(prefix: string): Promise<ThrowawayFolder> {
  const path = await mkdtemp(join(tmpdir(), prefix))
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
