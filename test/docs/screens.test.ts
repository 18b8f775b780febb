import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

it('the file of each screen says which questions the screen answers', () => {
  const screens = [
    ...readFileSync('ui/screens/all.tsx', 'utf8').matchAll(/from '(\.\/overview\.tsx)'|import\('(.+?)'\)/g),
  ]
  const files = screens.map(([, first, later]) => `ui/screens/${first ?? later}`)
  expect(files.length).toBe(14)
  expect(files.filter((file) => !/the questions/i.test(readFileSync(file, 'utf8')))).toEqual([])
})
