import { expect, it } from 'vitest'
import { commands } from '../../../cli/commands/all.ts'
import { stops, waysOut } from '../../../cli/commands/help/which.ts'
import { isBulkKind, isUndoable } from '../../../shared/changes/kinds.ts'

/** The name of each command with its flags, and what takes it back. */
const ways = [...stops, ...waysOut].flatMap(({ command, back }) => {
  const [program, name = '', ...words] = command.split(' ')
  return program === 'jobsctl' ? [{ name, flags: words.filter((word) => word.startsWith('--')), back }] : []
})

it('every way is a command that there is, with flags that it has', () => {
  const known = commands.flatMap(({ name, flags }) => flags.map((flag) => `${name} ${flag.flags.split(' ')[0]}`))
  const names = commands.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(ways.map(({ name }) => name)))
  expect(known).toEqual(
    expect.arrayContaining(ways.flatMap(({ name, flags }) => flags.map((flag) => `${name} ${flag}`))),
  )
})

it('undo takes back a way exactly where an undo can', () => {
  const changes = ways.flatMap(({ name, back }) =>
    isBulkKind(name) ? [{ name, undone: back.startsWith('undo'), can: isUndoable(name) }] : [],
  )
  expect(changes.length).toBeGreaterThan(8)
  expect(changes.filter(({ undone, can }) => undone !== can)).toEqual([])
})
