import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pages, textOf } from '../support/docs.ts'

/** A page without its blocks of code: brackets in code are no links. */
const proseOf = (page: string): string => textOf(page).replaceAll(/^```[\s\S]*?^```/gm, '')

/** The links of a page that stay in this repository, as path and anchor from its root. */
const linksOf = (page: string): { path: string; anchor: string }[] =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, to = '']) => to)
    .filter((to) => !/^[a-z]+:/.test(to))
    .map((to) => {
      const [path = '', anchor = ''] = to.split('#')
      return { path: path === '' ? page : join(dirname(page), path), anchor }
    })

/** As GitHub makes anchors of headings. */
const anchorsOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

describe.each(pages)('%s', (page) => {
  it('has links that lead somewhere', () => {
    const broken = linksOf(page).filter(
      ({ path, anchor }) => !existsSync(path) || (anchor !== '' && !anchorsOf(path).includes(anchor)),
    )
    expect(broken).toEqual([])
  })
})

it('every page is reached from the README', () => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    if (page.endsWith('.md')) for (const { path } of linksOf(page)) reached.add(path)
  }
  expect(pages.filter((page) => !reached.has(page))).toEqual([])
})

describe('the README', () => {
  const text = textOf('README.md')

  it('is read in a few minutes: at most 150 lines and 900 words', () => {
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(150)
    expect(text.split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(900)
  })

  it('has the two commands of a clone', () => {
    expect(text).toContain('npm ci && npm run demo')
    expect(text).toContain('npm ci && npm test')
  })
})
