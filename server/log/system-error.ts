import { getSystemErrorMap } from 'node:util'
import * as z from 'zod'

/** An error of the operating system, with the file or the address that it is about. */
const SystemError = z.object({
  errno: z.number(),
  code: z.string(),
  path: z.string().optional(),
  hostname: z.string().optional(),
  address: z.string().optional(),
  port: z.number().optional(),
})

/** An error of the operating system in words with its code, such as `permission denied (EACCES)`; else its message. */
export const systemErrorText = (error: unknown): string => wordsOf(error)?.words ?? messageOf(error)

/** The same with the file or the address: `not a directory (ENOTDIR): /srv/jobs`. Any other error has its message. */
export function errorText(error: unknown): string {
  const known = wordsOf(error)
  if (!known) return messageOf(error)
  return known.place === undefined ? known.words : `${known.words}: ${known.place}`
}

function wordsOf(error: unknown): { words: string; place: string | undefined } | undefined {
  const { data } = SystemError.safeParse(error)
  const words = data && getSystemErrorMap().get(data.errno)?.[1]
  if (!words) return undefined
  const { code, path, hostname, address, port } = data
  const host = port === undefined ? address : `${address ?? ''}:${port}`
  return { words: `${words} (${code})`, place: path ?? hostname ?? host }
}

/** An error for several addresses of one name has no message of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return errorText(error.errors[0])
  return error instanceof Error && error.message ? error.message : String(error)
}
