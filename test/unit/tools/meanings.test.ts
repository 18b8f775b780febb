import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** The page is made from the schemas, and `npm run check` compares the two. The last cell of a row is what the field means. */
it('the page of the HTTP API says what each field of a call and of an answer means', () => {
  const rows = readFileSync('docs/reference/http-api.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  expect(rows.length).toBeGreaterThan(1000)
  expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([])
})
