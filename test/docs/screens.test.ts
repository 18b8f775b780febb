import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const screens = [
  ...readFileSync('ui/screens/all.tsx', 'utf8').matchAll(/from '(\.\/overview\.tsx)'|import\('(.+?)'\)/g),
]
const files = screens.map(([, first, later]) => join('ui/screens', first ?? later ?? ''))

/** The comments of a file that are said to be the questions of its screen. */
const questionsIn = (file: string): string[] =>
  (readFileSync(file, 'utf8').match(/\/\*[\s\S]*?\*\//g) ?? []).filter((comment) => /the questions/i.test(comment))

// Whether a screen answers its questions is shown by the tests of test/ui, in a browser.
describe('the screens of the dashboard', () => {
  it('each name three questions or more in one comment of their file', () => {
    expect(files.length).toBe(14)
    for (const file of files) {
      const [comment = '', ...others] = questionsIn(file)
      const isList = (comment.match(/^ *\*? +\d\. /gm) ?? []).length >= 3
      const asked = (comment.match(/\?/g) ?? []).length
      expect([file, others, isList || asked >= 3]).toEqual([file, [], true])
    }
  })

  it('are each opened by a test in a browser', () => {
    const tests = readdirSync('test/ui', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join('test/ui', name), 'utf8'))
    const shapes = [...readFileSync('ui/screens/all.tsx', 'utf8').matchAll(/^ +\[?\/\^\\(\/[a-z]*)/gm)].map(
      ([, path]) => path,
    )
    expect(shapes.length).toBe(14)
    for (const path of new Set(shapes))
      expect([path, tests.some((text) => new RegExp(`['"\`]${path}(['"\`?/]|\\$\\{)`).test(text))]).toEqual([
        path,
        true,
      ])
  })
})
