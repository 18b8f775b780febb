import { within } from '../../stress/drain.ts'

const limitSeconds = 180

/**
 * Waits until `isSo` returns true.
 * @throws Error that says what did not come within 180 s
 */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  if (!(await within(limitSeconds * 1000, isSo))) throw new Error(`${what} did not come within ${limitSeconds} s`)
}
