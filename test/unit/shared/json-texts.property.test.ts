import fc from 'fast-check'
import { expect, it } from 'vitest'
import { repeatedField } from '../../../server/http/repeated-field.ts'
import { endOfString, inexactNumber, isKeptExactly, replaceInexact } from '../../../shared/text/exact-numbers.ts'

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ':', '1', 'a', '\n', 'ü', '\u2028', '\ud83d') }),
  fc.string({ unit: 'grapheme' }),
)
const number = fc.oneof(
  fc.constantFrom('0', '-0', '1.50', '1e5', '1E-7', '12345678901234567890', '1e400', '-9007199254740993', '0.1000'),
  fc.bigInt().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
)

interface Written {
  json: string
  /** The names that an object has twice. */
  repeated: string[]
  numbers: string[]
}
const all = (parts: readonly Written[]) => ({
  repeated: parts.flatMap(({ repeated }) => repeated),
  numbers: parts.flatMap(({ numbers }) => numbers),
})
const space = fc.constantFrom('', ' ', '\n\t')
/** JSON in which objects may have names twice, and any escape may be a Unicode one. */
const { value: written } = fc.letrec<{ value: Written }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    text.map((one) => ({ json: JSON.stringify(one), repeated: [], numbers: [] })),
    number.map((digits) => ({ json: digits, repeated: [], numbers: [digits] })),
    fc.tuple(fc.array(tie('value'), { maxLength: 3 }), space).map(([parts, between]) => ({
      json: `[${between}${parts.map(({ json }) => json).join(`${between},`)}]`,
      ...all(parts),
    })),
    fc
      .tuple(fc.array(fc.tuple(fc.oneof(fc.constantFrom('a', 'b', ''), text), tie('value')), { maxLength: 4 }), space)
      .map(([fields, between]) => {
        const names = fields.map(([name]) => name)
        const inner = all(fields.map(([, part]) => part))
        return {
          json: `{${fields.map(([name, { json }]) => `${between}${escaped(name)}${between}:${between}${json}`).join(',')}}`,
          repeated: [...names.filter((name, at) => names.indexOf(name) !== at), ...inner.repeated],
          numbers: inner.numbers,
        }
      }),
  ),
}))

/** A string of JSON in which the letter a is written as an escape. */
const escaped = (name: string): string => JSON.stringify(name).replaceAll('a', '\\u0061')

it('a string of JSON ends where JSON.parse says so', () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      const [first, second] = [JSON.stringify(one), JSON.stringify(other)]
      const json = `[${first},${second}]`
      expect(endOfString(json, 1)).toBe(1 + first.length)
      expect(endOfString(json, 2 + first.length)).toBe(json.length - 1)
      expect(endOfString(first.slice(0, -1), 0)).toBe(first.length - 1)
    }),
    { numRuns: 1000 },
  )
})

it('a name is repeated where an object has it twice', () => {
  fc.assert(
    fc.property(written, ({ json, repeated }) => {
      JSON.parse(json)
      const found = repeatedField(json)
      if (repeated.length === 0) expect(found).toBe(undefined)
      else expect(repeated).toContain(found)
    }),
    { numRuns: 1000 },
  )
})

it('the numbers of a JSON text are replaced, and nothing in its strings', () => {
  fc.assert(
    fc.property(written, ({ json, numbers }) => {
      const met: string[] = []
      const replaced = replaceInexact(json, (digits) => {
        met.push(digits)
        return `${Number(digits)}`.replace('Infinity', '1e400')
      })
      expect(JSON.parse(replaced)).toEqual(JSON.parse(json))
      expect(met).toEqual(numbers.filter((digits) => met.includes(digits)))
      expect(isKeptExactly(json)).toBe(met.length === 0)
      const inexact = inexactNumber(json)
      if (inexact !== undefined) expect(met).toContain(inexact)
    }),
    { numRuns: 1000 },
  )
})

it('texts of millions of escapes, levels and digits are read in time', () => {
  const escapes = `{"a": "${'\\n'.repeat(4_000_000)}", "b": 12345678901234567890, "b": 1}`
  expect(repeatedField(escapes)).toBe('b')
  expect(inexactNumber(escapes)).toBe('12345678901234567890')
  const levels = 1_000_000
  expect(repeatedField(`${'{"a":['.repeat(levels)}1${']}'.repeat(levels)}`)).toBe(undefined)
  const digits = `1${'0'.repeat(500_000)}1`
  expect(inexactNumber(`{"n": ${digits}}`)).toBe(digits)
})
