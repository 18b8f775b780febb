import type { Context } from '../../context.ts'
import { bashLine, bashValue } from './bash-line.ts'
import { candidatesFor } from './candidates.ts'
import type { Shell } from './scripts.ts'

/**
 * The words with which a command line can go on, a line each: the word, a tab, its meaning. Without a word, nothing: an error
 * would be printed into the line that a person types.
 * @param words the words before the last one, and the last one behind a colon, since some shells drop an empty word. For bash:
 *   the part of the last word that bash completes, and the line up to the cursor, each behind a colon.
 */
export async function reply(context: Context, shell: Shell, words: readonly string[]): Promise<string> {
  try {
    const last = (words.at(-1) ?? '').replace(/^:/, '')
    // The words that fish gives have no quotes any more, but for the word that is being typed.
    const current = shell === 'fish' ? last.replace(/^['"]/, '') : last
    const line = shell === 'bash' ? bashLine(last) : { before: words.slice(0, -1), current }
    const found = await candidatesFor(context, line)
    if (found === 'files') return ':files\n'
    const typed = (words[0] ?? '').replace(/^:/, '')
    const shown = (value: string) => (shell === 'bash' ? bashValue(value, line.current, typed) : value)
    return found.map(({ value, about }) => `${shown(value)}\t${about}\n`).join('')
  } catch {
    return ''
  }
}
