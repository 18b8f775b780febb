import type { Env } from '../env/env.ts'
import type { Log } from '../log/log.ts'
import { apiKey } from './api-key.ts'
import { hashed, refuseShort } from './secrets.ts'

/** The keys of single-user mode. */
export interface KeyRing {
  /** The hashes of the keys that are taken now: the key, and the previous one where there is one. */
  hashes: () => readonly string[]
  /**
   * Takes the keys of another environment from now on.
   * @throws Failure `usage` for a key that is too short, or a file that is of no use; the keys stay as they are then
   */
  reload: (env: Env) => Promise<void>
}

/** @throws Failure `usage` */
export async function openKeyRing(env: Env, log: Log): Promise<KeyRing> {
  const read = async (env: Env): Promise<string[]> => {
    const { SINGLE_USER_API_KEY: configured, SINGLE_USER_API_KEY_PREVIOUS: previous } = env
    for (const name of ['SINGLE_USER_API_KEY', 'SINGLE_USER_API_KEY_PREVIOUS'] as const) refuseShort(name, env, log)
    const key = await apiKey({ configured, folder: env.JOBS_DATA_DIR, log })
    return [key, ...(previous === undefined ? [] : [previous])].map(hashed)
  }
  let known = await read(env)
  return {
    hashes: () => known,
    reload: async (env) => {
      known = await read(env)
    },
  }
}
