import type { Token } from '../../../shared/access/tokens.ts'
import { escaped, escapedJson } from '../../../shared/escape.ts'
import type { Context } from '../../context.ts'

/** Prints the secret of a token alone on stdout, also with `--quiet`: nothing can print it again. `text` says what was made. */
export function printSecret({ print }: Context, made: Token & { token: string }, text: string): void {
  // The sentence has the id and comes first: where stdout takes no more, it says which token to revoke.
  print.aside(text)
  print.text(print.structured ? `${escapedJson(JSON.stringify(made))}\n` : `${escaped(made.token)}\n`)
}
