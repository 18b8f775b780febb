import { checkMap, type MapFault } from '../mapped/check-map.ts'
import type { JobsMap } from '../mapped/map.ts'
import { parseMap } from '../mapped/read-map.ts'
import type { Table } from '../mapped/table.ts'
import { type Field, linesOf } from './map-text.ts'
import { type Evidence, type Named, propose } from './propose.ts'

/** A proposal as a file, read back as a server reads it. */
interface FittedMap {
  lines: string[]
  map: JobsMap
  /** What a check of the map refuses, whatever the rows. */
  faults: MapFault[]
  /** How many questions are left. */
  questions: number
}

/** A map needs each of these: where one does not fit, somebody has to decide. */
const needed = new Set(['table', 'key', 'queue', 'status', 'times'])

/** Proposes the map of a table, and leaves out what a check of the map would refuse and no map needs, such as a retry that sets a generated column. */
export async function fittedMap(table: Table, named: Named, evidence: Evidence): Promise<FittedMap> {
  const { fields, questions } = propose(table, named, evidence)
  const first = await read(fields, table)
  const unfit = first.faults.filter(({ path: [name] }) => !needed.has(String(name)))
  if (unfit.length === 0) return { ...first, questions }
  const fitting = fields.map((field): Field => {
    const fault = unfit.find(({ path: [name] }) => name === field.name)
    return fault
      ? { name: '', notes: [`no ${field.name} is proposed, since ${fault.path.join('.')} ${fault.message}`] }
      : field
  })
  return { ...(await read(fitting, table)), questions }
}

async function read(fields: readonly Field[], table: Table): Promise<Omit<FittedMap, 'questions'>> {
  const lines = linesOf(fields)
  const [only] = (await parseMap(`${lines.join('\n')}\n`, 'jobs-map.yaml')).tables
  if (!only) throw new Error('a proposed map has no table')
  const { map } = only
  return { lines, map, faults: checkMap(map, table, new Map()).faults }
}
