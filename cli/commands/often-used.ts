import type { CommandSpec } from '../command.ts'
import type { oftenUsed } from '../command-line/often-used.ts'
import { explain } from './read/explain.ts'
import { history } from './read/history.ts'
import { list } from './read/list.ts'
import { queues } from './read/queues.ts'
import { show } from './read/show.ts'
import { stale } from './read/stale.ts'
import { stats } from './read/stats.ts'
import { workers } from './read/workers.ts'

const byName: Record<(typeof oftenUsed)[number], CommandSpec> = {
  ...{ stats, list, show, explain },
  ...{ workers, queues, stale, history },
}

/** The commands that are often used, for a program that is smaller than the one with every command. */
export const oftenUsedCommands: readonly CommandSpec[] = Object.values(byName)
