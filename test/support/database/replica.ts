import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chown, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { freePort } from '../../../scripts/launch/free-port.ts'
import { startPostgres } from '../../../scripts/launch/postgres.ts'
import { postgresBinaries, unprivileged } from '../../../scripts/launch/postgres-binaries.ts'
import { until } from '../poll.ts'
import { endWithTests } from '../programs/end-with-tests.ts'

/** A PostgreSQL of its own, and a replica that streams from it. */
export interface ReplicatedPostgres {
  url: string
  /** The replica, with one connection. */
  replica: postgres.Sql
  replicaUrl: string
  stop: () => Promise<void>
}

/** The name of the replica in `pg_stat_replication`. */
export const replicaName = 'the_replica'

const open = (url: string) => postgres(url, { max: 1, onnotice: () => {} })

/** Starts both. The replica begins as a copy of the primary while that is down. */
export async function startReplicated(): Promise<ReplicatedPostgres> {
  const primary = await startPostgres(['wal_level=replica', 'max_wal_senders=5', 'hot_standby=on'])
  const sql = open(primary.url)
  const [row] = await sql<{ data_directory: string }[]>`show data_directory`
  await sql.end()
  await primary.halt()
  // In a folder of its own, since the account of PostgreSQL may not enter the folder of the run.
  const folder = await mkdtemp(join(tmpdir(), 'jobs-replica-'))
  const data = join(folder, 'data')
  await cp(row?.data_directory ?? '', data, { recursive: true })
  const { hostname, port: from } = new URL(primary.url)
  const source = `host=${hostname} port=${from} user=postgres application_name=${replicaName}`
  await appendFile(join(data, 'postgresql.conf'), `\nprimary_conninfo='${source}'\n`)
  await writeFile(join(data, 'standby.signal'), '')
  await rm(join(data, 'postmaster.pid'), { force: true })
  await primary.resume()
  const account = unprivileged()
  const bin = await postgresBinaries(folder, account)
  if (account) await own([folder], account)
  const port = await freePort()
  const child = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port)], {
    ...account,
    cwd: folder,
    stdio: 'ignore',
  })
  endWithTests(child)
  const replicaUrl = `postgres://postgres@127.0.0.1:${port}/postgres`
  const replica = open(replicaUrl)
  await until('the replica answers', () => replica`select 1 as one`.catch(() => undefined))
  const stop = async () => {
    await replica.end({ timeout: 1 })
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    await ended
    await primary.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { url: primary.url, replica, replicaUrl, stop }
}

/** Gives folders with all that is in them to the account. */
async function own(folders: readonly string[], account: { uid: number; gid: number }): Promise<void> {
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true }))
      await chown(join(folder, entry), account.uid, account.gid)
    await chown(folder, account.uid, account.gid)
  }
}
