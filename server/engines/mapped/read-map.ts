import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Failure } from '../../../shared/errors.ts'
import { faultsOfIssue } from '../../../shared/faults.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { readSmallFile } from '../../env/read-small-file.ts'
import type { MapFault } from './check-map.ts'
import { JobsMap, readStatus, Several } from './map.ts'

/** The name of the file that a server reads from its folder. */
const fileName = 'jobs-map.yaml'
/** Maps for looking that come with the package, by the names that name them in place of a file. */
const shipped = ['river', 'oban', 'good_job']
const shippedFolder = new URL('./maps/', import.meta.url)
const largestFile = 65_536

/** The map of one table, which tells where a fault stands in its file. */
export interface MapOfTable {
  map: JobsMap
  /** @throws Failure `usage` with a line for each fault, where there is one */
  refuse: (faults: readonly MapFault[]) => void
}

/** A file that was read. */
export interface MapFile {
  /** The name of the file, as somebody gave it. */
  path: string
  tables: readonly MapOfTable[]
}

/**
 * Reads the file that says how the rows of tables are jobs.
 * @param path the file that somebody has named, or the name of a map of the package; without it, the file in the folder of the process, where it is there
 * @returns undefined where no file was named and none is there
 * @throws Failure `usage` with the line and column of each fault
 */
export async function readMapFile(path: string | undefined): Promise<MapFile | undefined> {
  const name = path !== undefined && shipped.includes(path) ? shippedPath(path) : (path ?? fileName)
  const text = await readSmallFile(name, largestFile).catch((error: NodeJS.ErrnoException) => {
    if (path === undefined && error.code === 'ENOENT') return undefined
    const why =
      error instanceof Failure
        ? error.message
        : error.code === 'ENOENT'
          ? 'is not there'
          : `cannot be read: ${error.code ?? error.message}`
    throw new Failure('usage', `the map ${escaped(resolve(name))} ${why}; nothing was started`, {
      hint: 'JOBS_MAP_FILE, or --map, names the file; docs/engines/mapped.md says how to write one',
      cause: error,
    })
  })
  return text === undefined ? undefined : parseMap(text, name)
}

/** The text of a map that comes with the package. */
export const readShipped = (name: string): Promise<string> => readSmallFile(shippedPath(name), largestFile)

const shippedPath = (name: string): string => fileURLToPath(new URL(`${name}.yaml`, shippedFolder))

/**
 * Reads the text of a map.
 * @param path the name of the file, for its faults
 * @throws Failure `usage` with the line and column of each fault
 */
export async function parseMap(text: string, path: string): Promise<MapFile> {
  // Loaded here, since no other server needs YAML.
  const { faultLines, parseYaml, plainOf } = await import('../../../shared/text/parse-yaml.ts')
  const yaml = parseYaml(text, 'a map')
  const refuseLines = (faults: readonly { line: number; column: number; message: string }[]) => {
    if (faults.length === 0) return
    throw new Failure('usage', faultLines(path, faults), {
      hint: 'docs/engines/mapped.md has the fields of a map; nothing was started',
    })
  }
  const refuseIn = (place: MapFault['path']) => (faults: readonly MapFault[]) =>
    refuseLines(
      faults.map(({ path: within, message, key }) => {
        const at = [...place, ...within]
        return {
          ...yaml.positionOf(at, key ? 'key' : 'value'),
          message: at.length === 0 ? message : `${at.join('.')}: ${message}`,
        }
      }),
    )
  refuseLines(yaml.faults)
  const refuse = refuseIn([])
  const value = plainOf(yaml.value)
  refuse(unstorable(value))
  if (Array.isArray(value))
    refuse([{ path: [], message: 'is a list: write tables: above it, for a file of several tables' }])
  if (!isObject(value) || !Object.hasOwn(value, 'tables')) {
    const { map, faults } = readTableMap(value)
    refuse(faults)
    if (!map) throw ofNoUse(path)
    return { path, tables: [{ map, refuse }] }
  }
  const several = Several.safeParse(value, { reportInput: true })
  refuse(faultsOf(several.error?.issues ?? [], []))
  const read = (several.data?.tables ?? []).map(readTableMap)
  refuse(read.flatMap(({ faults }, at) => faults.map((fault) => ({ ...fault, path: ['tables', at, ...fault.path] }))))
  const tables = read.flatMap(({ map }, at) => (map ? [{ map, refuse: refuseIn(['tables', at]) }] : []))
  if (tables.length === 0) throw ofNoUse(path)
  return { path, tables }
}

/** The texts of a map that PostgreSQL cannot store. */
function unstorable(value: unknown, path: MapFault['path'] = []): MapFault[] {
  if (typeof value === 'string')
    return /[\0\p{Cs}]/u.test(value) ? [{ path, message: 'must be text without NUL or half characters' }] : []
  if (Array.isArray(value)) return value.flatMap((item, at) => unstorable(item, [...path, at]))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, item]) => [
    ...unstorable(name, [...path, name]).map((fault) => ({ ...fault, key: true })),
    ...unstorable(item, [...path, name]),
  ])
}

const ofNoUse = (path: string) => new Failure('usage', `the map ${escaped(path)} is of no use; nothing was started`)

/** Reads the map of one table, as a file of one table has it, or an item of `tables`. */
function readTableMap(value: unknown): { map: JobsMap | undefined; faults: MapFault[] } {
  const read = JobsMap.safeParse(value, { reportInput: true })
  const status = readStatus(read.data?.status ?? (isObject(value) ? value.status : undefined))
  const ofStatus = isObject(value) && status.error ? faultsOf(status.error.issues, ['status']) : []
  return {
    map: read.data && status.data ? { ...read.data, status: status.data } : undefined,
    faults: [...faultsOf(read.error?.issues ?? [], []), ...ofStatus],
  }
}

type Issues = Parameters<typeof faultsOfIssue>[0][]

function faultsOf(issues: Issues, at: readonly string[]): MapFault[] {
  return issues.flatMap((issue): MapFault[] => {
    const path = [...at, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))]
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: [...path, key], message: 'is not a known field', key: true }))
    if (issue.code === 'invalid_key')
      return [{ path, message: issue.issues[0]?.message ?? 'is not a known name', key: true }]
    return faultsOfIssue(issue).map(({ message }) => ({ path, message }))
  })
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
