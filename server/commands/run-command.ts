import { readAgentsOn, setAgents } from '../auth/agents/switch.ts'
import { recordAct } from '../bulk/record/act.ts'
import { rotatePreviewKey } from '../bulk/token/rotate-key.ts'
import { setDirect } from '../database/installation/direct.ts'
import { freezeClause, thaw, waitForChanges, writeFreeze } from '../database/installation/freeze.ts'
import type { DatabaseAddress } from '../database/installation/installation.ts'
import type { Pool } from '../database/sql.ts'
import { insertDemo } from '../demo/insert-demo.ts'
import { adopt } from './adopt.ts'
import { runCallerCommand } from './caller-actions.ts'
import type { Command, CommandOutput } from './command.ts'
import { atShell } from './operator.ts'
import { runTokenCommand } from './token/token-actions.ts'

/** What a command works on. */
export interface CommandContext {
  sql: Pool
  databaseAddress: DatabaseAddress
}

/**
 * Runs a command on a database that has its tables.
 * @throws Failure `not_found` for the id of no token; `conflict` and `partial` of `freeze` and `demo`; what `adopt` throws
 */
export async function runCommand({ sql, databaseAddress }: CommandContext, command: Command): Promise<CommandOutput> {
  switch (command.command) {
    case 'freeze':
      await frozen(sql, command)
      return told('frozen: changes are refused on all servers, and workers go on; to end it: jobs-server thaw')
    case 'thaw':
      return told(await thawed(sql, command.by))
    case 'direct':
      return told(await directed(sql, command))
    case 'agents':
      return told(await switched(sql, command))
    case 'adopt':
      return told(...(await adopt(sql, databaseAddress, command)))
    case 'demo':
      await insertDemo(sql)
      return told()
    case 'rotate-preview-key':
      return told(await rotated(sql, command))
    case 'callers':
    case 'block-caller':
      return runCallerCommand(sql, command)
    default:
      return runTokenCommand(sql, command)
  }
}

const told = (...lines: string[]): CommandOutput => ({ lines, warnings: [] })

async function rotated(
  sql: Pool,
  { by, at_once }: Extract<Command, { command: 'rotate-preview-key' }>,
): Promise<string> {
  const expired = await sql.begin(async (tx) => {
    const plans = await rotatePreviewKey(tx, { atOnce: at_once })
    await recordAct(tx, atShell(by), { kind: 'preview_key.rotated', details: { at_once } })
    return plans
  })
  const before = at_once ? 'are void' : 'are taken for eight days, unless the key is rotated again'
  const plans = expired === 1 ? '1 plan has' : `${expired} plans have`
  const again = expired === 0 ? '' : `; ${plans} expired with the key that signed them: plan them again`
  return `another key signs previews from now on; previews that the key before it has signed ${before}${again}`
}

async function directed(sql: Pool, { by, on }: Extract<Command, { command: 'direct' }>): Promise<string> {
  const isSet = await sql.begin(async (tx) => {
    const isSet = await setDirect(tx, on)
    if (isSet) await recordAct(tx, atShell(by), { kind: 'database.direct_set', details: { on } })
    return isSet
  })
  const what = on ? 'may change jobs beside servers' : 'changes no jobs where servers were seen in the last day'
  return `jobsctl --db ${what}${isSet ? '' : ', as before'}`
}

async function switched(sql: Pool, { by, on }: Extract<Command, { command: 'agents' }>): Promise<string> {
  if (on === undefined) return (await readAgentsOn(sql)) ? 'agents are on' : 'agents are off'
  const ended = await sql.begin(async (tx) => {
    const ended = await setAgents(tx, on)
    if (ended !== undefined)
      await recordAct(tx, atShell(by), {
        kind: on ? 'agents.on' : 'agents.off',
        details: on ? {} : { sessions: ended },
      })
    return ended
  })
  const as = ended === undefined ? ', as before' : ''
  if (on) return `agents are on: they may look and propose, and a person decides${as}`
  const sessions = ended === 1 ? '1 session has' : `${ended} sessions have`
  return `agents are off${as}${ended ? `: ${sessions} ended` : ''}`
}

async function frozen(sql: Pool, { by, reason }: Extract<Command, { command: 'freeze' }>): Promise<void> {
  await sql.begin(async (tx) => {
    await writeFreeze(tx, { by, reason })
    await recordAct(tx, atShell(by, reason), { kind: 'database.frozen', details: {} })
  })
  await waitForChanges(sql)
}

async function thawed(sql: Pool, by: string): Promise<string> {
  const ended = await sql.begin(async (tx) => {
    const freeze = await thaw(tx, by)
    if (freeze) await recordAct(tx, atShell(by), { kind: 'database.thawed', details: { freeze } })
    return freeze
  })
  return ended ? `thawed: ${freezeClause(ended)}; changes go on` : 'the database was not frozen'
}
