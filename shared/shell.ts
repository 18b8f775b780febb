/** A word, quoted for a POSIX shell. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** A command line to paste. */
export const commandLine = (words: readonly string[]): string => words.map(quoted).join(' ')
