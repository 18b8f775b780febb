import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'
import { type SelectionFlags, selectionFlags } from '../settings/flags/selection-flags.ts'

interface HoldFlags extends SelectionFlags {
  operation?: string
  until?: string
}

export const hold: CommandSpec<HoldFlags> = {
  name: 'hold',
  group: 'ADMIN',
  summary: 'keep jobs from prune, sweep and erase until a time',
  about:
    "add keeps the jobs of a filter, also those that come later, or of ids or an operation, from prune, sweep, erase and the end of the archive's term. list shows the holds that have not ended, those of undos included, and remove ends one.",
  examples: [
    'jobsctl hold add --owner alice --until 26w --reason "case 2026/7"',
    'jobsctl hold add --operation 17 --until 2027-01-31',
    'jobsctl hold list',
    'jobsctl hold remove 3 --reason "case 2026/7 is closed"',
  ],
  operands: '<add|list|remove> [ids...]',
  flags: [
    ...selectionFlags.filter(({ flags }) => flags !== '--must-exist'),
    { flags: '--operation <id>', about: 'what the archive has of this operation, and its jobs', group: 'WHICH JOBS' },
    {
      flags: '--until <time>',
      about: 'with add: until this time or day, or for 30d from now',
      group: 'HOW',
      time: 'future',
    },
  ],
  rows: async ([word]) => (word === 'list' ? (await import('./hold/list-and-remove.ts')).columns : undefined),
  async run(context, flags, [word, ...ids]) {
    if (word === 'add') return (await import('./hold/add.ts')).addHold(context, flags, ids)
    if (Object.keys(flags).length > 0)
      throw new Failure('usage', `hold ${word ?? ''}: flags that select jobs need hold add; nothing was changed`)
    const { listHolds, removeHold } = await import('./hold/list-and-remove.ts')
    const [id, ...more] = ids
    if (word === 'list' && id === undefined) return listHolds(context)
    if (word === 'remove' && id !== undefined && more.length === 0) return removeHold(context, id)
    throw new Failure('usage', word === 'remove' ? 'hold remove needs the id of one hold' : wrongWord(word, id), {
      hint: word === 'remove' ? 'jobsctl hold list' : 'jobsctl hold --help',
    })
  },
}

const wrongWord = (word: string | undefined, id: string | undefined): string =>
  word === 'list' ? `hold list takes no ${id}` : `${word} is neither add, list nor remove`
