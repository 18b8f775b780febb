import { readFileSync } from 'node:fs'

const readme = readFileSync('README.md', 'utf8')

/** The blocks of code in this language that the README shows, in order. */
export const readmeBlocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block)
