import type { Sql } from 'postgres'
import type { Server } from '../../launch/restartable.ts'
import type { Outcome } from '../trust/calls.ts'
import type { Verdict } from '../verdict.ts'
import type { Loss } from './checks/loss.ts'
import type { Outage } from './checks/writes.ts'
import type { Cluster } from './cluster/cluster.ts'
import type { Programs } from './cluster/packages.ts'
import type { Mode } from './cluster/patroni.ts'
import type { Fault } from './faults.ts'
import type { Ended, Load } from './load.ts'
import type { OldPrimary } from './old-primary.ts'

/** What a round goes by. */
export interface Stage {
  cluster: Cluster
  programs: Programs
  mode: Mode
  fault: Fault
  /** How many jobs the prune deletes. */
  rows: number
  seed: number
  /** A folder for the servers' logs and the journals of this round. */
  folder: string
  /** The name of a database for this round. */
  database: string
  /** A line of what happens. */
  tell: (what: string) => void
}

/** All that is known when a round is over. */
export interface Witnessed {
  sql: Sql
  stage: Stage
  servers: readonly [Server, Server]
  load: Load
  ended: Ended
  /** The id of the last event that the readers must have. */
  lastEvent: number
  /** How many jobs there were before the prune. */
  before: number
  /** How the calls of the prune ended. */
  outcomes: readonly Outcome<unknown>[]
  /** When the new primary was first seen to take writes, in milliseconds since 1970. */
  promoted: number
  /** What the lost primary had; absent where nothing may be lost. */
  old: OldPrimary | undefined
}

export interface RoundResult {
  loss: Loss
  outage: Outage
  verdicts: Verdict[]
}
