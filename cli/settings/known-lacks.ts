import { promises as files } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import type { Io } from '../io.ts'
import type { GlobalFlags } from './settings.ts'

/**
 * What the engines of servers cannot, as doctor and top have been told: help and completion leave out the commands for it without a call.
 * Only servers that cannot do everything are in the file, so that most machines have none.
 */
type Kept = Record<string, { at: number; lacks: readonly string[] }>

type Place = Pick<Io, 'env' | 'home'>

/** A server may have another engine by then. */
const keptForMs = 7 * 86_400_000
const mostServers = 100

function cachePath({ env, home }: Place): string | undefined {
  const folder = env.XDG_CACHE_HOME
  if (folder && isAbsolute(folder)) return join(folder, 'jobsctl', 'engines.json')
  return home === undefined ? undefined : join(home, '.cache', 'jobsctl', 'engines.json')
}

/**
 * The verbs that no engine of a server can; none for a server that nobody has asked in the last week. Never throws.
 * @param url the address of the server, as the settings have it
 */
async function knownLacks(place: Place, url: string): Promise<ReadonlySet<string>> {
  const { at, lacks } = (await readKept(place))[keyOf(url)] ?? { at: 0, lacks: [] }
  return new Set(Math.abs(Date.now() - at) < keptForMs ? lacks : [])
}

/** The same for the target of flags, environment and config; none where they name no server. Never throws. */
export async function lacksOfTarget(flags: GlobalFlags, io: Io): Promise<ReadonlySet<string>> {
  const [{ configPath, readConfig }, { addressOf }] = await Promise.all([
    import('./config-file.ts'),
    import('./server-address.ts'),
  ])
  const address = await addressOf(flags, io, () => readConfig(configPath(io))).catch(() => undefined)
  return !address || address.database ? new Set() : knownLacks(io, address.url)
}

/** Keeps what a server has said. Never throws: without the file, help and completion name every command. */
export async function keepLacks(place: Place, url: string, lacks: Iterable<string>): Promise<void> {
  const path = cachePath(place)
  const kept = await readKept(place)
  const { [keyOf(url)]: before, ...others } = kept
  const told = [...lacks]
  // Every engine has counts, unless row-level security hides rows from the role of the server. That may end in a minute, and is not kept.
  const verbs = told.includes('stats') ? [] : told
  if (path === undefined || (before === undefined && verbs.length === 0)) return
  const newest = Object.entries(others).sort(([, one], [, other]) => other.at - one.at)
  const own: [string, Kept[string]][] = verbs.length === 0 ? [] : [[keyOf(url), { at: Date.now(), lacks: verbs }]]
  const draft = `${path}.${process.pid}`
  try {
    await files.mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await files.writeFile(draft, JSON.stringify(Object.fromEntries([...own, ...newest.slice(0, mostServers)])), {
      mode: 0o600,
    })
    await files.rename(draft, path)
  } catch {
    await files.rm(draft, { force: true }).catch(() => {})
  }
}

/** A server by its address without a name, a password and a query. */
function keyOf(url: string): string {
  if (!URL.canParse(url)) return url
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname.replace(/\/+$/, '')}`
}

async function readKept(place: Place): Promise<Kept> {
  const path = cachePath(place)
  if (path === undefined) return {}
  try {
    const read: unknown = JSON.parse(await files.readFile(path, 'utf8'))
    if (typeof read !== 'object' || read === null) return {}
    return Object.fromEntries(Object.entries(read).filter((entry): entry is [string, Kept[string]] => isKept(entry[1])))
  } catch {
    return {}
  }
}

const isKept = (value: unknown): value is Kept[string] =>
  typeof value === 'object' &&
  value !== null &&
  'at' in value &&
  typeof value.at === 'number' &&
  'lacks' in value &&
  Array.isArray(value.lacks) &&
  value.lacks.every((verb) => typeof verb === 'string')
