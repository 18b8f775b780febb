import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isGenerated, pages, textOf } from '../support/docs.ts'

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

  it('runs the packed file, never a bare npx: npm knows no jobsctl yet, so whoever takes the name would get the URL of a database', () => {
    expect(JSON.parse(textOf('package.json'))).toMatchObject({ private: true })
    const bare = pages.filter((page) => /\bnpx (-y |--yes )?jobsctl\b/.test(textOf(page)))
    expect(bare).toEqual([])
    expect(text).toContain('npx ./jobsctl-')
  })

  it('has the two commands of a clone', () => {
    expect(text).toContain('npm ci && npm run demo')
    expect(text).toContain('npm ci && npm test')
  })
})

/** The comments of a source, each as its paragraphs. A tag and an item of a list begin a paragraph. */
const commentsOf = (source: string): string[] =>
  [...source.matchAll(/^[ \t]*\/\*\*?([\s\S]*?)\*\/|(?:^[ \t]*\/\/.*\n)+/gm)]
    .map(([line, block]) => block?.replaceAll(/^[ \t]*\* ?/gm, '') ?? line.replaceAll(/^[ \t]*\/\/ ?/gm, ''))
    .flatMap((text) => text.split(/\n\s*\n|\n(?=\s*(?:@|- ))/))
    .map((text) => text.replaceAll(/\s+/g, ' ').trim())

const longest = 35
const wordsOf = (sentence: string): number => sentence.split(' ').filter((word) => /[\p{L}\p{N}]/u.test(word)).length

/** Words that a reader whose English is plain does not know, or reads twice. */
const hardWords =
  /\b(of before|from before|(?<!there )is none|so many|goes along|tells of|lest|anew|whoever|in vain|at it)\b/i

/** The sentences of a page, each item of a list and cell of a table as one of its own, without the addresses of links. */
const sentencesOf = (page: string): string[] =>
  proseOf(page)
    .replaceAll(/\]\([^)\s]*\)/g, ']')
    .split(/\n\s*\n|\n(?=\s*(?:[-|]|\d+\. ))/)
    .map((paragraph) => paragraph.replaceAll(/\s+/g, ' ').trim())
    .flatMap((paragraph) => (paragraph.startsWith('|') ? paragraph.split('|') : [paragraph]))
    .flatMap((part) => part.split(/(?<=[.?!;:])\s/))

/** What users read, but for pages that are made of code and the changelog. */
const written = pages.filter((page) => (page.startsWith('docs/') || page === 'README.md') && !isGenerated(page))

describe.each(written)('the sentences of %s', (page) => {
  it(`have at most ${longest} words, all of them plain`, () => {
    const sentences = sentencesOf(page)
    expect(sentences.filter((sentence) => wordsOf(sentence) > longest)).toEqual([])
    // A text between backticks is quoted.
    expect(sentences.filter((sentence) => hardWords.test(sentence.replaceAll(/`[^`]*`/g, '')))).toEqual([])
  })
})

const folders = ['server', 'cli', 'shared', 'sdk', 'ui'] as const

describe.each(folders)('the comments of %s/', (folder) => {
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name))
  const comments = sources.flatMap((name) =>
    commentsOf(textOf(join(folder, name))).map((text) => ({ path: join(folder, name), text })),
  )

  it(`have sentences of at most ${longest} words`, () => {
    const sentences = comments.flatMap(({ path, text }) =>
      text.split(/(?<=[.?!;])\s/).map((sentence) => ({ path, sentence })),
    )
    expect(sentences.length).toBeGreaterThan(100)
    expect(sentences.filter(({ sentence }) => wordsOf(sentence) > longest)).toEqual([])
  })

  it('have plain words', () => {
    // A text between backticks is quoted.
    expect(comments.filter(({ text }) => hardWords.test(text.replaceAll(/`[^`]*`/g, '')))).toEqual([])
  })
})
