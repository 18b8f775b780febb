import { execFile, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { access, constants, readdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** The programs of a cluster, by their full paths. */
export interface Programs {
  patroni: string
  patronictl: string
  etcd: string
  haproxy: string
  /** The folder with `postgres`, `initdb`, `pg_basebackup`, `pg_rewind` and `pg_waldump`. */
  postgres: string
}

/** Patroni reads `etcd3:` with the last two, which Debian's package does not bring with it. */
const packages = ['patroni', 'etcd-server', 'haproxy', 'postgresql', 'iproute2', 'python3-etcd', 'python3-dnspython']

/**
 * Finds the programs of a cluster; installs what is missing from Debian's packages, where this process is root's.
 * Returns a sentence that says why not when they cannot be had.
 */
export async function clusterPrograms(): Promise<Programs | string> {
  const found = await findAll()
  if (found) return found
  const advice = `install them with: apt-get install ${packages.join(' ')}`
  if (process.getuid?.() !== 0) return `some of Patroni, etcd, HAProxy and PostgreSQL are missing; ${advice}`
  const apt = await find('apt-get', [])
  if (!apt) return 'some of Patroni, etcd, HAProxy and PostgreSQL are missing, and there is no apt-get to install them'
  console.log(`installing ${packages.join(', ')}`)
  const failed = await install(apt).then(
    () => undefined,
    (error: unknown) => String(error),
  )
  if (failed !== undefined) return `the packages cannot be installed: ${failed.trim().split('\n').at(-1)}`
  return (await findAll()) ?? `the packages ${packages.join(', ')} do not bring all programs`
}

async function findAll(): Promise<Programs | undefined> {
  const [patroni, patronictl, etcd, haproxy, postgres] = await Promise.all([
    ...['patroni', 'patronictl', 'etcd', 'haproxy'].map((name) => find(name, ['/usr/bin', '/usr/sbin'])),
    postgresFolder(),
  ])
  return patroni && patronictl && etcd && haproxy && postgres && (await speaksEtcd())
    ? { patroni, patronictl, etcd, haproxy, postgres }
    : undefined
}

/** Debian's Patroni runs on the system's Python. */
const speaksEtcd = (): Promise<boolean> =>
  promisify(execFile)('/usr/bin/python3', ['-c', 'import patroni.dcs.etcd3']).then(
    () => true,
    () => false,
  )

const runnable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

async function find(name: string, more: readonly string[]): Promise<string | undefined> {
  for (const folder of [...more, ...(process.env.PATH ?? '').split(delimiter)]) {
    const path = join(folder, name)
    if (folder !== '' && (await runnable(path))) return path
  }
  return undefined
}

/** The newest version of Debian's packages that has all the programs that Patroni and this campaign call. */
async function postgresFolder(): Promise<string | undefined> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => [])
  for (const version of versions.sort((a, b) => Number(b) - Number(a))) {
    const folder = `/usr/lib/postgresql/${version}/bin`
    const needed = ['postgres', 'initdb', 'pg_basebackup', 'pg_rewind', 'pg_waldump']
    const there = await Promise.all(needed.map((name) => runnable(join(folder, name))))
    if (there.every(Boolean)) return folder
  }
  return undefined
}

/** Debian asks this program before a package starts a service; 101 forbids it. */
const policy = '/usr/sbin/policy-rc.d'

/** @throws Error when apt-get fails, or when a policy of this machine would let services start */
async function install(apt: string): Promise<void> {
  const ours = await access(policy).then(
    () => false,
    () => true,
  )
  const remove = () => ours && rmSync(policy, { force: true })
  const interrupted = () => {
    remove()
    process.exit(130)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.once(signal, interrupted)
  try {
    if (ours) await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    if (spawnSync(policy, ['haproxy', 'start']).status !== 101) throw new Error(`${policy} would let services start`)
    const run = (...argv: string[]) =>
      promisify(execFile)(apt, argv, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, maxBuffer: 2 ** 26 })
    await run('update')
    await run('install', '--yes', '--no-install-recommends', ...packages)
  } finally {
    for (const signal of signals) process.off(signal, interrupted)
    remove()
  }
}
