import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readJson, writeJson } from '../../../server/database/lossless-json.ts'
import { pickPaths } from '../../../server/endpoints/viewer-fields.ts'

const name = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'toString', '0', '')
const { value } = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(1, 'x', null, true),
    fc.array(tie('value'), { maxLength: 2 }),
    tie('object'),
  ),
  object: fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
}))
const paths = fc.array(fc.array(name, { minLength: 1, maxLength: 3 }), { maxLength: 4 })

type Path = readonly string[]
const isObject = (given: unknown): given is object =>
  typeof given === 'object' && given !== null && !Array.isArray(given)
/** The value at a path through objects; undefined where there is none. */
const at = (given: unknown, [first, ...rest]: Path): unknown => {
  if (first === undefined) return given
  return isObject(given) && Object.hasOwn(given, first)
    ? at(new Map(Object.entries(given)).get(first), rest)
    : undefined
}
/** The paths of all values that are no object, or an empty one. */
const leaves = (given: unknown, path: Path = []): Path[] =>
  isObject(given) && Object.keys(given).length > 0
    ? Object.entries(given).flatMap(([key, part]) => leaves(part, [...path, key]))
    : [path]

it('what is picked of a payload is what stands at the paths, and nothing else', () => {
  fc.assert(
    fc.property(value, paths, (payload, wanted) => {
      const picked = pickPaths(payload, wanted)
      for (const path of wanted) expect(picked === null ? undefined : at(picked, path)).toEqual(at(payload, path))
      if (picked === null) return
      for (const leaf of leaves(picked)) {
        expect(wanted.some((path) => path.every((one, nth) => leaf[nth] === one))).toBe(true)
        expect(at(picked, leaf)).toEqual(at(payload, leaf))
      }
    }),
  )
})

it('numbers keep their digits', () => {
  const payload = readJson('{"a": {"id": 12345678901234567890, "b": 1.50}, "c": 2}')
  expect(writeJson(pickPaths(payload, [['a', 'id']]))).toBe('{"a":{"id":12345678901234567890}}')
})
