import { execFile, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Captured } from './capture.ts'

/** A statement, and what has to be another one in each transaction. */
interface Script extends Captured {
  name: string
  /** SQL in place of the first parameter, over `:p1` and `:id`; that counts from 1, each number once. */
  first?: string
}

interface Run {
  url: string
  folder: string
  /** In all, by four clients. */
  transactions: number
}

/**
 * Runs a statement again and again, prepared, by four clients, with the settings of the server's connections.
 * @returns transactions a second
 */
export async function pgbench(script: Script, { url, folder, transactions }: Run): Promise<number> {
  const path = join(folder, `${script.name}.sql`)
  await writeFile(path, `${scriptOf(script)};\n`)
  const variables = script.parameters.flatMap((value, at) => ['-D', `p${at + 1}=${value ?? ''}`])
  const options = ['-n', '-M', 'prepared', '-c', '4', '-j', '2', '-t', String(transactions / 4), '-D', 'n=0']
  const { stdout } = await promisify(execFile)(program(), [...options, ...variables, '-f', path, url], {
    env: { PATH: process.env.PATH, PGOPTIONS: '-c enable_seqscan=off -c jit=off -c timezone=UTC' },
  })
  const rate = /^tps = ([\d.]+)/m.exec(stdout)?.[1]
  if (rate === undefined || !/failed transactions: 0/.test(stdout)) throw new Error(`pgbench says: ${stdout}`)
  return Number(rate)
}

function scriptOf({ text, parameters, first }: Script): string {
  if (parameters.includes(null)) throw new Error('pgbench knows no null')
  const statement = text
    .split('\n')
    .filter((line) => !line.trim().startsWith('--'))
    .join('\n')
    // pgbench would take the minutes of a format for a variable; no job fails here that would be told by it.
    .replaceAll(':MI:SS', 'MISS')
    .replaceAll(/\$(\d+)/g, (_, number: string) => (number === '1' && first ? `(${first})` : `:p${number}`))
  return `\\set n :n + 1\n\\set id (:n - 1) * 4 + :client_id + 1\n${statement}`
}

/** It comes with PostgreSQL, if not always on the path. */
function program(): string {
  const bin = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' }).stdout?.trim()
  const found = ['pgbench', `${process.env.TEST_PG_BIN ?? ''}/pgbench`, `${bin ?? ''}/pgbench`].find(
    (candidate) => spawnSync(candidate, ['--version']).status === 0,
  )
  if (found === undefined) throw new Error('pgbench is not installed (apt-get install postgresql)')
  return found
}
