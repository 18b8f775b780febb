import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { built } from '../../support/programs/built.ts'

const folder = dirname(built.server)
/** A word of the protocol that the SDK has and the product has not. */
const isSdk = (text: string) => text.includes('notifications/elicitation/complete')

/** A file of the server, and all that it loads before it runs. */
async function loaded(name: string, seen = new Map<string, string>()): Promise<Map<string, string>> {
  if (seen.has(name)) return seen
  const text = await readFile(join(folder, name), 'utf8')
  seen.set(name, text)
  for (const [, part = ''] of text.matchAll(/(?:from|import)\s?"\.\/([^"]+\.js)"/g)) await loaded(part, seen)
  return seen
}

it('the protocol of agents is in a file that a server loads with their first message', async () => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.js'))
  const texts = await Promise.all(names.map(async (name) => readFile(join(folder, name), 'utf8')))
  expect(texts.filter(isSdk)).not.toHaveLength(0)
  for (const entry of ['main.js', 'start.js']) {
    const files = await loaded(entry)
    expect(files.size).toBeGreaterThan(10)
    expect({ entry, files: [...files].filter(([, text]) => isSdk(text)).map(([name]) => name) }).toEqual({
      entry,
      files: [],
    })
  }
})
