import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { pages, textOf } from '../support/docs.ts'

const Manifest = z.object({ scripts: z.record(z.string(), z.string()) })

/** What names scripts of this version: the changelog names scripts of earlier versions, too. */
const named = (pattern: RegExp): string[] =>
  [
    ...pages.filter((page) => page !== 'CHANGELOG.md'),
    '.ci/run',
    '.github/workflows/ci.yml',
    'vitest.config.ts',
  ].flatMap((path) => [...textOf(path).matchAll(pattern)].map(([, name]) => `${path}: ${name}`))

const nameOf = (found: string): string => found.split(': ')[1] ?? ''

it('pages and CI name scripts of package.json', () => {
  const { scripts } = Manifest.parse(JSON.parse(readFileSync('package.json', 'utf8')))
  const all = named(/npm run (?:-s )?([a-z]+(?::[a-z]+)?)/g)
  expect(all).toContain('.ci/run: demo')
  expect(all.filter((found) => !(nameOf(found) in scripts))).toEqual([])
})

it('pages and CI name campaigns that there are', () => {
  const campaigns = readdirSync('scripts/campaigns')
  const all = named(/(?:npm run campaign --|step campaign) ([a-z]+)/g)
  expect(all).toContain('.ci/run: soak')
  expect(all.filter((found) => !campaigns.includes(nameOf(found)))).toEqual([])
})
