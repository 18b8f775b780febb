import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { code, table } from './markdown.ts'
import { tablePurposes } from './tables.ts'

/** The page that `docs` reads: how the code is built. */
export const architecturePath = 'ARCHITECTURE.md'

const changes = /(?:insert into|update|delete from|truncate)\s+(?:only\s+)?(?:\$\{\w+\}\.?)?(?<table>job\w*)\b/g

/** Each table with the folders whose statements, triggers or migrations write it, found in the texts of the server. */
export async function writersTable(): Promise<string> {
  const writers = new Map<string, Set<string>>()
  for (const path of await filesIn('server')) {
    for (const { groups: { table = '' } = {} } of (await readFile(path, 'utf8')).matchAll(changes)) {
      const folders = writers.get(table) ?? new Set()
      writers.set(table, folders.add(path.split('/').slice(0, -1).slice(0, 3).join('/')))
    }
  }
  return table(
    ['table', 'written by'],
    Object.entries(tablePurposes).map(([name, purpose]) => [
      code(name),
      [
        ...(purpose.includes('Shared with other programs') ? ['other programs'] : []),
        ...[...(writers.get(name) ?? [])].toSorted().map((folder) => code(`${folder}/`)),
      ].join(', ') || 'nobody',
    ]),
  )
}

/**
 * Compares the page with the folders and files that there are.
 * @returns a sentence for each folder, at most two deep, that the page does not name, and for each path on it that does not exist
 */
export async function architectureFaults(): Promise<string[]> {
  const text = await readFile(architecturePath, 'utf8')
  const files = (
    await Promise.all(['cli', 'deploy', 'scripts', 'sdk', 'server', 'shared', 'test', 'ui'].map(filesIn))
  ).flat()
  const folders = new Set(files.map((path) => dirname(path).split('/').slice(0, 2).join('/')))
  const unnamed = [...folders].filter((folder) => !text.includes(`${folder}/`))
  const paths = [...text.matchAll(/`(?<path>[\w-][\w./-]*\.(?:tsx?|sql))`/g)].map(({ groups }) => groups?.path ?? '')
  return [
    ...unnamed.map((folder) => `${architecturePath} does not name the folder ${folder}/`),
    ...paths.filter((path) => !existsSync(path)).map((path) => `${architecturePath} names ${path}, which is not there`),
  ]
}

const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .toSorted()
