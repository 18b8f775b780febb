import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { freePort } from './free-port.ts'
import { type Account, postgresBinaries, unprivileged } from './postgres-binaries.ts'

/** A PostgreSQL server with its own data directory, which `stop` removes. */
export interface ThrowawayPostgres {
  url: string
  /** Shuts the server down and removes its folder. */
  stop: () => Promise<void>
  /** Shuts the server down in fast mode (SIGINT). Keeps the data and the port. */
  halt: () => Promise<void>
  /** Sends SIGKILL to the postmaster. Keeps the data and the port; transactions in progress are lost. */
  crash: () => Promise<void>
  /** Starts the server after `halt` or `crash`. Resolves when the server accepts connections. */
  resume: () => Promise<void>
}

/**
 * The role that must authenticate with a password; all other roles are trusted. The role does not exist at the start.
 */
export const roleWithPassword = 'with_password'

/**
 * Starts a throwaway PostgreSQL on a free port of 127.0.0.1. Any user may call it, including root. The server stops
 * when this process ends, even by SIGKILL. `extraSettings` are lines of postgresql.conf; the data stand in a new folder of
 * `parent`.
 * @throws Error that says what to install, or why the server does not start
 */
export const startPostgres = (
  extraSettings: readonly string[] = [],
  parent: string = tmpdir(),
): Promise<ThrowawayPostgres> => startFrom((place) => makeCluster({ ...place, extraSettings }), parent)

/**
 * Starts a streaming replica of a throwaway PostgreSQL, as a copy of its data. The primary is down for a moment.
 * @param name its name in `pg_stat_replication`
 */
export async function startReplica(primary: ThrowawayPostgres, name: string): Promise<ThrowawayPostgres> {
  const sql = postgres(primary.url, { max: 1 })
  const [row] = await sql<{ data_directory: string }[]>`show data_directory`
  await sql.end()
  const { hostname, port } = new URL(primary.url)
  const source = `host=${hostname} port=${port} user=postgres application_name=${name}`
  return startFrom(async ({ folder, account }) => {
    const data = join(folder, 'data')
    await primary.halt()
    await cp(row?.data_directory ?? '', data, { recursive: true }).finally(primary.resume)
    await appendFile(join(data, 'postgresql.conf'), `\nprimary_conninfo='${source}'\n`)
    await writeFile(join(data, 'standby.signal'), '')
    await rm(join(data, 'postmaster.pid'), { force: true })
    await changeOwner(folder, account)
  })
}

/** Starts PostgreSQL on the data that `make` puts into a new folder of `parent`. */
async function startFrom(make: (place: Place) => Promise<void>, parent: string = tmpdir()): Promise<ThrowawayPostgres> {
  const account = unprivileged()
  const folder = await mkdtemp(join(parent, 'jobs-postgres-'))
  await chmod(folder, 0o755)
  await changeOwner(folder, account)
  const supervisor = startSupervisor(folder, account)
  try {
    const bin = await postgresBinaries(folder, account)
    await changeOwner(folder, account)
    await make({ bin, folder, account })
    const port = await freePort()
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`
    const resume = async () => {
      const start = async () => {
        supervisor.stdin?.write(`start ${bin}/postgres ${port}\n`)
        await untilAnswers(url, () => faultOf(folder))
      }
      for (let tries = 0; ; tries++) {
        const failed = await start().then(
          () => undefined,
          (error: unknown) => error,
        )
        if (failed === undefined) return
        // After a crash, backends of the old postmaster may still be ending and hold the shared memory.
        if (!String(failed).includes('pre-existing shared memory') || tries > 50) throw failed
        await wait(200)
      }
    }
    await resume()
    const [halt, crash] = [() => sendCommand(supervisor, 'stop'), () => sendCommand(supervisor, 'crash')]
    return { url, resume, halt, crash, stop: () => endSupervisor(supervisor) }
  } catch (error) {
    await endSupervisor(supervisor)
    throw error
  }
}

/**
 * The server does not wait for the disk, since the data need not survive a power failure. It takes 200 connections, since
 * all test files of a command share it, and each opens the pools of a server and of an engine's workers.
 */
const settings = [
  ...['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'shared_buffers=64MB', 'max_connections=200'],
  ...["listen_addresses='127.0.0.1'", "unix_socket_directories=''", "timezone='UTC'", "log_timezone='UTC'"],
]

/**
 * A shell script that starts and stops PostgreSQL on commands from standard input. PostgreSQL opens the log in append
 * mode: after a crash old backends may still write to the file, and at their old offsets they would leave gaps in it.
 * When standard input closes, since this process has ended for any reason, the script stops PostgreSQL and removes the
 * folder.
 */
const supervisorScript = `
while read -r command program port; do
  case $command in
    start) : >log; "$program" -D data -p "$port" >>log 2>&1 & server=$! ;;
    stop) kill -INT "$server"; wait "$server"; echo stopped ;;
    crash) kill -KILL "$server"; wait "$server"; echo stopped ;;
  esac
