import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { untilAnswers } from './postgres.ts'
import { unprivileged } from './postgres-binaries.ts'

interface Pooler {
  /** Returns the URL of a database behind the pooler. */
  urlOf: (database: string) => string
  stop: () => Promise<void>
}

/** Returns the path of PgBouncer: from the PATH, or from /usr/sbin, where Debian installs it. */
export const poolerProgram = (): string | undefined =>
  ['pgbouncer', '/usr/sbin/pgbouncer'].find((candidate) => spawnSync(candidate, ['--version']).status === 0)

/**
 * Starts PgBouncer in transaction mode in front of the PostgreSQL at `url`. It ends with this process, and its folder goes with it.
 * @returns undefined when PgBouncer is not installed
 * @throws Error when PgBouncer ends, or accepts no connection within 30 s
 */
export async function startPooler(url: string): Promise<Pooler | undefined> {
  const found = poolerProgram()
  if (found === undefined) return undefined
  const account = unprivileged()
  const folder = await mkdtemp(join(tmpdir(), 'jobs-pooler-'))
  await chmod(folder, 0o755)
  const [port, { hostname, port: backendPort }] = [await freePort(), new URL(url)]
  await writeFile(join(folder, 'users.txt'), '"postgres" ""\n')
  const settings = [
    ...[`[databases]`, `* = host=${hostname} port=${backendPort}`, `[pgbouncer]`],
    ...[`listen_addr = 127.0.0.1`, `listen_port = ${port}`, `unix_socket_dir =`],
    ...[`auth_type = trust`, `auth_file = ${join(folder, 'users.txt')}`],
    ...[`pool_mode = transaction`, `max_prepared_statements = 200`],
  ]
  await writeFile(join(folder, 'pgbouncer.ini'), `${settings.join('\n')}\n`)
  const child = spawn(found, ['-q', join(folder, 'pgbouncer.ini')], {
    ...account,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const end = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', end)
  const urlOf = (database: string) => Object.assign(new URL(url), { port: String(port), pathname: `/${database}` }).href
  await untilAnswers(urlOf('postgres'), async () => (child.exitCode === null ? undefined : 'PgBouncer does not start'))
  return {
    urlOf,
    async stop() {
      process.off('exit', end)
      const exited = once(child, 'exit')
      end()
      await exited
    },
  }
}
