import { expect, it } from 'vitest'
import { textWithoutMeanings } from '../../../scripts/build/without-meanings.ts'

const short = (text: string): string => text.replaceAll(/\s+/g, '')

it('leaves out descriptions and meanings, and nothing else', async () => {
  const text = await textWithoutMeanings(
    `
    const a = optional(z.string().describe('one').min(1).meta({ type: 'integer' }).describe('two')).describe(\`three\`)
    const b = endpoint({ ...common, meaning: 'Does (it) all.', path: '/b', input: z.object({ meaning: z.string() }) })
  `,
    { formats: false },
  )
  expect(short(text)).toBe(
    short(
      `const a = optional(z.string().min(1)); const b = endpoint({ ...common, path: '/b', input: z.object({ meaning: z.string() }) });`,
    ),
  )
})

it('keeps texts that look the same, and methods that take something else', async () => {
  const kept = `const a = ".describe('one')"; const b = \`meaning: 'x'\`; const c = /\\.meta\\(1\\)/u; const d = schema.meta(); const e = describe('x'); schema.describe(text); const meaning = 1; const f = { meaning };`
  expect(short(await textWithoutMeanings(kept, { formats: false }))).toBe(short(kept))
})

it('keeps formats and words for the server, which tells them from texts', async () => {
  const source = `const a = z.string().meta({ format: 'date-time' }).describe('when'); const b = z.string().meta({ enum: [...kinds] }); const c = z.number().meta({ type: 'integer' });`
  const server = `const a = z.string().meta({ format: 'date-time' }); const b = z.string().meta({ enum: [...kinds] }); const c = z.number();`
  expect(short(await textWithoutMeanings(source, { formats: true }))).toBe(short(server))
  expect(await textWithoutMeanings(source, { formats: false })).not.toContain('meta')
})
