import type { TokenScope } from '../../shared/access/token-scope.ts'
import { Failure } from '../../shared/errors.ts'
import { isUuid, type JobId } from '../../shared/work/job-key.ts'
import { hasKeys } from '../database/job-ids.ts'
import { isWithin } from '../database/scope.ts'
import type { Sql } from '../database/sql.ts'
import { fromEachPlace, isOwnAmongOthers, type Place, servedBy } from '../engines/served.ts'
import { rejectFaults } from '../lifecycle/server-limits.ts'

/** The fields of a request that name jobs by their ids. */
interface Naming {
  id?: JobId | undefined
  job_id?: JobId | undefined
  ids?: JobId[] | undefined
}

/** For whom the jobs are looked up. */
interface Asking {
  sql: Sql
  within: TokenScope | undefined
}

/**
 * The request with the ids of its jobs as they are stored: a text is the uuid of a job, which may be in the archive. A request with numbers
 * alone is returned as it is. For the jobs of another engine, a uuid or a number becomes the key of its job.
 * @throws Failure `invalid_request` for a text that is no uuid, of our own jobs alone; `not_found` for a text of which the caller may see no job
 */
export async function withKnownIds<Request extends object>(
  asking: Asking,
  request: Request & Naming,
): Promise<Request> {
  const { id, job_id, ids } = request
  // The id that another engine gave a job may be a number: its key has the queue, too.
  const isKnown = hasKeys(asking.sql) ? () => false : isNumber
  const jobs = [job_id, ...(ids ?? [])].flatMap((one) => (one === undefined || isKnown(one) ? [] : String(one)))
  // A number of this field is the id of an operation.
  const texts = typeof id === 'string' ? [id, ...jobs] : jobs
  if (texts.length === 0) return request
  if (isOwnAmongOthers(asking.sql)) refuseTwoEngines(ids ?? [])
  else if (!hasKeys(asking.sql)) refuseOthers(request)
  const known = await readIds(asking, [...new Set(texts)])
  const knownId = (one: JobId): KnownIds => {
    if (isKnown(one)) return [one]
    const found = known.get(String(one))
    if (found) return found
    throw new Failure('not_found', `there is no job ${one}${id === undefined ? '; nothing was changed' : ''}`)
  }
  return {
    ...request,
    ...(typeof id === 'string' && { id: knownId(id)[0] }),
    ...(job_id !== undefined && { job_id: knownId(job_id)[0] }),
    ...(ids && { ids: ids.flatMap(knownId) }),
  }
}

const isNumber = (id: JobId): boolean => typeof id === 'number'

const message = 'must be an id, such as 8123, or the uuid of a job'

const isOther = (one: JobId | undefined): boolean => typeof one === 'string' && !isUuid(one)

/** @throws Failure `invalid_request` for texts that are no uuids: our own jobs have no other keys */
function refuseOthers({ id, job_id, ids }: Naming): void {
  const others = Object.entries({ key: id, job_id }).filter(([, one]) => isOther(one))
  rejectFaults([
    ...others.map(([path]) => ({ path, message })),
    ...(ids?.some(isOther) ? [{ path: 'ids', message: 'must be a list of ids, such as [8123, 8124]' }] : []),
  ])
}

/**
 * Beside our own jobs, any other text is the key of a job of another engine. A call is about the jobs of one of them.
 * @throws Failure `invalid_request` for ids of both
 */
function refuseTwoEngines(ids: readonly JobId[]): void {
  if (!ids.some(isOther) || ids.every(isOther)) return
  rejectFaults([{ path: 'ids', message: 'must not name own jobs beside those of another engine' }])
}

/** Other programs may have written a uuid in capitals. */
const writtenAs = (uuid: string): string[] => [uuid, uuid.toLowerCase(), uuid.toUpperCase()]

/** The ids of the jobs that one text names: several where jobs of several places have the same bare id. */
type KnownIds = readonly [JobId, ...JobId[]]

/** The keys of jobs of one place, and of deleted ones in its archive. A live job goes before a deleted one. */
export async function readKeysOf(
  { adapter, found, lacksArchive }: Place,
  { sql, within }: Asking,
  texts: readonly string[],
) {
  const live = await adapter.keys(sql, [found], texts, within)
  const left = texts.filter((text) => !live.has(text))
  const isKept = servedBy(sql).mode === 'admin' && !lacksArchive
  const archived = isKept && left.length > 0 ? await adapter.archivedKeys?.(sql, left, within) : undefined
  return [...live, ...(archived ?? [])]
}

/** The ids of each text. A uuid that was archived twice means the row with the highest id, as in the dependencies of a job. */
async function readIds({ sql, within }: Asking, texts: readonly string[]): Promise<ReadonlyMap<string, KnownIds>> {
  const keys = await fromEachPlace(sql, (place, of) => readKeysOf(place, { sql: of, within }, texts))
  if (keys) return keysByText(keys)
  const uuids = [...new Set(texts.flatMap(writtenAs))]
  const rows = await sql<{ uuid: string; id: JobId }[]>`
    select distinct on (uuid) uuid, id
    from (
      select uuid::text as uuid, id, false as archived
      from jobs
      where jobs.uuid = any(${uuids}::text[]) ${isWithin(sql, within)}
      union all
      select uuid::text, id, true
      from jobs_archive
      where jobs_archive.uuid = any(${uuids}::text[]) ${isWithin(sql, within)}
    ) as found
    where id is not null
    order by uuid, archived, id desc`
  const ids = new Map(rows.map(({ uuid, id }) => [uuid, id]))
  return new Map(
    texts.flatMap((text) =>
      writtenAs(text)
        .flatMap((uuid) => ids.get(uuid) ?? [])
        .slice(0, 1)
        .map((id): [string, KnownIds] => [text, [id]]),
    ),
  )
}

