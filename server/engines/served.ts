import { mayMeet, type TokenScope } from '../../shared/access/token-scope.ts'
import { Failure } from '../../shared/errors.ts'
import { quoted } from '../../shared/text/shell.ts'
import type { EngineSign } from '../database/connection/other-engines.ts'
import type { Names } from '../database/connection/qualify.ts'
import { namesOf, withNames } from '../database/connection/schema-names.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import type { QueueAdapter } from './adapter.ts'
import type { Found } from './found.ts'

/** A place of jobs of another engine: a schema, which is a domain in calls and answers. */
export interface Place {
  adapter: QueueAdapter
  found: Found
  /** There are tables of ours, and the one in which deleted jobs of this engine are kept is not among them. */
  lacksArchive: boolean
  /** There are tables of ours, and the role may not write the records of changes. */
  onlyReads: boolean
  /** How statements about the jobs of this place alone name things. */
  names: Names
}

/** The jobs of other engines, as a server serves them. */
export interface ServedEngine {
  /** `look`: there is no table of ours, and nothing is written. `admin`: records and the archive are there, so jobs can be changed. */
  mode: 'look' | 'admin'
  /** The places that statements of the client are about. */
  places: readonly [Place, ...Place[]]
  /** The client is about one of several places, which its call has named. */
  isChosen: boolean
  /** The same object for all clients of a server: what a server that only looks keeps in memory is kept by it. */
  server: object
}

/** Our own jobs. Engines may have theirs in the same database, which nobody has asked the server to serve. */
interface ServedOwn {
  mode: 'own'
  beside: readonly EngineSign[]
  /** The places of other engines that are served beside our own jobs, and that statements of the client are not about. */
  places: readonly Place[]
  /** How statements about the jobs of all these places together name things. */
  namesOfPlaces?: Names
}

/** Whose jobs a server works on: its own, or those of other engines. */
export type Served = ServedOwn | ServedEngine

const own: Served = { mode: 'own', beside: [], places: [] }
const served = new WeakMap<Names, Served>()

/** Says whose jobs all clients with these names work on. */
export const serve = (names: Names, engine: Served): Names => {
  served.set(names, engine)
  return names
}

/** Whether the server keeps records: there are tables of ours, and its role may write them. */
export function keepsRecords(sql: Sql): boolean {
  const { mode, places } = servedBy(sql)
  return mode === 'own' || (mode === 'admin' && places.every(({ onlyReads }) => !onlyReads))
}

/** Whose jobs a pool, transaction or session works on. */
export function servedBy(sql: Sql): Served {
  const names = namesOf(sql)
  return names ? servedWith(names) : own
}

/** Whose jobs the clients with these names work on. */
export const servedWith = (names: Names): Served => served.get(names) ?? own

/** A client on the same connections, for the jobs of one place alone. */
export const narrowedTo = <Target extends Sql>(sql: Target, { names }: Pick<Place, 'names'>): Target =>
  withNames(sql, names)

/** The engines of a server, as `JOBS_ENGINE` has them. */
export const engineNames = ({ mode, places }: Pick<Served, 'mode' | 'places'>): string =>
  [...new Set([...(mode === 'own' ? ['own'] : []), ...places.map(({ adapter }) => adapter.engine)])].join()

/** The tables in which deleted jobs of the places are kept. */
export const archivesOf = (places: readonly Pick<Place, 'adapter'>[]): string[] => [
  ...new Set(places.map(({ adapter }) => adapter.archive)),
]

const mostListed = 10

/** The domains of places as flags of a command. */
export function listedDomains(places: readonly Pick<Place, 'found'>[]): string {
  const flags = places.slice(0, mostListed).map(({ found }) => `--domain ${quoted(found.domain)}`)
  const more = places.length > mostListed ? [`${places.length - mostListed} more`] : []
  return [...flags, ...more].join(', ')
}

