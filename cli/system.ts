import { getSystemErrorMap } from 'node:util'

/** The operating system's words for an error code such as `ENOENT`; undefined for other codes. */
export const systemMessage = (code: unknown): string | undefined =>
  [...getSystemErrorMap().values()].find(([name]) => name === code)?.[1]

/** The words for an error of a file: those of the system, else its message. */
export function fileErrorText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return systemMessage(code) ?? (error instanceof Error ? error.message : String(error))
}
