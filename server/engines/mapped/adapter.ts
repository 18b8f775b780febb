import type { Sql } from '../../database/sql.ts'
import type { QueueAdapter } from '../adapter.ts'
import type { Cannot } from '../can.ts'
import type { Found } from '../found.ts'
import type { KnownSign } from '../places.ts'
import { archiveStatements, archiveTable, missingInArchive, unreadCopies } from './archive.ts'
import { canOf } from './can.ts'
import { furtherColumns } from './edit.ts'
import { historyOf } from './history.ts'
import { changedColumns } from './image.ts'
import { hasKey, isNearKey, readKeys } from './key.ts'
import { projectionOf } from './projection.ts'
import type { MapFile } from './read-map.ts'
import { readAllMapped } from './read-mapped.ts'
import { countAhead, orderedJobs, readGroups, readLine, readOldestDue, readSigns, readWorkers } from './reads.ts'
import { hasState } from './states.ts'
import { columnOf, isWhole, type Mapped, uniqueBeside, whyNotSet } from './table.ts'
import { writesOf } from './writes.ts'

/**
 * Makes the adapters of the tables of a map, an engine of its own for each.
 * @throws Failure `usage` with the line and column of what does not fit the database
 */
export async function mappedEngines(sql: Sql, file: MapFile): Promise<KnownSign[]> {
  const all = await readAllMapped(sql, file)
  return all.map((mapped) => {
    const { schema, nspname, relation, rows } = mapped.table
    return { engine: 'mapped', adapter: adapterOf(mapped), schema, nspname, table: relation, rows, database: '' }
  })
}

const version = [1, 1] as const

function adapterOf(mapped: Mapped): QueueAdapter {
  const { map, table } = mapped
  /** The jobs may have another domain than the map says, by JOBS_ENGINE_DOMAIN. */
  const at = ({ domain }: Pick<Found, 'domain'> = mapped): Mapped => ({ ...mapped, domain })
  const others = [...new Set([...mapped.others.values()].map(({ relation }) => relation))]
  const referred = [...new Set(table.references.map((reference) => reference.table))]
  return {
    engine: 'mapped',
    tested: { reads: version, writes: version },
    can: canOf(map, table.referredBy, (name) => whyNotSet(mapped, columnOf(table, name))),
    lookOnly: lookOnly(mapped),
    look: async () => foundOf(mapped),
    projection: (found) => ({ query: projectionOf(at(found)) }),
    hasKey: (sql, keys) => hasKey(mapped, sql, keys),
    part: { column: 'native_part', of: table.relation },
    isNearKey: (key, row) => isNearKey(mapped, key, row),
    hasState: (sql, states) => hasState(mapped, sql, states),
    keys: (sql, [found], texts, within) => readKeys(at(found), sql, texts, within),
    ordered: (sql, [found], slice) => orderedJobs(at(found), sql, slice),
    endedAt: (sql) => sql`jobs.native_ended`,
    groups: (sql, [found], scope) => readGroups(at(found), sql, scope),
    oldestDue: (sql, _, groups) => readOldestDue(mapped, sql, groups),
    line: (sql, [found], queue) => readLine(at(found), sql, queue),
    signs: (sql, [found], queue) => readSigns(at(found), sql, queue),
    reasons: async () => [],
    ahead: (sql, _, job, most) => countAhead(mapped, sql, job, most),
    workers: (sql, _, scope) => readWorkers(mapped, sql, scope),
    rights: (_, looks) => [
      { table: table.relation, rights: looks ? 'select' : 'select, insert, update, delete' },
      ...[...others, ...(looks ? [] : referred.filter((one) => one !== table.relation && !others.includes(one)))].map(
        (one) => ({ table: one, rights: 'select' }),
      ),
    ],
    history: historyOf(mapped),
    // What the map reads of a job beside its row, such as its errors.
    elsewhere: () => others,
    unreadCopies: (fields) => unreadCopies(mapped, fields),
    writes: writesOf(mapped),
    archive: archiveTable,
    archiveStatements: async (_, __, ours) => archiveStatements(ours),
    missingInArchive,
  }
}

const foundOf = ({ table, domain }: Mapped): Found => ({
  schema: table.schema,
  schemaName: table.nspname,
  domain,
  columns: new Set(table.columns.keys()),
  indexes: new Set(),
  beside: new Set(),
  version: undefined,
  release: table.relation,
  tables: 1,
  jobs: table.rows < 0 ? undefined : table.rows,
  queues: undefined,
})

/** Why no job of the table is changed; undefined where jobs can be. */
function lookOnly(mapped: Mapped): Cannot | undefined {
  const { map, table } = mapped
  if (map.look_only)
    return {
      cannot: `the map of ${table.relation} is for looking only (look_only: true)`,
      instead: 'change the jobs with the library that runs them',
    }
  if (uniqueBeside(table, map.key))
    return {
      cannot: `${table.relation} has partitions by ${table.partitionedBy.join(', ')}, so that no index keeps its key ${map.key} unique, and a change by the key may meet a row of another partition`,
      instead: `change the jobs in your application; a table with partitions by ${map.key} can have such an index`,
    }
  const [child] = table.childTables
  if (child !== undefined)
    return {
      cannot: `${child} inherits from ${table.relation}, so that rows of both are its jobs and no index keeps their key ${map.key} unique`,
      instead: 'change the jobs in your application, or make the table one with partitions',
    }
  const set = [...changedColumns(mapped), ...furtherColumns(mapped)]
  const followed = table.followed.find(({ column }) => set.some(({ name }) => name === column))
  if (followed)
    return {
      cannot: `rows of ${followed.by} follow the column ${followed.column} of ${table.relation} by a foreign key with on update, so that a change would change them, too`,
      instead: 'change the jobs in your application, or make the key one without on update',
    }
  const version = table.columns.get('lock_version')
  if (version && isWhole(version) && map.lock_version === undefined)
    return {
      cannot: `${table.relation} has a column lock_version that the map does not name, so that a change would go unseen by the application`,
      instead: 'add lock_version: lock_version to the map: every change raises it by 1',
    }
  return undefined
}
