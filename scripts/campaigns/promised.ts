import { readFile } from 'node:fs/promises'

/** A sentence of the pages for users, word by word, and the page that has it. */
export interface Promised {
  page: string
  sentence: string
}

const root = new URL('../../', import.meta.url)

const inOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')

/** Returns a sentence about the promise when its page does not have it any more, else undefined. */
export async function missingPromise({ page, sentence }: Promised): Promise<string | undefined> {
  const text = await readFile(new URL(page, root), 'utf8').catch(() => '')
  if (inOneLine(text).includes(inOneLine(sentence))) return undefined
  return `${page} does not have the sentence "${sentence}": quote what the page says now`
}
