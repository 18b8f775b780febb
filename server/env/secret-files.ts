import { readFileSync } from 'node:fs'
import { systemErrorText } from '../log/system-error.ts'

/** The variables that have a secret, which may stand in the file of `<name>_FILE` instead. */
const secretNames = [
  'JOBS_DB_URL',
  'JOBS_DB_READ_URL',
  'SINGLE_USER_API_KEY',
  'SINGLE_USER_API_KEY_PREVIOUS',
  'JOBS_METRICS_TOKEN',
] as const

type Variables = Readonly<Record<string, string | undefined>>

/** The previous key ends when its file is emptied or deleted, without a restart. */
const mayBeAbsent = 'SINGLE_USER_API_KEY_PREVIOUS'

/**
 * Reads the secrets that stand in files. The previous key has no secret where its file is empty, or is not there.
 * @param given variables that are not blank
 * @returns the variables with these secrets, and a sentence for each file that cannot be used
 */
export function withSecretFiles(given: Variables): { variables: Variables; faults: string[] } {
  const faults: string[] = []
  const read: Record<string, string> = {}
  for (const name of secretNames) {
    const file = given[`${name}_FILE`]
    if (file === undefined) continue
    if (given[name] !== undefined) faults.push(`${name}_FILE: ${name} is set, too`)
    try {
      const text = readFileSync(file, 'utf8').trim()
      if (text === '' && name === mayBeAbsent) continue
      if (text === '') faults.push(`${name}_FILE: ${file} is empty`)
      else read[name] = text
    } catch (error) {
      if (name === mayBeAbsent && isAbsent(error)) continue
      faults.push(`${name}_FILE: cannot read ${file}: ${systemErrorText(error)}`)
    }
  }
  return { variables: { ...given, ...read }, faults }
}

const isAbsent = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
