import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMap } from '../../../server/engines/mapped/read-map.ts'
import { Failure } from '../../../shared/errors.ts'
import { emailMap } from '../../support/engines/mapped.ts'

/** Reads a text as a map: undefined for a map, and else the lines of the failure. */
const faultsIn = async (text: string): Promise<string[] | undefined> => {
  try {
    await parseMap(text, 'jobs-map.yaml')
    return undefined
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return error.message.split('\n  ')
  }
}

const placed = /^(?:jobs-map\.yaml:[1-9]\d*:[1-9]\d*: .+|\d+ further faults)$/s

const isMapOrPlaced = async (text: string) => {
  for (const line of (await faultsIn(text)) ?? []) expect(line).toMatch(placed)
}

const names = [
  'tables',
  'domain',
  'table',
  'key',
  'queue',
  'status',
  'times',
  'retry',
  'set',
  'map',
  'column',
  'of',
  '__proto__',
  'constructor',
  'toString',
  '',
  '0',
]
const yamlValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('now()', 'not null', null, 0, -1, true, '', 'queued', 'failed', 'id', 1e300, 2 ** 60),
    fc.string(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), tie('value'), { maxKeys: 6 }),
  ),
})).value

describe('the map of a table', () => {
  it('is read, and what it has is what it says', async () => {
    expect((await parseMap(emailMap, 'jobs-map.yaml')).tables[0]?.map).toMatchObject({
      table: 'app.email_jobs',
      status: { column: 'state', states: expect.arrayContaining([['3', 'failed']]) },
    })
  })

  it('keeps the order of its conditions, of which the first true one decides', async () => {
    const text =
      'table: t\nkey: id\nqueue: q\ntimes: {created: c}\nstatus: {failed: {a: 1}, queued: [{b: null}, {c: 2}], completed: {}}\n'
    expect((await parseMap(text, 'm')).tables[0]?.map.status).toEqual({
      when: [
        ['failed', { a: 1 }],
        ['queued', { b: null }],
        ['queued', { c: 2 }],
        ['completed', {}],
      ],
    })
  })

  it.each([
    ['an unknown field', `${emailMap}colour: red\n`, /:17:1: colour: is not a known field/],
    ['a state that is none', emailMap.replace('3: failed', '3: broken'), /:5:74: status\.map\.3: must be one of/],
    ['SQL', emailMap.replace('run_after: now()', 'run_after: [now()]'), /:14:46: retry\.set\.run_after: .* no SQL/],
    ['a missing key', emailMap.replace('key: id\n', ''), /:1:1: key: /],
    ['a field twice', `${emailMap}key: id\n`, /:17:1: /],
    ['an alias', emailMap.replace('key: id', 'key: *id'), /:2:6: is an alias, which a map does not have/],
    [
      'a running job that is pruned',
      emailMap.replace('[completed, failed', '[processing, failed'),
      /:16:14: prune\.of\.0: /,
    ],
  ])('is refused for %s, with its line and column', async (_, text, message) => {
    expect((await faultsIn(text))?.join('\n')).toMatch(message)
  })

  it('is a map, or is refused with a line and a column, whatever the text', async () => {
    await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), isMapOrPlaced), { numRuns: 100 })
  })

  it('is a map, or is refused with a line and a column, whatever the values', async () => {
    await fc.assert(
      fc.asyncProperty(yamlValue, (value) => isMapOrPlaced(JSON.stringify(value))),
      { numRuns: 100 },
    )
  })

  it('is a map, or is refused with a line and a column, where it was damaged', async () => {
    const item = emailMap.trimEnd().replaceAll('\n', '\n    ')
    const damaged = fc
      .record({
        text: fc.constantFrom(emailMap, `tables:\n  - ${item}\n  - domain: other\n    ${item}\n`),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
        length: fc.nat({ max: 20 }),
        by: fc.oneof(fc.string(), fc.constantFrom('{', '}', '[', ': ', '- ', '\n', '&a', '*a', '!!js', '? ')),
      })
      .map(({ text, share, length, by }) => {
        const at = Math.floor(share * text.length)
        return text.slice(0, at) + by + text.slice(at + length)
      })
    await fc.assert(fc.asyncProperty(damaged, isMapOrPlaced), { numRuns: 100 })
  })
})