function keysByText(keys: readonly [text: string, key: string][]): ReadonlyMap<string, KnownIds> {
  const found = new Map<string, KnownIds>()
  for (const [text, key] of keys) {
    const before = found.get(text)
    if (!before?.includes(key)) found.set(text, before ? [...before, key] : [key])
  }
  return found
}

/**
 * The filter of a list, with ids as `withKnownIds` has them. A list has no row for a uuid without a job.
 * @throws Failure `invalid_request` for a text that is no uuid
 */
export async function withListedIds<Filter extends { ids?: JobId[] | undefined }>(
  asking: Asking,
  filter: Filter,
): Promise<Filter> {
  const isKnown = hasKeys(asking.sql) ? () => false : isNumber
  const texts = (filter.ids ?? []).flatMap((one) => (isKnown(one) ? [] : String(one)))
  if (texts.length === 0) return filter
  if (isOwnAmongOthers(asking.sql)) refuseTwoEngines(filter.ids ?? [])
  else if (!hasKeys(asking.sql))
    rejectFaults((filter.ids ?? []).flatMap((one, at) => (isOther(one) ? [{ path: `ids.${at}`, message }] : [])))
  const known = await readIds(asking, texts)
  return { ...filter, ids: filter.ids?.flatMap((one) => (isKnown(one) ? one : (known.get(String(one)) ?? []))) }
}

/** A handler of an endpoint that also takes uuids where it takes ids. */
export const namingJobs =
  <Call, In extends object, Out>(run: (call: Call, input: In) => Promise<Out>) =>
  async (call: Call & Asking, input: In & Naming): Promise<Out> =>
    run(call, await withKnownIds(call, hasKeys(call.sql) ? withTextId(input) : input))

/** The same for an endpoint of our own jobs, whose id is a number once it is known. A call with a number looks nothing up. */
export const namingOwnJob =
  <Call, In extends object, Out>(run: (call: Call, input: In & { id: number }) => Promise<Out>) =>
  async (call: Call & Asking, input: In & { id: JobId }): Promise<Out> => {
    const { id } = isNumber(input.id) ? input : await withKnownIds(call, input)
    if (typeof id !== 'number') throw new Failure('not_found', `there is no job ${input.id}`)
    return run(call, { ...input, id })
  }

/** The result of an item whose uuid no job has. */
interface OfNobody {
  ok: false
  id: string
  code: 'not_found'
  detail: string
}

/**
 * A handler of an endpoint of many of our own jobs, each of which is answered on its own, in the order of the request. A call with numbers
 * alone looks nothing up.
 * @param run answers items in their order; `indexOf` is the index of an item in the request
 */
export const namingEachJob =
  <Call, Item extends { id: JobId }, Result>(
    run: (
      call: Call,
      items: readonly (Item & { id: number })[],
      indexOf: (at: number) => number | undefined,
    ) => Promise<Result[]>,
  ) =>
  async (call: Call & Asking, { jobs }: { jobs: readonly Item[] }): Promise<{ results: (Result | OfNobody)[] }> => {
    const numbered = jobs.filter(hasNumber)
    if (numbered.length === jobs.length) return { results: await run(call, numbered, (at) => at) }
    const known = await readIds(
      call,
      jobs.flatMap(({ id }) => (typeof id === 'string' ? [id] : [])),
    )
    const items = jobs.flatMap((job, index) => {
      const id = typeof job.id === 'string' ? known.get(job.id)?.[0] : job.id
      return typeof id === 'number' ? [{ index, item: { ...job, id } }] : []
    })
    if (new Set(items.map(({ item }) => item.id)).size < items.length)
      rejectFaults([{ path: 'jobs', message: 'must name each job once' }])
    const done =
      items.length === 0
        ? []
        : await run(
            call,
            items.map(({ item }) => item),
            (at) => items[at]?.index,
          )
    if (items.length === jobs.length) return { results: done }
    const results = new Map(items.flatMap(({ index }, at) => (done[at] ? [[index, done[at]] as const] : [])))
    return { results: jobs.map(({ id }, index) => results.get(index) ?? ofNobody(String(id))) }
  }

const hasNumber = <Item extends { id: JobId }>(item: Item): item is Item & { id: number } => typeof item.id === 'number'

const ofNobody = (id: string): OfNobody => ({ ok: false, id, code: 'not_found', detail: `there is no job ${id}` })

const withTextId = <Input extends object>(input: Input & Naming): Input & Naming =>
  typeof input.id === 'number' ? { ...input, id: String(input.id) } : input
