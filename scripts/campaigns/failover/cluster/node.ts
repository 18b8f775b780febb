import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Account } from '../../../launch/postgres-binaries.ts'
import { until, within } from '../../within.ts'
import { type Home, makeFolder } from './home.ts'
import type { Place } from './network.ts'
import { type Mode, patroniConfig } from './patroni.ts'
import { postmaster, processesIn, run, signal } from './processes.ts'

/** PostgreSQL under Patroni. */
export interface Node {
  name: string
  place: Place
  /** The folder in which its processes work, and which has `patroni.yml`. */
  folder: string
  account: Account
  data: string
  /** Reaches this PostgreSQL itself, without HAProxy. */
  url: (database: string) => string
}

interface Making {
  home: Home
  name: string
  place: Place
  /** The folder with the programs of PostgreSQL. */
  binaries: string
  /** `address:port` of etcd. */
  etcd: string
  mode: Mode
}

/** Makes the folder and the configuration of a node; nothing runs yet. */
export async function makeNode({ home, name, place, ...more }: Making): Promise<Node> {
  const folder = await makeFolder(home, name)
  await writeFile(join(folder, 'patroni.yml'), patroniConfig({ name, place, folder, ...more }))
  return {
    ...{ name, place, folder, account: home.account, data: join(folder, 'data') },
    url: (database) => `postgres://postgres@${place.address}:${place.postgresPort}/${database}`,
  }
}

/** Starts a program as a process of the node: in its folder, its network and its account. */
export const startOn = ({ folder, place, account }: Node, argv: readonly [string, ...string[]]): ChildProcess =>
  run({ argv, folder, account, namespace: place.namespace })

/** Kills Patroni of a node, and stops its PostgreSQL as a crash does. Patroni goes first, since it would start PostgreSQL again. */
export async function halt({ folder, data }: Node): Promise<void> {
  const inData = new Set(processesIn(data))
  signal(
    processesIn(folder).filter((pid) => !inData.has(pid)),
    'SIGKILL',
  )
  await wait(100)
  const first = await postmaster(data)
  signal(processesIn(data), 'SIGCONT')
  if (first !== undefined) signal([first], 'SIGQUIT')
  await within(10_000, async () => processesIn(data).length === 0)
  signal(processesIn(folder), 'SIGKILL')
  await until('the end of a halted node', async () => processesIn(folder).length === 0)
}
