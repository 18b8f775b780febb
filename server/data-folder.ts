import { mkdir } from 'node:fs/promises'
import { Failure } from '../shared/errors.ts'

/**
 * Makes the server's data folder with mode 700 when it does not exist.
 * @throws Failure `usage` when the folder cannot be made
 */
export async function makeDataFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw new Failure('usage', `JOBS_DATA_DIR: ${folder} cannot be the data folder: ${cause.code}`, {
      hint: 'name a folder, or a path where the server can make one',
      cause,
    })
  })
}
