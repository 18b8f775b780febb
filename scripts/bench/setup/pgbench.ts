import { execFile, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Captured } from './capture.ts'

/** A statement, and the parameter that differs in each transaction. */
interface Script extends Captured {
  name: string
  /**
   * SQL in place of the parameter with this number. It may use the captured value, which is `:p1` for number 1, and `:id`, which is
   * 1, 2, 3 … over all clients.
   */
  replaced?: { number: number; by: string }
}

interface Run {
  url: string
  folder: string
  /** The number of transactions of all four clients together. */
  transactions: number
}

/**
 * Runs a prepared statement repeatedly with four clients and with the session settings that the server uses.
 * @returns transactions per second
 * @throws Error when pgbench is not installed, or when a transaction fails
 */
export async function pgbench(script: Script, { url, folder, transactions }: Run): Promise<number> {
  const path = join(folder, `${script.name}.sql`)
  await writeFile(path, `${scriptOf(script)};\n`)
  const variables = script.parameters.flatMap((value, at) => (value === null ? [] : ['-D', `p${at + 1}=${value}`]))
  const options = ['-n', '-M', 'prepared', '-c', '4', '-j', '2', '-t', String(transactions / 4), '-D', 'n=0']
  const { stdout } = await promisify(execFile)(program(), [...options, ...variables, '-f', path, url], {
    env: { PATH: process.env.PATH, PGOPTIONS: '-c enable_seqscan=off -c jit=off -c timezone=UTC' },
  })
  const rate = /^tps = ([\d.]+)/m.exec(stdout)?.[1]
  if (rate === undefined || !/failed transactions: 0/.test(stdout)) throw new Error(`pgbench failed: ${stdout}`)
  return Number(rate)
}

function scriptOf({ text, parameters, replaced }: Script): string {
  const statement = text
    .split('\n')
    .filter((line) => !line.trim().startsWith('--'))
    .join('\n')
    // pgbench would read `:MI` in a time format as a variable. Only events of failed jobs use the format, and no job
    // fails here.
    .replaceAll(':MI:SS', 'MISS')
    .replaceAll(/\$(\d+)/g, (_, number: string) => {
      if (Number(number) === replaced?.number) return `(${replaced.by})`
      // pgbench binds texts alone.
      return parameters[Number(number) - 1] === null ? 'null' : `:p${number}`
    })
  return `\\set n :n + 1\n\\set id (:n - 1) * 4 + :client_id + 1\n${statement}`
}

/** Returns the path of pgbench, which comes with PostgreSQL and is not always on the PATH. */
function program(): string {
  const bin = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' }).stdout?.trim()
  const found = ['pgbench', `${process.env.TEST_PG_BIN ?? ''}/pgbench`, `${bin ?? ''}/pgbench`].find(
    (candidate) => spawnSync(candidate, ['--version']).status === 0,
  )
  if (found === undefined) throw new Error('pgbench is not installed (apt-get install postgresql)')
  return found
}
