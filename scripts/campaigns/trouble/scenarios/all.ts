import type { Scenario } from '../scenario.ts'
import { clocks } from './clocks.ts'
import { connections } from './connections.ts'
import { locks } from './locks.ts'
import { names } from './names.ts'
import { proxies } from './proxies.ts'
import { waits, waitsBesideTold } from './waits.ts'

/** All kinds of bad surroundings. */
export const scenarios: readonly Scenario[] = [...connections, ...locks, ...clocks, ...names, ...proxies, ...waits]

/** What runs only where `--only` names it: it tells a figure, and promises none. */
export const byName: readonly Scenario[] = waitsBesideTold
