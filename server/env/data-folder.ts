import { access, chmod, constants, mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Failure } from '../../shared/errors.ts'
import type { Log } from '../log/log.ts'
import { systemErrorText } from '../log/system-error.ts'

/**
 * Makes the server's data folder with mode 700, or narrows the mode of an existing one to 700: the folder has the
 * database and the API key. A folder that another user owns, or in which other users may write, is refused.
 * @throws Failure `usage` when the folder cannot be made or used
 */
export async function makeDataFolder(folder: string, log: Log): Promise<void> {
  const { mode, uid } = await mkdir(folder, { recursive: true, mode: 0o700 })
    .then(() => access(folder, constants.R_OK | constants.W_OK | constants.X_OK))
    .then(() => stat(folder))
    .catch(async (error: NodeJS.ErrnoException) => {
      const cause = error.code === 'ENOENT' ? ((await obstacle(folder)) ?? error) : error
      throw unusable(folder, systemErrorText(cause), 'name a folder, or a path where the server can make one', cause)
    })
  // Windows has no modes and no user ids.
  if (!process.getuid || (mode & 0o077) === 0) return
  if (uid !== process.getuid()) {
    throw unusable(folder, 'it belongs to another user, and others may read it', 'name a folder of your own')
  }
  if ((mode & 0o022) !== 0 && (mode & 0o1000) !== 0) {
    throw unusable(folder, 'every user may make files in it', 'name a folder inside of it')
  }
  await chmod(folder, 0o700)
  const before = (mode & 0o777).toString(8)
  log.warn(`JOBS_DATA_DIR: the mode of ${folder} was ${before} and is 700 now, since other users must not read it`)
}

/**
 * Why a folder cannot be made. Node says `no such file or directory` where the disk is read-only: the nearest folder that
 * is there says why nothing can be made in it. Undefined when something can.
 */
async function obstacle(folder: string): Promise<NodeJS.ErrnoException | undefined> {
  const above = dirname(resolve(folder))
  const error = await access(above, constants.W_OK | constants.X_OK).then(
    () => undefined,
    (cause: NodeJS.ErrnoException) => cause,
  )
  return error?.code === 'ENOENT' && above !== dirname(above) ? obstacle(above) : error
}

function unusable(folder: string, why: string, hint: string, cause?: unknown): Failure {
  return new Failure('usage', `JOBS_DATA_DIR: ${folder} cannot be the data folder: ${why}`, { hint, cause })
}
