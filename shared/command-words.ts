/** A queue as the operand of a command; a name that looks like a flag stands after `--`. */
export function queueWords({ domain, queue }: { domain: string; queue: string }): string[] {
  const word = `${domain}/${queue}`
  return word.startsWith('-') ? ['--', word] : [word]
}
