import { Failure } from '../../shared/errors.ts'
import type { Env } from '../env.ts'
import type { Log } from '../log.ts'
import { apiKey } from './api-key.ts'
import { hashed } from './equal.ts'

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

/** A shorter key can be guessed. */
const fewest = 16

/** @throws Failure `usage` */
export async function openKeyRing(env: Env, log: Log, isLocal: boolean): Promise<KeyRing> {
  const read = async (env: Env): Promise<string[]> => {
    const { SINGLE_USER_API_KEY: configured, SINGLE_USER_API_KEY_PREVIOUS: previous } = env
    for (const [name, key] of Object.entries({
      SINGLE_USER_API_KEY: configured,
      SINGLE_USER_API_KEY_PREVIOUS: previous,
    }))
      if (key !== undefined && key.length < fewest) refuseShort(name, { env, log, isLocal })
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

function refuseShort(name: string, { env, log, isLocal }: { env: Env; log: Log; isLocal: boolean }): void {
  const what = `${name} has fewer than ${fewest} characters, and can be guessed`
  if (isLocal || env.JOBS_ALLOW_SHORT_KEY) {
    log.warn(what)
    return
  }
  throw new Failure('usage', `${what} by anyone who reaches ${env.HOST}`, {
    hint: 'use a longer one, such as of openssl rand -base64 32; JOBS_ALLOW_SHORT_KEY=true takes it all the same',
  })
}
