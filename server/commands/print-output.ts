import { cell } from '../../shared/escape.ts'
import type { CommandOutput } from './command.ts'

/** Prints the lines of a command to standard output, and its warnings to standard error, with what others wrote in them escaped. */
export function printOutput({ lines, warnings }: CommandOutput): void {
  process.stdout.write(lines.map((line) => `${printable(line)}\n`).join(''))
  process.stderr.write(warnings.map((line) => `warning: ${printable(line)}\n`).join(''))
}

const printable = (line: string): string => line.split('\t').map(cell).join('\t')
