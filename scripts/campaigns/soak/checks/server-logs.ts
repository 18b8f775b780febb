import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Verdict } from '../../stress/checks/verdict.ts'

/** The time before the end of a server in which it may answer that it shuts down: its default, and a little. Milliseconds. */
const shutdownMs = 32_000

const timeOf = (line: string): number => Date.parse(/"time":"([^"]+)"/.exec(line)?.[1] ?? '')

/** Checks that no server answered with 5xx, but for one that starts or shuts down. */
export async function checkServerLogs(folder: string): Promise<Verdict> {
  const wrong: string[] = []
  let looked = 0
  for (const name of await readdir(folder)) {
    if (!/^server-.*\.log$/.test(name)) continue
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n')
    const ready = lines.findIndex((line) => line.includes('"message":"ready"'))
    const stopped = lines.find((line) => line.includes('"message":"stopped"'))
    const end = stopped === undefined ? Number.POSITIVE_INFINITY : timeOf(stopped)
    for (const [at, line] of lines.entries()) {
      if (!line.includes('"message":"request"')) continue
      looked += 1
      const failed = /"status":5\d\d/.test(line)
      if (failed && at > ready && timeOf(line) < end - shutdownMs) wrong.push(line)
    }
  }
  return { claim: 'no server that runs answers with 5xx', looked, wrong }
}
