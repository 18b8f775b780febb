import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filteredPaths, operationOf, undoOf } from '../support/filtered.ts'
import { openWorld, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '60', PROPERTY_SEED: seed } = process.env

/** JSON as text, so that numbers keep digits that JavaScript does not have. */
type Tree = { text: string } | { items: Tree[] } | { fields: [string, Tree][] }

const name = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'url',
    '0',
    '1',
    '-1',
    '01',
    'a.b',
    '',
    ' ',
    '"',
    '\\',
    '🎈',
    'ä',
    '__proto__',
    'constructor',
  ),
  fc.string({ unit: 'grapheme', maxLength: 5 }).filter((text) => !/[\0\p{Cs}]/u.test(text)),
)
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => !/[\0\p{Cs}]/u.test(value))
const number = fc
  .tuple(fc.constantFrom('', '-'), fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.option(fc.stringMatching(/^\d{1,30}$/)))
  .map(([sign, whole, fraction]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}`)
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({
      text: fc.oneof(
        number,
        fc.constantFrom('true', 'false', 'null'),
        text.map((value) => JSON.stringify(value)),
      ),
    }),
    fc.record({ items: fc.array(tie('tree'), { maxLength: 4 }) }),
    fc.record({ fields: fc.uniqueArray(fc.tuple(name, tie('tree')), { maxLength: 5, selector: ([key]) => key }) }),
  ),
}))
const document = fc.record({ fields: fc.uniqueArray(fc.tuple(name, tree), { maxLength: 6, selector: ([key]) => key }) })

const jsonOf = (value: Tree): string => {
  if ('text' in value) return value.text
  if ('items' in value) return `[${value.items.map(jsonOf).join(',')}]`
  return `{${value.fields.map(([key, one]) => `${JSON.stringify(key)}:${jsonOf(one)}`).join(',')}}`
}

const changeOf = fc.record({ path: fc.array(name, { minLength: 1, maxLength: 4 }), value: fc.option(tree) })
type Change = typeof changeOf extends fc.Arbitrary<infer T> ? T : never

/** What a change makes of a document, written without a database; undefined where it must be refused. */
function changed(at: Tree, [first = '', ...rest]: readonly string[], value: Tree | null): Tree | undefined {
  if ('text' in at) return value === null ? at : undefined
  if ('items' in at) {
    const isIndex = /^(?:0|[1-9]\d*)$/.test(first)
    const item = isIndex ? at.items[Number(first)] : undefined
    if (item === undefined) return value === null && isIndex ? at : undefined
    if (rest.length === 0 && value === null) return undefined
    const next = rest.length === 0 ? (value ?? item) : changed(item, rest, value)
    return next && { items: at.items.map((one, nth) => (nth === Number(first) ? next : one)) }
  }
  const found = at.fields.find(([key]) => key === first)?.[1]
  const others = at.fields.filter(([key]) => key !== first)
  if (rest.length === 0) return { fields: value === null ? others : [...others, [first, value]] }
  if (found === undefined && value === null) return at
  const next = changed(found ?? { fields: [] }, rest, value)
  return next && { fields: [...others, [first, next]] }
}

const overlaps = (changes: readonly Change[]): boolean =>
  changes.some(({ path }, at) =>
    changes.some((other, nth) => nth !== at && path.every((step, level) => other.path[level] === step)),
  )

describe('edits of random JSON', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())

  /** What PostgreSQL writes for a text of JSON. */
  const normal = async (json: string): Promise<string> => {
    const [{ text }] = await world.sql<[{ text: string }]>`select ${json}::text::jsonb::text as text`
    return text
  }
  const stored = async (): Promise<string | null> => {
    const [{ text }] = await world.sql<[{ text: string | null }]>`select payload::text as text from jobs`
    return text
  }

  it('change exactly what they name, and undo gives the bytes back', async () => {
    await fc.assert(
      fc.asyncProperty(document, fc.array(changeOf, { minLength: 1, maxLength: 3 }), async (before, changes) => {
        fc.pre(!overlaps(changes))
        await world.clear()
        await world.jobs(1, { status: 'queued' })
        await world.sql`update jobs set payload = ${jsonOf(before)}::text::jsonb`
        const first = await stored()
        const after = changes.reduce<Tree | undefined>((at, { path, value }) => at && changed(at, path, value), before)
        const named = changes.map(({ path, value }) => ({ path: ['payload', ...path], value }))
        const answer = await world.confirm(filteredPaths.edit, {
          all: true,
          set: named.flatMap(({ path, value }) => (value === null ? [] : [{ path, json: jsonOf(value) }])),
          unset: named.flatMap(({ path, value }) => (value === null ? [path] : [])),
        })
        expect(answer).toMatchObject({ status: 200 })
        expect(await stored()).toBe(after === undefined ? first : await normal(jsonOf(after)))
        if (after === undefined) expect(answer.body).toMatchObject({ affected: 0, refused_count: 1 })
        const operation = operationOf(answer.body)
        if (operation > 0) expect(await undoOf(world, operation)).toMatchObject({ status: 200, body: { affected: 1 } })
        expect(await stored()).toBe(first)
      }),
      { numRuns: Number(runs), ...(seed !== undefined && { seed: Number(seed) }) },
    )
  })
})
