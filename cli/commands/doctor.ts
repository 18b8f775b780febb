import { exits } from '../../shared/exits.ts'
import type { CommandSpec } from '../command.ts'
import type { Context } from '../context.ts'
import { localChecks } from '../doctor/local-checks.ts'
import { failed, type Outcome } from '../doctor/outcome.ts'
import { serverChecks } from '../doctor/server-checks.ts'
import { serverReports } from '../doctor/server-reports.ts'
import type { Ending } from '../output/print.ts'
import type { Column } from '../output/table.ts'

export const doctor: CommandSpec = {
  name: 'doctor',
  group: 'SETUP',
  summary: 'check config, key, server and database',
  about: 'Checks in turn what every command needs: config, target, key, server, clock, database, and the tables.',
  examples: ['jobsctl doctor', 'jobsctl doctor --profile prod --json'],
  flags: [],
  async run(context) {
    const found: Checked[] = []
    for (const { name, look } of [...localChecks, ...serverChecks, ...serverReports]) {
      const outcome = await look(context).catch(failed)
      found.push({ check: name, ...outcome })
      if (outcome.exit !== 'ok') break // each check needs the checks before it
    }
    return report(context, found)
  },
}

type Checked = Outcome & { check: string }

const columns: Column<Checked>[] = [
  { title: 'check', value: ({ check }) => check },
  {
    title: 'result',
    value: ({ result }) => result,
    paint: ({ result }) => (({ ok: 'green', warning: 'yellow', failed: 'red' }) as const)[result],
  },
  { title: 'detail', value: ({ detail }) => detail },
  { title: 'hint', value: ({ hint }) => hint },
]

function report({ print }: Context, found: Checked[]): Ending {
  const json = found.map(({ check, result, detail, hint }) => ({ check, result, detail, hint }))
  print.rows({ columns, rows: found, json, empty: '' })
  const worst = found.find(({ exit }) => exit !== 'ok')
  if (worst) print.aside(`\n${worst.check}: ${worst.detail} (exit ${exits[worst.exit].code})`)
  return worst?.exit ?? 'ok'
}
