import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Server } from '../../../launch/restartable.ts'
import type { Verdict } from '../../verdict.ts'

/** Checks that no server answered with 5xx, except before it was ready and after the campaign had sent it a signal. */
export async function checkServerLogs(
  folder: string,
  servers: readonly Pick<Server, 'url' | 'outages'>[],
): Promise<Verdict> {
  const wrong: string[] = []
  let looked = 0
  for (const name of await readdir(folder)) {
    if (!/^server-.*\.log$/.test(name)) continue
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n')
    const ready = lines.findIndex((line) => line.includes('"message":"ready"'))
    const url = lines.map((line) => /"listening on (http:[^"]+)"/.exec(line)?.[1]).find((found) => found !== undefined)
    const outages = servers.find((server) => server.url === url)?.outages ?? []
    for (const [at, line] of lines.entries()) {
      if (!line.includes('"message":"request"')) continue
      looked += 1
      if (!/"status":5\d\d/.test(line) || at < ready) continue
      const time = timeOf(line)
      if (!outages.some(({ from, to }) => from <= time && time <= to)) wrong.push(line)
    }
  }
  return { claim: 'no server that runs answers with 5xx', looked, wrong }
}

/** Returns the time of a line of the log, in milliseconds since 1970. */
const timeOf = (line: string): number => Date.parse(/"time":"([^"]+)"/.exec(line)?.[1] ?? '')
