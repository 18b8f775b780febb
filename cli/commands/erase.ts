import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import { guardFlagsBut } from '../settings/flags/global-flags.ts'
import { type ScopeFlags, scopeFlags, scopeOf, scopeWords } from '../settings/flags/scope-flags.ts'
import { idsFileFlag, idsIn } from '../settings/flags/selection-flags.ts'
import { jobIdsOf } from '../settings/job-id.ts'

interface EraseFlags extends Omit<ScopeFlags, 'all'> {
  owner?: string
  payload?: string[]
  idsFile?: string
  withForeignRows?: boolean
  copiesOnly?: boolean
}

export const erase: CommandSpec<EraseFlags> = {
  name: 'erase',
  group: 'CHANGE',
  summary: "erase a person's jobs for good",
  about:
    'Erases jobs by owner, by a value of their payload, or by id, for good: the jobs, their archived copies, row images, attachments and dependencies. Owner and attributes of their events are overwritten. Running jobs are passed over. The record keeps a hash of the filter in place of the value. No undo gives anything back. With --copies-only the jobs stay: for your own script that deletes them, so that no undo brings one back.',
  examples: [
    'jobsctl erase --owner alice --dry-run',
    'jobsctl erase --owner alice --reason "ticket 4711"',
    'jobsctl erase --payload customer.email=alice@example.com --max 100 --yes',
    'jobsctl erase 8123 8124 --copies-only --yes',
  ],
  operands: '[ids...]',
  flags: [
    ...scopeFlags,
    ...flagsIn('WHICH JOBS', {
      '--owner <id>': 'jobs and events of this owner',
      '--payload <path=value...>': { about: 'jobs with this value in their payload, such as a.b=c', many: 'repeated' },
    }),
    idsFileFlag,
    { flags: '--copies-only', about: 'erase archived copies and the like, and leave jobs', group: 'HOW' },
    { flags: '--with-foreign-rows', about: 'also delete rows of other tables that go along', group: 'HOW' },
  ],
  changes: true,
  // No plan: it would keep the name that is erased.
  guardFlags: guardFlagsBut('--plan-out', '--propose'),
  async run(context, { owner, payload, idsFile, withForeignRows, copiesOnly, ...flags }, operands) {
    const { eraseChange, eraseRequest } = await import('../changes/erase.ts')
    const { guardChange } = await import('../guard/guard.ts')
    if (context.settings.planOut !== undefined)
      throw new Failure('usage', '--plan-out: a plan would keep what the erasure erases; nothing was changed')
    if (operands.length > 0 && idsFile !== undefined)
      throw new Failure('usage', 'ids and --ids-file exclude each other; nothing was changed')
    if (owner === undefined && payload === undefined && idsFile === undefined && operands.length === 0) {
      throw new Failure('usage', 'whose data? give --owner, --payload or ids; nothing was changed', {
        hint: context.another(['erase', ...scopeWords(scopeOf(flags)), '--owner', 'alice', '--dry-run']),
      })
    }
    const scope = scopeOf(flags)
    const ids = idsFile !== undefined ? await idsIn(context, idsFile) : jobIdsOf(operands)
    const request = eraseRequest({
      ...scope,
      ...(owner !== undefined && { owner_user_id: owner }),
      ...(payload && { payload: payload.map(pathAndValue) }),
      ...(ids.length > 0 && { ids: [...new Set(ids)] }),
      with_foreign_rows: withForeignRows ?? false,
      copies_only: copiesOnly ?? false,
    })
    const words = [
      'erase',
      ...operands,
      ...scopeWords(scope),
      ...(owner === undefined ? [] : ['--owner', hidden]),
      ...(payload ?? []).flatMap((text) => ['--payload', `${pathAndValue(text).path}=${hidden}`]),
      ...(idsFile === undefined ? [] : ['--ids-file', idsFile]),
      ...(copiesOnly ? ['--copies-only'] : []),
      ...(withForeignRows ? ['--with-foreign-rows'] : []),
    ]
    return guardChange(context, eraseChange(context, request, words, { isNamed: operands.length > 0 }))
  },
}

/** Stands in hints for what is erased: output may be kept in logs and mails. */
const hidden = '…'

/** @throws Failure `usage` */
function pathAndValue(text: string): { path: string; value: string } {
  const at = text.indexOf('=')
  if (at > 0) return { path: text.slice(0, at), value: text.slice(at + 1) }
  throw new Failure('usage', '--payload: must be a path and a value, such as customer.email=alice@example.com')
}
