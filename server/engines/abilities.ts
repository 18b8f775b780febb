import { type Asked, allVerbs, type Verb } from '../../shared/engine/verbs.ts'
import { Failure } from '../../shared/errors.ts'
import type { Can, Cannot } from './can.ts'
import type { Found } from './found.ts'
import { can as ownCan } from './own/can.ts'
import type { Place, Served, ServedEngine } from './served.ts'
import { canBesideHidden, watchedAt, whyHidden } from './watched.ts'

interface Versions {
  lowest: number
  highest: number
}

/** What can be done with the jobs of a client: of one place, or of several together. */
interface Powers {
  /** The name of the engine; of several engines, their names. */
  engine: string
  /** `look`: there are no tables of ours, and nothing is written. `admin`: records and archive stand in a schema of ours. */
  mode: 'own' | 'look' | 'admin'
  can: Can
  /** Whether jobs can be changed at all, and the failure of a change where they cannot. */
  changes: true | (Cannot & { code: 'records_missing' | 'not_supported' })
}

/** One place in which an engine keeps its jobs. */
interface PlacePowers extends Powers {
  /** The domain of its jobs; null for own jobs, which have domains of their own. */
  schema: string | null
  /** The release and the version of its tables: `12.38 (schema 46)`; undefined for own jobs. */
  version?: string
  /** The versions of its tables that this version of the server is tested with. */
  tested?: { reads: Versions; writes: Versions }
}

/** What can be done with the jobs that a client is about, and with those of each place that its server serves. */
export interface Abilities extends Powers {
  places: readonly PlacePowers[]
}

const own: PlacePowers = { engine: 'own', mode: 'own', can: ownCan, changes: true, schema: null }
export const ownAbilities: Abilities = { ...own, places: [own] }

/** What can be done with the jobs that are served now. */
export function abilitiesOf(served: Served): Abilities {
  if (served.mode === 'own') return { ...own, places: [own, ...served.places.map((place) => powersOf(place, 'admin'))] }
  const [first, ...others] = served.places
  const one = powersOf(first, served.mode)
  if (others.length === 0) return { ...one, places: [one] }
  const places = [one, ...others.map((place) => powersOf(place, served.mode))]
  return {
    engine: [...new Set(places.map(({ engine }) => engine))].join(' and '),
    mode: served.mode,
    // What one place can goes on to the place that the call names, which refuses what it cannot.
    can: canBesideHidden(
      { ...one.can, ...Object.fromEntries(places.flatMap(verbsThatWork)) },
      whyHidden(served.places),
    ),
    changes: (places.find(({ changes }) => changes === true) ?? one).changes,
    places,
  }
}

type KnownPlace = Omit<Place, 'names'>

const verbsThatWork = ({ can }: Pick<Powers, 'can'>): [Verb, true][] =>
  allVerbs.filter((verb) => can[verb] === true).map((verb) => [verb, true])

function powersOf(place: KnownPlace, mode: ServedEngine['mode']): PlacePowers {
  const { adapter, found } = place
  const { engine, can, tested } = adapter
  return {
    engine,
    // What is only looked at whatever its version is not closed by anything that has happened.
    mode: adapter.lookOnly ? 'look' : mode,
    can: canBesideHidden(can, whyHidden([place])),
    changes: changesOf(place, mode),
    schema: found.domain,
    version: versionText(watchedAt(found).migrated ?? found),
    ...(found.version !== undefined && { tested: { reads: versions(tested.reads), writes: versions(tested.writes) } }),
  }
}

const versions = ([lowest, highest]: readonly [number, number]): Versions => ({ lowest, highest })

/** The release and the version of the tables, as people read it: `12.38 (schema 46)`. */
export const versionText = ({ release, version }: Pick<Found, 'release' | 'version'>): string =>
  version === undefined ? release : `${release} (schema ${version})`

/** What has happened to tables that are not those of the start. */
export const migratedText = (engine: string, found: Found): string =>
  found.version === undefined
    ? `${found.release} is not as it was when the server started: its columns, foreign keys, triggers, child tables or row-level security have changed`
    : `${engine} has migrated its tables in ${found.schema} since the server started with ${versionText(found)}`

