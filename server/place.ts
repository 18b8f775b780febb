import { realpath } from 'node:fs/promises'
import type { Place } from './database/installation/installation.ts'
import type { Env } from './env.ts'

/** What the environment says of the database, for the comparison with what the database remembers. The data folder must be there. */
export async function placeOf(env: Pick<Env, 'JOBS_DB_URL' | 'JOBS_DATA_DIR' | 'JOBS_INSTANCE'>): Promise<Place> {
  const folder = env.JOBS_DB_URL ? null : await realpath(env.JOBS_DATA_DIR)
  return { instance: env.JOBS_INSTANCE ?? null, folder }
}
