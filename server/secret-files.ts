import { readFileSync } from 'node:fs'
import { systemErrorText } from './system-error.ts'

/** The variables that have a secret, which may stand in the file of `<name>_FILE` instead. */
const secretNames = [
  'JOBS_DB_URL',
  'SINGLE_USER_API_KEY',
  'SINGLE_USER_API_KEY_PREVIOUS',
  'JOBS_METRICS_TOKEN',
] as const

type Variables = Readonly<Record<string, string | undefined>>

/**
 * Reads the secrets that stand in files.
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
      if (text === '') faults.push(`${name}_FILE: ${file} is empty`)
      else read[name] = text
    } catch (error) {
      faults.push(`${name}_FILE: cannot read ${file}: ${systemErrorText(error)}`)
    }
  }
  return { variables: { ...given, ...read }, faults }
}
