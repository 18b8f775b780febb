import { escapedBytes } from './escape.ts'

/**
 * A word, quoted for a POSIX shell. One with control characters, or with characters that reorder or hide text, is quoted as `$'…'` with
 * octal bytes, so that a terminal shows it and a paste means the same word.
 */
export function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (escapedBytes(word) === word) return `'${word.replaceAll("'", `'\\''`)}'`
  return `$'${escapedBytes(word.replaceAll(/[\\']/g, '\\$&'))}'`
}

/** A command line to paste. */
export const commandLine = (words: readonly string[]): string => words.map(quoted).join(' ')

/** A flag and its value; a value that looks like a flag is joined to its flag by `=`. */
export const flagWords = (flag: string, value: string): string[] =>
  value.startsWith('-') ? [`${flag}=${value}`] : [flag, value]

/** The flags that have a value, each with it. */
export const wordsOfFlags = (values: Readonly<Record<string, string | undefined>>): string[] =>
  Object.entries(values).flatMap(([flag, value]) => (value === undefined ? [] : flagWords(flag, value)))

/** A queue as the operand of a command; a name that looks like a flag stands after `--`. */
export function queueWords({ domain, queue }: { domain: string; queue: string }): string[] {
  const word = `${domain}/${queue}`
  return word.startsWith('-') ? ['--', word] : [word]
}
