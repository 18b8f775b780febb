import type { Target } from '../settings/target.ts'

/** Masks the key or token of a target in what others say: a server may send it back. */
export function redactorFor({ credential }: Target): (text: string) => string {
  const secret = credential?.value.split(' ').at(-1)
  return (text) => (secret ? text.replaceAll(secret, '***') : text)
}

/** The same of tokens in JSON: whoever has the one of a preview may make the change. */
export const redactTokens = (text: string): string =>
  text.replaceAll(/("(?:\w+_)?token"\s*:\s*)"(?:[^"\\]|\\.)*"/g, '$1"***"')
