import { mkdir } from 'node:fs/promises'
import { Failure } from '../shared/errors.ts'

/**
 * Makes the server's data folder, for its owner alone, unless it is there.
 * @throws Failure `usage` when that cannot be done
 */
export async function makeDataFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw new Failure('usage', `JOBS_DATA_DIR: ${folder} cannot be the data folder: ${cause.code}`, {
      hint: 'it must be a folder, or a place where one can be made',
      cause,
    })
  })
}
