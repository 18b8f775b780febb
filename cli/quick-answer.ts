import { version } from '../shared/version.ts'

declare global {
  /** The help of the program, which the build inserts; undefined where the source is run without a build. */
  const PROGRAM_HELP: string | undefined
}

/** The answer to `--version` or `--help`, without loading the rest of the program; else undefined. */
export function quickAnswer([word = '', ...more]: readonly string[]): string | undefined {
  if (more.length > 0) return undefined
  if (word === '--version' || word === '-V') return `${version}\n`
  if (word === '--help' || word === '-h') return typeof PROGRAM_HELP === 'undefined' ? undefined : PROGRAM_HELP
  return undefined
}
