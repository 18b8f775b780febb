import { Failure } from '../../shared/errors.ts'
import { flagWords } from '../../shared/text/shell.ts'
import type { CommandSpec, Context } from '../context.ts'
import type { Ending } from '../output/print.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import { type PartFlags, partFlags, partOf } from '../settings/flags/part-flags.ts'
import { scopeOf, scopeWords } from '../settings/flags/scope-flags.ts'

interface UndoFlags extends PartFlags {
  hold?: string
  refusedTo?: string
  caller?: string
  since?: string
}

export const undo: CommandSpec<UndoFlags> = {
  name: 'undo',
  group: 'CHANGE',
  summary: 'give back what a change took',
  about:
    'Undoes a change of many jobs, other than a repair or a reclaim: deleted jobs exist again, and changed jobs have their old state again. Jobs that changed since the operation are left as they are, and are reported. With a scope or ids, gives back this part of the operation. With --caller and --since, undoes all that a caller did since then, the newest first: one preview, one confirmation, and a record for each. What is given back is held from prune, sweep and erase for a while, or a cron job would take it again.',
  examples: [
    'jobsctl undo 17 --dry-run',
    'jobsctl undo 17 --domain chatbooks --queue low --yes',
    'jobsctl undo --caller 3f9c0d2b1a77 --since 2h --dry-run',
  ],
  operands: '[operation]',
  flags: [
    ...partFlags,
    ...flagsIn('HOW', {
      '--hold <time>': { about: 'hold it until this time, or for 30d (default: JOBS_ARCHIVE_DAYS)', time: 'future' },
      '--refused-to <file>': 'write what cannot come back to a new file of NDJSON',
      '--caller <id>': 'all that this caller did, as jobsctl operations names it',
      '--since <time>': { about: 'with --caller: since this time, since 2h ago, or since mark:<text>', time: 'past' },
    }),
  ],
  changes: true,
  async run(context, given, [id]) {
    if (given.caller !== undefined || given.since !== undefined || id === undefined)
      return undoOfCaller(context, given, id)
    const { refusedTo, hold, ...flags } = given
    const { undoChange, undoRequest } = await import('../changes/undo/undo.ts')
    const { guardChange } = await import('../guard/guard.ts')
    if (!/^[1-9]\d{0,15}$/.test(id)) {
      throw new Failure('usage', '<operation>: must be a whole number, such as 17', {
        hint: lists,
      })
    }
    const { fields, words } = await partOf(context, flags)
    const request = undoRequest({ id, ...fields, hold_until: hold })
    const further = [...holdWords(hold), ...(refusedTo === undefined ? [] : flagWords('--refused-to', refusedTo))]
    const change = undoChange(context, request, ['undo', id, ...words, ...further])
    if (refusedTo === undefined) return guardChange(context, change)
    const { withRefusedFile } = await import('./undo/refused-file.ts')
    const run = (watched: typeof change) => guardChange(context, watched)
    return withRefusedFile(context, { path: refusedTo, request, change, run })
  },
}

/** @throws Failure `usage`; others as `operationsOfCaller` and the guard do */
async function undoOfCaller(
  context: Context,
  { caller, since, refusedTo, idsFile, hold, ...flags }: UndoFlags,
  id: string | undefined,
): Promise<Ending> {
  const { settings } = context
  if (caller === undefined && since === undefined)
    throw new Failure('usage', 'which operation? give its number, or --caller and --since', { hint: lists })
  if (caller === undefined || since === undefined || caller.trim() === '')
    throw new Failure('usage', '--caller and --since need each other; nothing was changed', {
      hint: 'jobsctl undo --caller 3f9c0d2b1a77 --since 2h --dry-run',
    })
  const others = {
    'the number of an operation': id,
    '--refused-to': refusedTo,
    '--ids-file': idsFile,
    '--plan-out': settings.planOut,
  }
  const given = Object.entries({
    ...others,
    '--detach': settings.detach || undefined,
    '--curl': settings.curl || undefined,
  })
  const [other] = given.find(([, value]) => value !== undefined) ?? []
  if (other !== undefined) throw new Failure('usage', `--caller and ${other} exclude each other; nothing was changed`)
  const { operationsOfCaller } = await import('../changes/undo/operations-of-caller.ts')
  const { undoCallerChange } = await import('../changes/undo/undo-caller.ts')
  const { guardChange } = await import('../guard/guard.ts')
  const scope = scopeOf(flags)
  const found = await operationsOfCaller(await context.client(), { caller, since, scope })
  const words = [
    'undo',
    ...flagWords('--caller', caller),
    ...flagWords('--since', since),
    ...scopeWords(scope),
    ...holdWords(hold),
  ]
  return guardChange(context, undoCallerChange(context, { ...found, hold_until: hold }, words))
}

const holdWords = (hold: string | undefined): string[] => (hold === undefined ? [] : flagWords('--hold', hold))

const lists = 'jobsctl operations lists the numbers'
