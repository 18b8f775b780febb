import { readdirSync, readFileSync } from 'node:fs'

/** A block of code of a page. */
export interface Block {
  page: string
  language: string
  text: string
  /** Why the tests do not run it: what follows `# not tested: ` in its first line. */
  untested: string | undefined
}

const folder = 'docs'

/** All pages, by their path from the root. */
export const pages: readonly string[] = [
  ...readdirSync('.').filter((name) => name.endsWith('.md')),
  ...readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
].sort()

export const textOf = (page: string): string => readFileSync(page, 'utf8')

/** True for a page that scripts/docs.ts writes. */
export const isGenerated = (page: string): boolean => textOf(page).startsWith('<!-- Made by')

/** The blocks of a page, in their order. */
export const blocksOf = (page: string): Block[] =>
  [...textOf(page).matchAll(/^```(\w*)\n(.*?)^```/gms)].map(([, language = '', text = '']) => ({
    page,
    language,
    text,
    untested: /^# not tested: (.*)\n/.exec(text)?.[1],
  }))
