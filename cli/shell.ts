/** A word as a POSIX shell reads it back. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** A command line to paste. */
export const commandLine = (words: readonly string[]): string => words.map(quoted).join(' ')
