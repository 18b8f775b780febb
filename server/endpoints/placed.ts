import * as z from 'zod'
import type { TokenScope } from '../../shared/access/token-scope.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import { Failure } from '../../shared/errors.ts'
import { isUuid, type JobId } from '../../shared/work/job-key.ts'
import type { Commission } from '../bulk/change/commission.ts'
import type { ChangeServer } from '../call.ts'
import { hasId } from '../database/job-ids.ts'
import { isWithin } from '../database/scope.ts'
import type { Sql } from '../database/sql.ts'
import {
  choicesOf,
  listedDomains,
  narrowedTo,
  type Place,
  placeNamed,
  placesWithin,
  servedBy,
  severalDomains,
} from '../engines/served.ts'
import { hasIdInArchive } from '../undo/archive/archive.ts'
import { placeOfOperation, tableOfOperation } from '../undo/engine/place-of-operation.ts'
import { requireWayBack } from '../undo/no-way-back.ts'
import { requireReach } from './engine-reach.ts'
import { readKeysOf } from './known-ids.ts'
import { recordOf } from './records/records.ts'

/** The fields of a call that say which jobs it is about. */
const Naming = z.looseObject({
  domain: z.string().optional(),
  id: z.union([z.number(), z.string()]).optional(),
  job_id: z.union([z.number(), z.string()]).optional(),
  ids: z.custom<JobId[]>(Array.isArray).optional(),
  operation_id: z.number().optional(),
  jobs: z.custom<{ domain?: unknown }[]>(Array.isArray).optional(),
})

/** What calls ask that are about records of all engines, and not about jobs. */
const ofRecords: readonly unknown[] = ['records', 'holds', 'plans', 'policy', 'events', 'marks']

interface Asked extends Pick<Endpoint, 'bulk' | 'ofOperation'> {
  verb: unknown
}

/** A call, and what its caller is limited to. */
export interface Asking {
  input: unknown
  within: TokenScope | undefined
}

/**
 * The place of another engine that a call is about, among those that the server chooses from. The call names its domain, an operation or jobs;
 * else the only domain of its caller says it. Undefined for a call about our own jobs, or about all places
 * together.
 * @throws Failure `not_supported` for ids of jobs in several domains
 */
export async function placeOfCall(sql: Sql, endpoint: Asked, { input, within }: Asking): Promise<Place | undefined> {
  const places = choicesOf(sql)
  if (places.length === 0 || endpoint.verb === 'always' || endpoint.verb === 'session') return undefined
  const naming = Naming.safeParse(input)
  if (!naming.success) return undefined
  const { domain = domainOf(within), id, job_id, ids = [], operation_id, jobs = [] } = naming.data
  if (endpoint.ofOperation && typeof id !== 'string') return placeOfOperation(sql, Number(id))
  if (operation_id !== undefined) return placeOfOperation(sql, operation_id)
  if (domain !== undefined) return placeNamed(places, domain)
  // Jobs of our own with the domain of a place could not be told from those of the place.
  const sent = places.find(({ found }) => jobs.some((job) => job?.domain === found.domain))
  if (sent) return sent
  // The id of an operation, a plan or a hold is a number, as those of jobs may be.
  const ofJob = ofRecords.includes(endpoint.verb) ? undefined : id
  // A list of several places together finds the jobs of each.
  const listed = endpoint.bulk || servedBy(sql).mode === 'own' ? ids : []
  return placeOfJobs(sql, places, { ids: [ofJob, job_id, ...listed].filter((one) => one !== undefined), within })
}

/** Whether a call says which jobs it is about: by their domain, an operation, or themselves. */
export function namesItsJobs(input: unknown): boolean {
  const { data = {} } = Naming.safeParse(input)
  return Object.keys(Naming.shape).some((field) => data[field] !== undefined)
}

/** The only domain of a scope; undefined without a scope, and for one of several domains. */
function domainOf(within: TokenScope | undefined): string | undefined {
  const domains = new Set([...(within?.domains ?? []), ...(within?.queues ?? []).map(({ domain }) => domain)])
  return domains.size === 1 ? [...domains][0] : undefined
}

interface Named {
  ids: readonly JobId[]
  within: TokenScope | undefined
}

