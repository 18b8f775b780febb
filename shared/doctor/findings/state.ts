import type { z } from 'zod'
import { escaped } from '../../text/escape.ts'
import type { storage } from '../storage.ts'
import { type Finding, notReported } from './finding.ts'
import { mayNotRead } from './rights.ts'

type State = Pick<
  z.output<typeof storage.output>,
  'frozen' | 'cloned' | 'copied' | 'installation_known' | 'background' | 'rights' | 'restores_not_noticed'
>

/** Whether somebody has frozen the database or copied it, and whether the server does what is done now and then. */
export function findingOfState(state: State): Finding {
  const {
    frozen,
    cloned = [],
    copied = cloned.length > 0,
    installation_known,
    background,
    rights,
    restores_not_noticed = [],
  } = state
  if (frozen)
    return {
      detail: `frozen: ${escaped(frozen.by)} froze the database at ${escaped(frozen.since)} (${JSON.stringify(escaped(frozen.reason))}): changes are refused, and nothing is done in the background`,
      hint: 'when changes may go on, run where the server runs: jobs-server thaw',
    }
  if (copied)
    return {
      detail: `cloned: the database was copied, moved or restored${cloned.length > 0 ? ` (${cloned.map(escaped).join(', ')})` : ''}: nothing is done in the background`,
      hint: 'say what it is, where the server runs: jobs-server adopt-database --same, or --clone',
    }
  if (installation_known === false)
    return {
      detail:
        'the database is not frozen, and does not remember yet which installation it is, so a copy is not told from it',
      hint: 'the server tries again every few seconds, and its log says why: the role needs insert on jobsctl_settings, and a free connection',
    }
  if (frozen === undefined && mayNotRead({ rights }, ['jobsctl_settings']))
    return {
      detail: 'not checked: the role of the server may not read whether the database is frozen',
      hint: 'see the line rights',
    }
  if (frozen === undefined) return notReported
  const where = background === false ? '; this server does nothing in the background (JOBS_BACKGROUND)' : ''
  if (restores_not_noticed.length > 0)
    return {
      detail: `the database is not frozen${where}; not noticed: ${restores_not_noticed.map(escaped).join(', ')}`,
      hint: 'earlier previews and plans would be taken again: give the role of the server execute on these functions, as in docs/deploy/roles.md',
    }
  return { detail: `the database is not frozen${where}`, hint: undefined }
}
