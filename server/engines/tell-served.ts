import type { Sql } from '../database/sql.ts'
import type { Log } from '../log/log.ts'
import { versionText } from './abilities.ts'
import type { QueueAdapter } from './adapter.ts'
import type { Found } from './found.ts'
import { engineNames, type ServedEngine, servedBy } from './served.ts'

/** An engine with its release and the version of its tables, such as `pg-boss 12.38 (schema 46)`. */
const engineText = ({ engine }: QueueAdapter, found: Found): string => `${engine} ${versionText(found)}`

const counted = (count: number, one: string, more = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : more}`

/**
 * Logs whose jobs are served where another engine has jobs in the database, and how to go on from there.
 * @returns what is served
 */
export async function tellServed(sql: Sql, log: Pick<Log, 'info'>): Promise<ReturnType<typeof servedBy>> {
  const served = servedBy(sql)
  if (served.mode === 'own') {
    for (const { engine, schema } of served.beside)
      log.info(
        `${engine} has its jobs in this database, too, in ${schema}: JOBS_ENGINE=own,${engine} serves those, too, and JOBS_ENGINE=${engine} those alone`,
      )
  }
  if (served.places.length === 0) return served
  const [{ role, database }] = await sql<[{ role: string; database: string }]>`
    select current_user as role, current_database() as database`
  for (const { adapter, found } of served.places) {
    const { schema, tables, jobs, queues } = found
    const rows = jobs === undefined ? 'jobs that nobody has counted' : `about ${counted(jobs, 'job')}`
    const inQueues = queues === undefined ? '' : ` in ${counted(queues, 'queue')}`
    log.info(
      `found ${engineText(adapter, found)} in ${schema} of ${role}@${database}: ${counted(tables, 'table')}, ${rows}${inQueues}`,
    )
  }
  for (const { lacksArchive, onlyReads, adapter, found } of served.places) {
    const { engine, lookOnly } = adapter
    if (lookOnly) log.info(`looking only at the jobs of ${engine} in ${found.schema}: ${lookOnly.cannot}`)
    else if (onlyReads)
      log.info(
        `looking only at the jobs of ${engine} in ${found.schema}, since the role ${role} may not write the records of changes. To change jobs: jobs-server grants --role ${role}`,
      )
    else if (lacksArchive)
      log.info(
        `looking only at the jobs of ${engine} in ${found.schema}. To change them, with records and undo: JOBS_ENGINE=${engineNames(served)} jobs-server migrate`,
      )
  }
  const canChange = served.places.some(({ adapter }) => adapter.lookOnly === undefined)
  if (served.mode === 'look' && canChange) log.info(lookingOnly(served))
  return served
}

const lookingOnly = (served: ServedEngine): string =>
  `looking only: nothing is written. To change jobs, with records and undo in a schema of its own: jobs-server migrate --engine ${engineNames(served)}`
