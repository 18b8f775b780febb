import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { type Account, postgresBinaries, unprivileged } from './binaries.ts'

/** A real PostgreSQL of its own, in a folder that goes when it stops. */
export interface ThrowawayPostgres {
  url: string
  /** Stops it, and removes its folder. */
  stop: () => Promise<void>
  /** Stops it, as an operator would, and keeps the data and the port. */
  halt: () => Promise<void>
  /** `kill -9` for its first process: what it has confirmed is on the disk, and all else is lost. */
  crash: () => Promise<void>
  /** Starts it again after `halt` or `crash`. */
  resume: () => Promise<void>
}

/** The one role that must tell its password; every other is trusted. It does not exist at first. */
export const roleWithPassword = 'with_password'

/**
 * Starts a throwaway PostgreSQL on a free port of 127.0.0.1, as any user, root included.
 * It ends with this process, however that ends. `more` are lines for its configuration.
 * @throws Error that says what to install, or why it does not start
 */
export async function startPostgres(more: readonly string[] = []): Promise<ThrowawayPostgres> {
  const account = unprivileged()
  const folder = await mkdtemp(join(tmpdir(), 'jobs-postgres-'))
  await chmod(folder, 0o755)
  await own(folder, account)
  const keeper = keep(folder, account)
  try {
    const bin = await postgresBinaries(folder, account)
    await own(folder, account)
    await makeCluster({ bin, folder, account, more })
    const port = await freePort()
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`
    const resume = async () => {
      const start = async () => {
        keeper.stdin?.write(`start ${bin}/postgres ${port}\n`)
        await untilAnswering(url, folder)
      }
      for (let tries = 0; ; tries++) {
        const failed = await start().then(
          () => undefined,
          (error: unknown) => error,
        )
        if (failed === undefined) return
        // After a crash some processes of the old one are still about to end.
        if (!String(failed).includes('pre-existing shared memory') || tries > 50) throw failed
        await wait(200)
      }
    }
    await resume()
    const [halt, crash] = [() => tell(keeper, 'stop'), () => tell(keeper, 'crash')]
    return { url, resume, halt, crash, stop: () => end(keeper) }
  } catch (error) {
    await end(keeper)
    throw error
  }
}

/** No disk is waited for: what these tables hold is worth nothing after a power cut. */
const settings = [
  ...['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'shared_buffers=64MB', 'max_connections=100'],
  ...["listen_addresses='127.0.0.1'", "unix_socket_directories=''", "timezone='UTC'", "log_timezone='UTC'"],
]

/**
 * Runs PostgreSQL on command. Its log is appended to, since after a crash old processes may still write there: what the
 * new one says would be lost among their gaps. It lives as long as this process holds its standard input: when that
 * ends, by whatever signal, it stops the server at once and removes the folder.
 */
const keeperScript = `
while read -r word program port; do
  case $word in
    start) : >log; "$program" -D data -p "$port" >>log 2>&1 & server=$! ;;
    stop) kill -INT "$server"; wait "$server"; echo stopped ;;
    crash) kill -KILL "$server"; wait "$server"; echo stopped ;;
  esac
done
[ -z "$server" ] || { kill -QUIT "$server"; wait "$server"; } 2>/dev/null
cd / && rm -rf "$0"`

function keep(folder: string, account: Account): ChildProcess {
  // Detached: an interrupt from the keyboard must reach it through its input alone.
  return spawn('sh', ['-c', keeperScript, folder], {
    ...account,
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
}

async function end(keeper: ChildProcess): Promise<void> {
  const gone = once(keeper, 'exit')
  keeper.stdin?.end()
  await gone
}

async function tell(keeper: ChildProcess, word: 'stop' | 'crash'): Promise<void> {
  const stopped = keeper.stdout ? once(keeper.stdout, 'data') : undefined
  keeper.stdin?.write(`${word}\n`)
  await stopped
}

/** Gives the folder and all in it to the account, which could not remove it otherwise. */
async function own(folder: string, account: Account): Promise<void> {
  if (account) await promisify(execFile)('chown', ['-R', `${account.uid}:${account.gid}`, folder])
}

interface ClusterOptions {
  bin: string
  folder: string
  account: Account
  more: readonly string[]
}

/** Sorts as people do where it can, so that a forgotten `collate` shows. */
async function makeCluster({ bin, folder, account, more }: ClusterOptions): Promise<void> {
  const data = join(folder, 'data')
  const initdb = (...locale: string[]) =>
    promisify(execFile)(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C', ...locale],
      { ...account, cwd: folder, env: { PATH: process.env.PATH } },
    )
  await initdb('--locale-provider=icu', '--icu-locale=en-US').catch(() => initdb())
  await appendFile(join(data, 'postgresql.conf'), `\n${[...settings, ...more].join('\n')}\n`)
  const access = join(data, 'pg_hba.conf')
  const rules = await readFile(access, 'utf8')
  await writeFile(access, `host all ${roleWithPassword} 127.0.0.1/32 scram-sha-256\n${rules}`)
  await own(folder, account)
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (typeof address === 'object' && address) return address.port
  throw new Error('no port is free on 127.0.0.1')
}

async function untilAnswering(url: string, folder: string): Promise<void> {
  const limit = Date.now() + 30_000
  for (;;) {
    const sql = postgres(url, { max: 1, connect_timeout: 2 })
    const answers = await sql`select 1`.then(
      () => true,
      () => false,
    )
    await sql.end()
    if (answers) return
    const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '')
    if (Date.now() > limit || /FATAL: {2}(?!the database system|terminating )/.test(log)) {
      throw new Error(`PostgreSQL does not start; its log ends with\n${log.slice(-2000)}`)
    }
    await wait(50)
  }
}