/** The places of which a caller may see jobs. */
export const placesWithin = <Known extends Pick<Place, 'found'>>(
  places: readonly Known[],
  within: TokenScope | undefined,
): Known[] => places.filter(({ found }) => within === undefined || mayMeet(within, found.domain))

/**
 * The failure of a change that does not say of which place its jobs are.
 * @param within what the caller is limited to, which is told of no other place
 */
export function severalDomains(places: readonly Pick<Place, 'found'>[], within?: TokenScope): Failure {
  const seen = placesWithin(places, within)
  const which = within ? 'this one does not say which' : `this server serves ${places.length}`
  return new Failure(
    'not_supported',
    `a change is about the jobs of one domain, and ${which}; nothing was changed`,
    seen.length > 0 ? { hint: `give one of them: ${listedDomains(seen)}` } : {},
  )
}

/** The places that a call about a client's jobs can choose from by its domain; none where the client is about one place, or our own jobs alone. */
export function choicesOf(sql: Sql): readonly Place[] {
  const { mode, places } = servedBy(sql)
  return mode === 'own' || places.length > 1 ? places : []
}

/** The place of a domain. */
export const placeNamed = (places: readonly Place[], domain: string): Place | undefined =>
  places.find(({ found }) => found.domain === domain)

/** The place of another engine with the jobs of a domain, among those that a client is about, and a client for it alone. */
export function placeOf(sql: Sql, domain: string): (Place & { of: Sql }) | undefined {
  const engine = servedBy(sql)
  const place = engine.mode === 'own' ? undefined : placeNamed(engine.places, domain)
  return place && { ...place, of: narrowedTo(sql, place) }
}

/** Clients for our own jobs, where a client is about them, and for each place that its server serves. */
export function clientsByPlace<Target extends Sql>(sql: Target): Target[] {
  const { mode, places } = servedBy(sql)
  const others = places.map((place) => narrowedTo(sql, place))
  return mode === 'own' ? [sql, ...others] : others
}

/** A client for our own jobs, where a client is about them, and one for the jobs of all other engines together. */
export function clientsByEngine<Target extends Sql>(sql: Target): Target[] {
  const served = servedBy(sql)
  return served.mode === 'own' && served.namesOfPlaces ? [sql, narrowedTo(sql, { names: served.namesOfPlaces })] : [sql]
}

/** The result of a read for each place of other engines; undefined where the jobs are our own. */
export async function fromEachPlace<Result, Target extends Sql>(
  sql: Target,
  read: (place: Place, of: Target) => Promise<readonly Result[]>,
): Promise<Result[] | undefined> {
  const engine = servedBy(sql)
  if (engine.mode === 'own') return undefined
  const results = await Promise.all(engine.places.map((place) => read(place, narrowedTo(sql, place))))
  return results.flat()
}

/**
 * A query of the jobs that a client is about: `make` itself for our own jobs and for one place, else all of the places together.
 * @param make a query with the same columns for every place, whose conditions use the indexes of its engine
 */
export function fromAllPlaces(sql: Sql, make: (of: Sql) => Fragment): Fragment {
  const { mode, places } = servedBy(sql)
  return mode === 'own' || places.length === 1 ? make(sql) : unionOfPlaces(sql, places, (_place, of) => make(of))
}

/** Whether a client is about our own jobs, beside which others are served. */
export function isOwnAmongOthers(sql: Sql): boolean {
  const { mode, places } = servedBy(sql)
  return mode === 'own' && places.length > 0
}

/** Whether a client is about the jobs of several places. */
export function isOfSeveral(sql: Sql): boolean {
  const { mode, places } = servedBy(sql)
  return mode !== 'own' && places.length > 1
}

/** The same for jobs of other engines alone. */
export function unionOfPlaces<Known extends Place>(
  sql: Sql,
  places: readonly Known[],
  make: (place: Known, of: Sql) => Fragment,
): Fragment {
  const [first, ...others] = places.map((place) => sql`(${make(place, narrowedTo(sql, place))})`)
  return others.reduce((all, one) => sql`${all} union all ${one}`, first ?? sql``)
}
