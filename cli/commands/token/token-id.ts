import { Failure } from '../../../shared/errors.ts'
import type { Context } from '../../context.ts'

/**
 * The id of a token, as it was typed. The error does not repeat what was typed, since that may be a whole token with its secret.
 * @throws Failure `usage`
 */
export function idOf({ another }: Context, word: string, given: string | undefined): string {
  if (given !== undefined && /^[0-9a-f]{12}$/.test(given)) return given
  throw new Failure('usage', `token ${word} needs the id of a token, 12 hexadecimal digits; nothing was changed`, {
    hint: `${another(['token', 'list'])} shows the ids`,
  })
}
