import type { Target } from '../settings/target.ts'

/** Masks the key or token of a target in texts of the server, which may echo it. */
export function redactorFor({ credential }: Target): (text: string) => string {
  const secret = credential?.value.split(' ').at(-1)
  return (text) => (secret ? text.replaceAll(secret, '***') : text)
}

/** Masks tokens in JSON: a preview token allows to make the change. */
export const redactTokens = (text: string): string =>
  text.replaceAll(/("(?:\w+_)?token"\s*:\s*)"(?:[^"\\]|\\.)*"/g, '$1"***"')
