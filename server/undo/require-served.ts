import { Failure } from '../../shared/errors.ts'
import type { OperationRecord } from '../../shared/records/records.ts'
import type { Sql } from '../database/sql.ts'
import { engineWithCopies, readArchives } from '../engines/archives.ts'
import { engineNames, placeNamed, servedBy } from '../engines/served.ts'
import { clientOfOperation, hasJobsOf, tableOfOperation } from './engine/place-of-operation.ts'

/**
 * Checks that the jobs of an operation are those that a client is about: our own, or those of other engines. Rows of the others would be
 * looked for among the wrong jobs, and none would be found.
 * @throws Failure `conflict` for an operation whose jobs the server does not serve
 */
export async function requireServed(sql: Sql, { id, domain }: Pick<OperationRecord, 'id' | 'domain'>): Promise<void> {
  const served = servedBy(sql)
  const isOwn = served.mode === 'own'
  const isByKey = await isOfKeys(sql, id)
  if (isByKey === undefined ? !isOwn : isByKey === !isOwn) {
    const table = isOwn ? null : await tableOfOperation(sql, id)
    const isThere =
      isOwn ||
      (table !== null
        ? served.places.some(({ names }) => names.place?.table === table)
        : // A place may have got another domain since.
          domain === null || placeNamed(served.places, domain) !== undefined || (await hasJobsOf(sql, id)))
    if (!isThere)
      throw notServed({
        id,
        domain,
        whose: table === null ? 'jobs' : `jobs of ${table}`,
        engines: [engineNames(served)],
      })
    return
  }
  if (!isOwn) throw notServed({ id, domain, whose: 'jobs of our own', engines: ['own', engineNames(served)] })
  const archives = await readArchives(sql)
  const engine = await engineWithCopies(sql, archives, id)
  if (isByKey === undefined && engine === undefined) return
  const others = engine === undefined ? archives.map((archive) => archive.engine) : [engine]
  const already = served.places.map((place) => place.adapter.engine)
  throw notServed({
    id,
    domain,
    whose: `jobs of ${engine ?? 'another engine'}`,
    engines: [...new Set(['own', ...already, ...others])],
  })
}

/**
 * The same for an operation whose server has stopped, by its record.
 * @throws Failure `conflict` for an operation whose jobs the server does not serve
 */
export async function requireServedToGoOn(sql: Sql, operation: number): Promise<void> {
  const [record] = await sql<{ domain: string | null }[]>`
    select domain from job_operations where id = ${operation}::bigint`
  await requireServed(await clientOfOperation(sql, operation), { id: operation, domain: record?.domain ?? null })
}

/** Whether the images of an operation are of jobs with keys, as those of other engines are; undefined where it has no image. */
async function isOfKeys(sql: Sql, operation: number): Promise<boolean | undefined> {
  const [image] = await sql<{ by_key: boolean }[]>`
    select to_jsonb(kept) ->> 'job_key' is not null as by_key
    from job_operation_rows as kept
    where kept.operation_id = ${operation}::bigint
    limit 1`
  return image?.by_key
}

interface NotServed {
  id: number
  domain: string | null
  whose: string
  engines: readonly string[]
}

const notServed = ({ id, domain, whose, engines }: NotServed): Failure =>
  new Failure(
    'conflict',
    `operation ${id} has changed ${whose}${domain === null ? '' : ` in the domain ${domain}`}, which this server does not serve; nothing was changed`,
    {
      hint: `start a server with JOBS_ENGINE=${engines.join()}, and undo it there; JOBS_ENGINE_SCHEMA, where it is set, names the schema too`,
    },
  )
