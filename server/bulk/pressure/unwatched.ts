import { type PressureKind, pressures } from '../../../shared/changes/waiting.ts'
import type { PressureLimits } from '../../call.ts'
import type { Sql } from '../../database/sql.ts'
import { readReplicas, readSlots } from './readings.ts'

/**
 * The limits that a change cannot keep, since the role of the server may not read what they are about, or the database does
 * not tell. A limit that is off does not count.
 */
export async function findUnwatched(
  sql: Sql,
  { lagSeconds, walBytes }: Pick<PressureLimits, 'lagSeconds' | 'walBytes'>,
): Promise<PressureKind[]> {
  const hidesReplicas = () => readReplicas(sql).then((replicas) => replicas.some(({ hidden }) => hidden), isUnreadable)
  const hidesSlots = () => readSlots(sql).then(() => false, isUnreadable)
  const hidden = {
    replica_lag: lagSeconds !== undefined && (await hidesReplicas()),
    kept_wal: walBytes !== undefined && (await hidesSlots()),
    archive_size: false,
  }
  return pressures.filter((kind) => hidden[kind])
}

const isUnreadable = () => true
