import type { oftenUsed } from '../command-line/often-used.ts'
import type { CommandSpec } from '../context.ts'
import { explain } from './explain.ts'
import { history } from './history.ts'
import { list } from './list.ts'
import { queues } from './queues.ts'
import { show } from './show.ts'
import { stale } from './stale.ts'
import { stats } from './stats.ts'
import { workers } from './workers.ts'

const byName: Record<(typeof oftenUsed)[number], CommandSpec> = {
  stats,
  list,
  show,
  explain,
  workers,
  queues,
  stale,
  history,
}

/** The commands that are often used, for a program that is smaller than the one with every command. */
export const oftenUsedCommands: readonly CommandSpec[] = Object.values(byName)
