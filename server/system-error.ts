import { getSystemErrorMap } from 'node:util'

/** An error of the operating system in words with its code, such as `permission denied (EACCES)`. */
export function systemErrorText({ errno, code, message }: NodeJS.ErrnoException): string {
  const words = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]
  return words ? `${words} (${code})` : message
}
