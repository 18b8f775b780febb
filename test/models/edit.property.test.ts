import fc from 'fast-check'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyDatabase } from '../support/database/database.ts'
import { mapFile } from '../support/engines/mapped.ts'
import { filteredPaths, operationOf, undoOf } from '../support/filtered.ts'
import { type Change, changed, documents, isKept, name, type Tree, textOf } from '../support/json-documents.ts'
import { runServer } from '../support/programs/spawn-server.ts'
import { openWorld, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '60', PROPERTY_SEED: seed } = process.env

const newValue = documents({ asText: false }).tree.map(textOf)
const changeOf: fc.Arbitrary<Change> = fc.record({
  path: fc.array(name, { minLength: 1, maxLength: 4 }),
  value: fc.option(newValue),
})

const overlaps = (changes: readonly Change[]): boolean =>
  changes.some(({ path }, at) =>
    changes.some((other, nth) => nth !== at && path.every((step, level) => other.path[level] === step)),
  )

/** Types of a column of payloads. Of jsonb an edit changes values, of the others bytes. */
const types = ['jsonb', 'json', 'text'] as const

/** A table with one job in each domain, whose payload has the type that the domain is named by. */
const tableOf = (type: string) => `
  create table app.${type}_jobs (
    id bigint generated always as identity primary key, payload ${type}, done boolean not null default false,
    created_at timestamptz not null default now()
  );
  insert into app.${type}_jobs (payload) values ('{}');`
const mapOf = (type: string) => `
  - table: app.${type}_jobs
    domain: ${type}
    key: id
    queue: mail
    payload: {column: payload}
    status: {queued: {done: false}, completed: {}}
    times: {created: created_at}`

/** A database of somebody, with a server on its tables. */
async function openMapped(): Promise<World> {
  const database = await emptyDatabase()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  await sql.unsafe(`create schema app; ${types.map(tableOf).join('')}`)
  await sql.end()
  const map = { JOBS_MAP_FILE: await mapFile(`tables:${types.map(mapOf).join('')}\n`) }
  expect(await runServer(['migrate', '--engine', 'mapped'], { ...database.env, ...map })).toMatchObject({ code: 0 })
  return openWorld('postgres', map, Promise.resolve(database))
}

interface Place {
  world: World
  table: string
  domain: string
  type: (typeof types)[number]
}

async function check({ world, table, domain, type }: Place, before: Tree, changes: readonly Change[]): Promise<void> {
  const { sql } = world
  const stored = async () =>
    (await sql<[{ text: string | null }]>`select payload::text as text from ${sql.unsafe(table)}`)[0].text
  /** What PostgreSQL writes for a text of JSON that jsonb keeps. */
  const normal = async (json: string) =>
    (await sql<[{ text: string }]>`select ${json}::text::jsonb::text as text`)[0].text
  const text = textOf(before)
  await sql`update ${sql.unsafe(table)} set payload = ${text}::text::${sql.unsafe(type)}`
  const first = await stored()
  const isReadable = isKept(before)
  const after = isReadable
    ? changes.reduce<Tree | undefined>((at, { path, value }) => at && changed(at, path, value), before)
    : undefined
  const named = changes.map(({ path, value }) => ({ path: ['payload', ...path], json: value }))
  const answer = await world.confirm(filteredPaths.edit, {
    domain,
    set: named.flatMap(({ path, json }) => (json === null ? [] : [{ path, json }])),
    unset: named.flatMap(({ path, json }) => (json === null ? [path] : [])),
  })
  const isOther = after !== undefined && (await normal(textOf(after))) !== (await normal(text))
  expect(answer).toMatchObject({ status: 200, body: { affected: isOther ? 1 : 0 } })
  if (!isReadable) expect(answer).toMatchObject({ body: { refused_count: 1 } })
  const wanted = after && (type === 'jsonb' ? await normal(textOf(after)) : textOf(after))
  expect(await stored()).toBe(isOther ? wanted : first)
  const operation = operationOf(answer.body)
  if (operation > 0) expect(await undoOf(world, operation)).toMatchObject({ status: 200, body: { affected: 1 } })
  expect(await stored()).toBe(first)
}

/** Sets come before unsets, as the server makes them. */
const inOrder = (changes: readonly Change[]): Change[] => [
  ...changes.filter(({ value }) => value !== null),
  ...changes.filter(({ value }) => value === null),
]

const runProperty = (place: Place) =>
  fc.assert(
    fc.asyncProperty(
      documents({ asText: place.type !== 'jsonb' }).document,
      fc.array(changeOf, { minLength: 1, maxLength: 3 }),
      async (before, changes) => {
        fc.pre(!overlaps(changes))
        await check(place, before, inOrder(changes))
      },
    ),
    { numRuns: Number(runs), ...(seed !== undefined && { seed: Number(seed) }) },
  )

describe('edits of random JSON', () => {
  let own: World
  let mapped: World
  beforeAll(async () => {
    ;[own, mapped] = await Promise.all([openWorld('postgres'), openMapped()])
    await own.jobs(1, { status: 'queued', domain: 'own' })
  })
  afterAll(() => Promise.all([own?.stop(), mapped?.stop()]))

  it.each(['jsonb', 'json'] as const)(
    'in jobs of our own with a column of the type %s change exactly what they name, and undo gives the bytes back',
    async (type) => {
      await own.sql`alter table jobs alter column payload type ${own.sql.unsafe(type)} using payload::text::${own.sql.unsafe(type)}`
      await runProperty({ world: own, table: 'jobs', domain: 'own', type })
    },
  )

  it.each(types)(
    'in a mapped table with a column of the type %s change exactly what they name, and undo gives the bytes back',
    (type) => runProperty({ world: mapped, table: `app.${type}_jobs`, domain: type, type }),
  )
})
