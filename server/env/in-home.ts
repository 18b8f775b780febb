import { homedir } from 'node:os'
import { join } from 'node:path'

/** A file of the home folder. Undefined for a user of whom the system knows no home, such as one of a container. */
export function inHome(...parts: string[]): string | undefined {
  try {
    return join(homedir(), ...parts)
  } catch {
    return undefined
  }
}
