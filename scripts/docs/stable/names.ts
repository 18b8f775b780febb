import { readdir, readFile } from 'node:fs/promises'
import { allMigrations } from '../../../server/database/migrate/migrations.ts'
import { environmentVariables } from '../../../server/env/env-help.ts'
import { failures } from '../../../shared/errors.ts'
import { exits } from '../../../shared/exits.ts'
import { fieldsOf, OpenApi } from './fields.ts'
import { isRestated } from './rules.ts'

/** The list of what clients and scripts may rely on. It only grows: `npm run docs` adds lines, and takes none away. */
export const stableNamesPath = 'test/unit/contract/stable-names.txt'

/**
 * What clients and scripts may rely on, a line each: calls with their fields and types, error codes, exit codes, columns of TSV, tables
 * and variables, as they are now.
 */
export async function stableNamesNow(openApi: string): Promise<string[]> {
  const migrations = await allMigrations()
  const columns = migrations.flatMap(({ makes }) => makes.filter(({ kind }) => kind === 'column'))
  return [
    ...fieldsOf(OpenApi.parse(JSON.parse(openApi))),
    ...Object.entries(failures).map(([code, { status, exit }]) => `error ${code} ${status} exit ${exits[exit].code}`),
    ...Object.entries(exits).map(([name, { code }]) => `exit ${code} ${name}`),
    ...columns.map(({ of, name, type }) => `table ${of}.${name} ${type}`),
    ...environmentVariables().map(({ name }) => `env ${name}`),
    ...(await tsvColumns()).map((titles) => `tsv ${titles}`),
  ].toSorted()
}

/**
 * The committed lines, with those that are new. A row of TSV that has got more columns at its end takes the place of the shorter one, and a
 * more exact type of an answer that of the other one.
 */
export async function stableNames(openApi: string): Promise<string> {
  const committed = await readStableNames()
  const there = new Set([...committed, ...(await stableNamesNow(openApi))])
  const all = [...there]
  const isLonger = (line: string) => all.some((other) => line.startsWith('tsv ') && other.startsWith(`${line} `))
  return `${all
    .filter((line) => !isLonger(line) && !isRestated(line, there))
    .toSorted()
    .join('\n')}\n`
}

export const readStableNames = async (): Promise<string[]> =>
  (await readFile(stableNamesPath, 'utf8').catch(() => '')).split('\n').filter(Boolean)

/** The columns of each list that commands print as TSV, found in the code: titles, and names in place of columns that are made. */
async function tsvColumns(): Promise<string[]> {
  const files = (await readdir('cli', { recursive: true })).filter((name) => name.endsWith('.ts')).sort()
  const texts = await Promise.all(files.map((name) => readFile(`cli/${name}`, 'utf8')))
  const lists = texts.flatMap((text) => [
    ...text.matchAll(/^(?:export )?const (\w+): Column<[^\n]*>\[\] = \[\n(.*?)^\]/gms),
  ])
  return lists
    .filter(([, name = '']) => !/people/i.test(name))
    .map(([, , body = '']) =>
      [...body.matchAll(/^ {2}(?:(\.{0,3}\w+)|\{(?:\s*title: '([^']+)')?)/gm)]
        .map(([, made = '', title = made]) => title)
        .join(' '),
    )
}
