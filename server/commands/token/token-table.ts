import Table from 'cli-table3'
import { borderless } from '../../../shared/text/borderless.ts'
import { cell } from '../../../shared/text/escape.ts'

/** The titles of the columns of a line, in their order; the table leaves out who made the token. */
const titles = ['ID', 'NAME', 'CREATED', 'LAST USED', 'EXPIRES', 'REVOKED', 'ROLE', 'FOR', '', 'SUSPENDED']
const shown = [0, 1, 6, 7, 2, 3, 4, 5, 9]

/**
 * Formats the list of tokens for a terminal.
 * @param lines one token a line, its fields separated by tabs; a field may be empty
 */
export function tokenTable(lines: readonly string[]): string {
  if (lines.length === 0) return 'there are no tokens; make one with: jobs-server token create <name>\n'
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 2 }
  const table = new Table({ head: shown.map((at) => titles[at] ?? ''), chars: borderless, style })
  table.push(...lines.map((line) => shown.map((at) => cell(line.split('\t')[at] || '-'))))
  const text = table.toString().split('\n')
  return text.map((line) => `${line.trimEnd()}\n`).join('')
}
