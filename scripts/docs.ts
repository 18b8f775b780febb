import { readFile, writeFile } from 'node:fs/promises'
import { commands } from '../cli/commands/all.ts'
import { globalFlags, guardFlags, secretVariables } from '../cli/settings/global-flags.ts'
import { environmentVariables } from '../server/env-help.ts'
import { exits } from '../shared/exits.ts'

/** Writes the README's tables from the code; with `--check`, fails when they are not up to date. */
const file = new URL('../README.md', import.meta.url)

const escaped = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
const table = (head: string[], rows: string[][]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(escaped).join(' | ')} |`).join('\n')
const code = (text: string) => (text ? `\`${text}\`` : '')

const tables: Record<string, string> = {
  commands: table(
    ['command', 'what it does'],
    commands.map(({ name, summary }) => [`\`${name}\``, summary]),
  ),
  'server-environment': table(
    ['variable', 'default', 'meaning'],
    environmentVariables().map(({ name, preset, meaning }) => [code(name), code(preset), meaning]),
  ),
  'cli-environment': table(
    ['variable', 'meaning'],
    [
      ...[...globalFlags, ...guardFlags].flatMap(({ flags, variables, about }) =>
        variables
          ? [[code(variables), `as \`${flags.split(/[ ,]+/).find((word) => word.startsWith('--'))}\`: ${about}`]]
          : [],
      ),
      ...secretVariables.map(({ name, about }) => [code(name), about]),
    ],
  ),
  'exit-codes': table(
    ['code', 'name', 'when'],
    Object.values(exits).map(({ code, name, when }) => [String(code), name, when]),
  ),
}

const before = await readFile(file, 'utf8')
const after = Object.entries(tables).reduce((text, [name, table]) => {
  const place = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`)
  if (!place.test(text)) throw new Error(`README.md has no place for the table ${name}`)
  return text.replace(place, (_, open, close) => `${open}${table}\n${close}`)
}, before)

if (!process.argv.includes('--check')) await writeFile(file, after)
else if (after !== before) {
  console.error('README.md is not up to date: npm run docs')
  process.exitCode = 1
}