done
[ -z "$server" ] || { kill -QUIT "$server"; wait "$server"; } 2>/dev/null
cd / && rm -rf "$0"`

function startSupervisor(folder: string, account: Account): ChildProcess {
  // Detached, so that Ctrl-C does not signal the supervisor. It ends when its standard input closes.
  return spawn('sh', ['-c', supervisorScript, folder], {
    ...account,
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
}

async function endSupervisor(supervisor: ChildProcess): Promise<void> {
  const exited = once(supervisor, 'exit')
  supervisor.stdin?.end()
  await exited
}

async function sendCommand(supervisor: ChildProcess, command: 'stop' | 'crash'): Promise<void> {
  const stopped = supervisor.stdout ? once(supervisor.stdout, 'data') : undefined
  supervisor.stdin?.write(`${command}\n`)
  await stopped
}

/** Changes the owner of the folder and of all files in it, so that the account can remove them. */
async function changeOwner(folder: string, account: Account): Promise<void> {
  if (account) await promisify(execFile)('chown', ['-R', `${account.uid}:${account.gid}`, folder])
}

interface Place {
  bin: string
  folder: string
  account: Account
}

interface ClusterOptions extends Place {
  /** Lines of postgresql.conf. */
  extraSettings: readonly string[]
}

/** Runs initdb. Uses an ICU collation where available, so that a test shows when a statement lacks `collate "C"`. */
async function makeCluster({ bin, folder, account, extraSettings }: ClusterOptions): Promise<void> {
  const data = join(folder, 'data')
  const initdb = (...locale: string[]) =>
    promisify(execFile)(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C', ...locale],
      { ...account, cwd: folder, env: { PATH: process.env.PATH } },
    )
  await initdb('--locale-provider=icu', '--icu-locale=en-US').catch(() => initdb())
  await appendFile(join(data, 'postgresql.conf'), `\n${[...settings, ...extraSettings].join('\n')}\n`)
  const hbaPath = join(data, 'pg_hba.conf')
  const rules = await readFile(hbaPath, 'utf8')
  await writeFile(hbaPath, `host all ${roleWithPassword} 127.0.0.1/32 scram-sha-256\n${rules}`)
  await changeOwner(folder, account)
}

/**
 * Waits until the database at `url` answers.
 * @throws Error with what `fault` returns, or after 30 s
 */
export async function untilAnswers(url: string, fault: () => Promise<string | undefined>): Promise<void> {
  for (const end = Date.now() + 30_000; ; await wait(50)) {
    const sql = postgres(url, { max: 1, connect_timeout: 2, fetch_types: false })
    // A server that crashes while the driver connects may leave both without an answer.
    const asked = sql`select 1`.then(
      () => undefined,
      (error: unknown) => error,
    )
    const refused = await Promise.race([asked, wait(5000, 'no answer within 5 s', { ref: false })])
    await sql.end({ timeout: 1 })
    if (refused === undefined) return
    const why = (await fault()) ?? (Date.now() > end ? `it does not answer: ${refused}` : undefined)
    if (why !== undefined) throw new Error(why)
  }
}

/** Returns the end of the log of a PostgreSQL that cannot start. */
async function faultOf(folder: string): Promise<string | undefined> {
  const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '')
  if (!/FATAL: {2}(?!the database system|terminating |canceling )/.test(log)) return undefined
  return `PostgreSQL does not start; its log ends with\n${log.slice(-2000)}`
}