/** A version that nobody has tried is read, and never written: a statement may mean another thing there. */
function changesOf(
  { adapter, found, lacksArchive, onlyReads }: KnownPlace,
  mode: ServedEngine['mode'],
): Powers['changes'] {
  const { engine, tested, lookOnly } = adapter
  if (lookOnly) return { code: 'not_supported', ...lookOnly }
  const [first, last] = tested.writes
  const { migrated = found, isOther } = watchedAt(found)
  const { version = first } = migrated
  if (version < first || version > last)
    return {
      code: 'not_supported',
      cannot: `${engine} ${versionText(migrated)} in ${found.schema} is only looked at: changes are tested with ${first === last ? `schema ${first}` : `schemas ${first} to ${last}`}`,
      instead: version > last ? 'install a newer version of jobs-server' : `install a newer ${engine}`,
    }
  if (migrated !== found || isOther)
    return {
      code: 'not_supported',
      cannot: `${migratedText(engine, found)}, and statements for those tables may write wrong values`,
      instead: 'start the server again, which looks at the tables as they are now',
    }
  if (onlyReads)
    return {
      code: 'records_missing',
      cannot: `the server only looks at the jobs of ${engine}, since its role may not write the records of changes`,
      instead:
        'to change jobs, as the owner of the tables: jobs-server grants --role <role of the server>; then start the server again',
    }
  if (lacksArchive)
    return {
      code: 'records_missing',
      cannot: `the tables of jobs-server have no archive for the jobs of ${engine} in ${found.schema}`,
      instead:
        'as the owner of the tables: jobs-server migrate, with the same JOBS_ENGINE; then start the server again',
    }
  if (mode === 'admin') return true
  return {
    code: 'records_missing',
    cannot: `the server only looks at the jobs of ${engine}, since it has no tables for records`,
    instead: `to change jobs, with records and undo in a schema of their own, run as a role that may make a schema: jobs-server migrate --engine ${engine}`,
  }
}

/** The verbs that a call with this input asks of the engine. */
export const askedBy = <Input>(verb: Asked<Input>, input: Input): readonly Verb[] => {
  if (verb === 'always' || verb === 'session') return []
  return typeof verb === 'string' ? [verb] : verb(input)
}

/** @throws Failure `not_supported` for the first of these verbs that the engine cannot */
export function requireVerbs({ can }: Pick<Abilities, 'can'>, asked: readonly Verb[]): void {
  for (const verb of asked) {
    const answer = can[verb]
    if (answer !== true)
      throw new Failure('not_supported', `${answer.cannot}; nothing was changed`, { hint: answer.instead })
  }
}

/**
 * Refuses a change where the server only looks. Sessions are kept in memory there, and previews change nothing.
 * @throws Failure `records_missing`; `not_supported` for a version that nobody has tried
 */
export function requireChanges({ changes }: Pick<Abilities, 'changes'>): void {
  if (changes === true) return
  throw new Failure(changes.code, `${changes.cannot}; nothing was changed`, { hint: changes.instead })
}

/** What names no job, neither in its input nor in its output. */
const withoutIds: ReadonlySet<Verb> = new Set([
  'stats',
  'history',
  'marks',
  'workers',
  'policy',
  'pause',
  'drain',
  'threshold',
  'throttle',
])

/**
 * Refuses a caller that would read ids of jobs as numbers: jobsctl up to 0.2.0, which sends no `User-Agent`. Ids of other engines are texts.
 * @param userAgent the header of the request
 * @throws Failure `not_supported`
 */
export function requireTextIds(
  { engine }: Pick<Abilities, 'engine'>,
  asked: readonly Verb[],
  userAgent: string | undefined,
): void {
  if (engine === 'own' || userAgent || asked.every((verb) => withoutIds.has(verb))) return
  throw new Failure(
    'not_supported',
    `the jobs of ${engine} have texts as ids, which jobsctl up to 0.2.0 does not read; nothing was changed`,
    { hint: 'install jobsctl 0.3.0 or later; another client that reads them sends a User-Agent' },
  )
}

/** True, or the sentence that says what the engine cannot and what to do instead. */
export const inWords = (answer: true | Cannot): true | string =>
  answer === true ? true : `${answer.cannot}: ${answer.instead}`

/** Each verb with true or a sentence. */
export const verbsInWords = ({ can }: Pick<Abilities, 'can'>): Record<string, true | string> =>
  Object.fromEntries(allVerbs.map((verb) => [verb, inWords(can[verb])]))
