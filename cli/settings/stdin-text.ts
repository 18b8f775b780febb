import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'
import { interrupted } from '../io.ts'

/**
 * The whole of stdin, for a flag with the value `-`.
 * @throws Failure `usage` where a key is read from stdin, too, or `interrupted`
 */
export async function readStdinFor(flag: string, { flags, io }: Context): Promise<string> {
  const other = flags.apiKeyFile === '-' ? '--api-key-file' : flags.tokenFile === '-' ? '--token-file' : undefined
  if (other) throw new Failure('usage', `${flag} and ${other} cannot both be read from stdin`)
  const text = await io.readStdin()
  if (io.signal.aborted) throw interrupted(io.signal)
  return text
}
