import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseTemplate } from '../../../cli/output/template.ts'
import { Failure } from '../../../shared/errors.ts'
import { cell } from '../../../shared/text/escape.ts'

const noColumn = () => undefined
const record = fc.dictionary(
  fc.string({ minLength: 1 }),
  fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
)
const written = (value: unknown): string => (value === null ? '' : String(value))

it('a quoted name of any characters leads to its field', () => {
  fc.assert(
    fc.property(record, (row) => {
      for (const [name, value] of Object.entries(row)) {
        const line = parseTemplate(`<{{.${JSON.stringify(name)}}}>`).line(row, noColumn)
        expect(line).toBe(`<${cell(written(value))}>\n`)
      }
    }),
  )
})

it('each row is one line, and text without braces and backslashes is itself', () => {
  const plain = fc.string().filter((text) => !/[\\{}\n]/.test(text))
  fc.assert(
    fc.property(plain, record, (text, row) => {
      expect(parseTemplate(text).line(row, noColumn)).toBe(`${text}\n`)
      expect(parseTemplate(`${text}{{.}}`).line(row, noColumn).split('\n')).toHaveLength(2)
    }),
  )
})

it('any text is a template or a failure of usage that repeats what is wrong', () => {
  const word = fc.constantFrom('{{', '}}', '.', '"', 'a', ' ', '\\', '\\n', '{', '|', 'range', '.0', '-')
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 3 }))), (parts) => {
      try {
        expect(parseTemplate(parts.join('')).line({ a: ['b'] }, noColumn)).toMatch(/\n$/)
      } catch (error) {
        expect(error).toBeInstanceOf(Failure)
        expect(error).toMatchObject({ code: 'usage', message: expect.stringMatching(/^--template: /) })
      }
    }),
  )
})
