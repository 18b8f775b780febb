import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where the package has the pages for operators, as seen from the program that the build makes, and from the source. */
const folders = ['../../docs/operate', '../../../docs/operate'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

/** A page of docs/operate. */
interface Page {
  title: string
  text: string
}

let read: Promise<ReadonlyMap<string, Page>> | undefined

/** The pages of docs/operate by their names without `.md`; none where somebody took the folder out of the package. */
export const operatePages = (): Promise<ReadonlyMap<string, Page>> => {
  read ??= readPages()
  return read
}

async function readPages(): Promise<ReadonlyMap<string, Page>> {
  const folder = folders.find((path) => existsSync(path))
  if (folder === undefined) return new Map()
  const files = (await readdir(folder)).filter((file) => file.endsWith('.md')).sort()
  const pages = files.map(async (file) => {
    const name = file.replace(/\.md$/, '')
    const text = await readFile(join(folder, file), 'utf8')
    return [name, { title: /^# (.+)$/m.exec(text)?.[1] ?? name, text }] as const
  })
  return new Map(await Promise.all(pages))
}
