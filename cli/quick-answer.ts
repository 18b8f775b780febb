import { version } from '../shared/version.ts'

declare global {
  /** The help of the program, which the build writes down; not there where the source itself is run. */
  const PROGRAM_HELP: string | undefined
}

/** What can be said without looking at the rest of the program, and so without loading it. */
export function quickAnswer([word = '', ...more]: readonly string[]): string | undefined {
  if (more.length > 0) return undefined
  if (word === '--version' || word === '-V') return `${version}\n`
  if (word === '--help' || word === '-h') return typeof PROGRAM_HELP === 'undefined' ? undefined : PROGRAM_HELP
  return undefined
}