/** The place of jobs that are named by their ids. Numbers and uuids name jobs of our own where there are such. */
async function placeOfJobs(sql: Sql, places: readonly Place[], { ids, within }: Named): Promise<Place | undefined> {
  const isOwn = servedBy(sql).mode === 'own'
  const others = isOwn ? ids.filter((id) => typeof id === 'string') : ids
  if (others.length === 0 || (isOwn && others.length < ids.length)) return undefined
  const texts = [...new Set(others.map(String))]
  if (isOwn && texts.every(isUuid) && (await areOurs(sql, texts))) return undefined
  for (const table of ['jobs', 'jobs_archive']) {
    const found: Place[] = []
    for (const place of places) if (await hasJobs(sql, place, { table, texts, within })) found.push(place)
    const [first, ...more] = found
    if (first && more.length === 0) return first
    if (first) throw inSeveralDomains(found)
  }
  return undefined
}

async function areOurs(sql: Sql, uuids: readonly string[]): Promise<boolean> {
  const [row] = await sql<[{ ours: boolean }]>`
    select exists (select from jobs where jobs.uuid = any(${[...uuids]}::text[]))
      or exists (select from jobs_archive where jobs_archive.uuid = any(${[...uuids]}::text[])) as ours`
  return row.ours
}

async function hasJobs(
  sql: Sql,
  place: Place,
  { table, texts, within }: { table: string; texts: readonly string[]; within: TokenScope | undefined },
): Promise<boolean> {
  const of = narrowedTo(sql, place)
  const keys = (await readKeysOf(place, { sql: of, within }, texts)).map(([, key]) => key)
  if (keys.length === 0) return false
  const jobs = of`jobs`
  const [row] =
    table === 'jobs'
      ? await of`select from jobs where ${hasId(of, keys)} ${isWithin(of, within, jobs)} limit 1`
      : await of`select from jobs_archive as jobs where ${hasIdInArchive(of, keys)} ${isWithin(of, within, jobs)} limit 1`
  return row !== undefined
}

const inSeveralDomains = (places: readonly Place[]): Failure =>
  new Failure(
    'not_supported',
    `the ids are of jobs in ${places.length} domains, and a call is about the jobs of one; nothing was changed`,
    { hint: `give one of them: ${listedDomains(places)}` },
  )

interface Limited {
  sql: Sql
  within: TokenScope | undefined
}

interface Change<Request> {
  endpoint: Asked
  request: Request
}

/**
 * The server and the request of a change for the place that it is about. The request gets its domain where the place was found in another
 * way: the record has it, by which an undo finds the place.
 * @throws Failure `not_supported` for a change that does not say its place, and for ids of jobs in several domains; `conflict` for an
 *   operation in a domain that is not served
 */
export async function atItsPlace<Request extends object>(
  asked: ChangeServer,
  { caller, within, taken }: Pick<Commission, 'caller' | 'within' | 'taken'>,
  { endpoint, request }: Change<Request>,
): Promise<{ server: ChangeServer; request: Request }> {
  const choices = choicesOf(asked.sql)
  const place =
    taken && choices.length > 0 && !endpoint.ofOperation
      ? await placeOfOperation(asked.sql, taken.operation)
      : await placeOfCall(asked.sql, endpoint, { input: request, within })
  if (place && !taken) await requireReach(asked.sql, place, { caller, within })
  const server = place ? { ...asked, ...asked.over(place) } : asked
  const served = servedBy(server.sql)
  if (served.mode === 'own') return { server, request }
  if (choicesOf(server.sql).length > 0) throw await notPlaced({ sql: server.sql, within }, { endpoint, request })
  const [{ found }] = served.places
  const isNamed = !served.isChosen || endpoint.ofOperation || ('domain' in request && request.domain !== undefined)
  return { server, request: isNamed ? request : { ...request, domain: found.domain } }
}

/**
 * Why a change of the jobs of several places has no place, as far as its caller may know of them.
 * @throws Failure `not_found` for an undo of no operation of the caller's, and `conflict` for one of an operation that changed no jobs
 */
async function notPlaced({ sql, within }: Limited, { endpoint, request }: Change<object>): Promise<Failure> {
  const places = choicesOf(sql)
  if (!endpoint.ofOperation) return severalDomains(places, within)
  const record = await recordOf({ sql, within }, Number(Naming.parse(request).id))
  requireWayBack(record)
  const seen = placesWithin(places, within).map(({ found }) => found.domain)
  return new Failure(
    'conflict',
    `operation ${record.id} has changed jobs of ${(await tableOfOperation(sql, record.id)) ?? record.domain ?? 'a domain'}, which this server does not serve; nothing was changed`,
    seen.length > 0 ? { hint: `it serves ${seen.join(', ')}; JOBS_ENGINE_SCHEMA says which` } : {},
  )
}
