import type { CommandOutput } from './command.ts'

/** Prints the lines of a command to standard output, and its warnings to standard error. */
export function printOutput({ lines, warnings }: CommandOutput): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  process.stderr.write(warnings.map((line) => `warning: ${line}\n`).join(''))
}
