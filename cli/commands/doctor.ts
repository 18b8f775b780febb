import { Failure } from '../../shared/errors.ts'
import { exits } from '../../shared/exits.ts'
import { escaped } from '../../shared/text/escape.ts'
import type { CommandSpec, Context } from '../context.ts'
import type { Ending } from '../output/print.ts'
import type { Column } from '../output/table.ts'
import { printFailure } from '../output/tell-failure.ts'
import { withTarget } from '../settings/flags/target-words.ts'
import { wrapped } from '../text/wrap.ts'
import type { Outcome } from './doctor/outcome.ts'

export const doctor: CommandSpec = {
  name: 'doctor',
  group: 'SETUP',
  summary: 'check config, key, server and database',
  about:
    'Checks in turn what every command needs: config, target, key, server, clock, database, engine, and the tables.',
  examples: ['jobsctl doctor', 'jobsctl doctor --profile prod --json'],
  fleet: true,
  flags: [],
  rows: () => columns,
  async run(context) {
    if (context.settings.curl) {
      throw new Failure('usage', '--curl: doctor sends several calls and cannot print them; nothing was sent', {
        hint: 'jobsctl stats --curl prints a call',
      })
    }
    const { localChecks } = await import('./doctor/local-checks.ts')
    const { failed, isRefusedByDatabase } = await import('./doctor/outcome.ts')
    const { serverChecks } = await import('./doctor/server-checks.ts')
    const { serverReports } = await import('./doctor/server-reports.ts')
    // Each other check needs the checks before it.
    const independent = ['access', 'caller', 'engine', 'bounds', ...serverReports.map(({ name }) => name)]
    const found: Checked[] = []
    for (const { name, look } of [...localChecks, ...serverChecks, ...serverReports]) {
      const outcome = await look(context).catch(failed)
      found.push({ check: name, ...outcome, hint: withTarget(outcome.hint, context.flags) })
      if (outcome.isLast) break
      // One table may not be read, and others may.
      const goesOn = independent.includes(name) && outcome.failure && isRefusedByDatabase(outcome.failure)
      if (outcome.exit !== 'ok' && !goesOn) break
    }
    return report(context, found)
  },
}

type Checked = Outcome & { check: string }

const colours = { ok: 'green', skipped: 'dim', warning: 'yellow', failed: 'red' } as const

const columns: Column<Checked>[] = [
  { title: 'check', value: ({ check }) => check },
  { title: 'result', value: ({ result }) => result, paint: ({ result }) => colours[result] },
  { title: 'detail', value: ({ detail }) => detail },
  { title: 'hint', value: ({ hint }) => hint },
]

function report({ print, io, flags }: Context, found: Checked[]): Ending {
  const json = found.map(({ check, result, detail, hint }) => ({ check, result, detail, hint }))
  if (print.asScreen) print.result(found.map((checked) => checkText(checked, print)).join(''))
  else print.rows({ columns, rows: found, json, empty: '' })
  const worst = found.find(({ exit }) => exit !== 'ok')
  const warnings = found.filter(({ result }) => result === 'warning')
  if (print.asScreen && warnings.length > 0) print.result(`\n${summary(warnings, print)}`)
  if (worst?.failure && print.structured) printFailure(worst.failure, io, flags, [])
  else if (worst) print.aside(`\n${worst.check}: ${worst.detail} (exit ${exits[worst.exit].code})`)
  return worst?.exit ?? 'ok'
}

/** The warnings again, since they may have scrolled out of sight: their number, and a line or more for each. */
const summary = (warnings: readonly Checked[], print: Context['print']): string =>
  [
    `${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}\n`,
    ...warnings.map((checked) => checkText({ ...checked, lines: undefined }, print)),
  ].join('')

/** One line a check, or a line for each part of it, with the hint below; long text wraps. */
function checkText({ check, result, detail, lines, hint }: Checked, { style, width }: Context['print']): string {
  const label = `${check.padEnd(9)} ${style[colours[result]](result.padEnd(8))} `
  const indent = 19
  const text = [...(lines ?? [detail]), ...(hint === '' ? [] : [`hint: ${hint}`])].flatMap((part) =>
    wrapped(part, width - indent),
  )
  return text.map((line, at) => `${at === 0 ? label : ' '.repeat(indent)}${escaped(line)}\n`).join('')
}
