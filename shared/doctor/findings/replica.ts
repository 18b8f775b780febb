import type { z } from 'zod'
import { escaped } from '../../text/escape.ts'
import type { storage } from '../storage.ts'
import type { Finding } from './finding.ts'

type Stored = z.output<typeof storage.output>

/** Whether reads are made at a replica. */
export function findingOfReplica({ replica }: Stored): Finding {
  if (!replica) return { detail: 'all reads are made at the primary: the server has no replica', hint: undefined }
  const { reads, why, lag_seconds: lag } = replica
  if (reads)
    return { detail: `reads are made at the replica, which lags by ${(lag ?? 0).toFixed(1)} s`, hint: undefined }
  return {
    detail: `the replica of JOBS_DB_READ_URL answers no reads, and the primary answers them: ${escaped(why ?? 'the server gives no reason')}`,
    hint: 'docs/deploy/replicas.md says what a replica must be',
  }
}
