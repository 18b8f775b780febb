import { randomBytes } from 'node:crypto'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Failure } from '../../shared/errors.ts'
import { makeDataFolder } from '../env/data-folder.ts'
import type { Log } from '../log/log.ts'
import { systemErrorText } from '../log/system-error.ts'
import type { AttemptLimit } from './attempt-limit.ts'
import { type Authenticator, bearerOf, singleUser } from './authenticate.ts'
import { hashed, sameHash } from './secrets.ts'

/**
 * Single-user mode: one key, in `X-API-KEY` or as a bearer token.
 * @param hashes of the keys that are taken now
 */
export function apiKeyAuthenticator(hashes: () => readonly string[], limit: AttemptLimit): Authenticator {
  return {
    challenge: 'ApiKey realm="jobs", header="X-API-KEY"',
    way: 'key',
    hashOf: hashed,
    secretOf: (header) => header('x-api-key') || bearerOf(header),
    callerBehind: async (id, passes) => (id === singleUser.id && hashes().some(passes) ? singleUser : undefined),
    authenticate: async ({ secret: given, address }) => {
      const hash = given && hashed(given)
      if (hash && hashes().some((one) => sameHash(hash, one))) return singleUser
      if (given) limit.countAttempt([`address ${address}`])
      throw new Failure('unauthenticated', given ? 'the API key is not right' : 'an API key is needed', {
        hint: 'send it as X-API-KEY',
      })
    },
  }
}

interface KeyOptions {
  configured: string | undefined
  folder: string
  log: Log
}

/**
 * The key of single-user mode: the configured one, else the one in the data folder, else a new one, which is written to the
 * data folder and readable only for its owner. The log has the path of the file, never the key.
 * @throws Failure `usage` for an empty file
 */
export async function apiKey({ configured, folder, log }: KeyOptions): Promise<string> {
  if (configured) return configured
  const file = resolve(join(folder, 'api-key'))
  await makeDataFolder(folder, log)
  const unusable = (what: string) => (cause: unknown) => {
    throw new Failure('usage', `the API key cannot be ${what} ${file}: ${systemErrorText(cause)}`, {
      hint: 'set JOBS_DATA_DIR to another folder, or SINGLE_USER_API_KEY',
      cause,
    })
  }
  await writeFile(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => (error.code === 'EEXIST' ? undefined : unusable('written to')(error)),
  )
  await chmod(file, 0o600).catch(unusable('kept for its owner in'))
  const key = (await readFile(file, 'utf8').catch(unusable('read from'))).trim()
  if (!key) throw new Failure('usage', `${file} is empty; nothing was started`, { hint: 'delete it to get a new key' })
  log.info(`the API key is in ${file}`)
  return key
}
