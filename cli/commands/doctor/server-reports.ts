import { type Reports, reportChecks } from '../../../shared/doctor/checks.ts'
import { checkCounts } from '../../../shared/doctor/counts.ts'
import type { Finding } from '../../../shared/doctor/findings/finding.ts'
import { idleIndexes } from '../../../shared/doctor/idle-indexes.ts'
import { missingIndexes } from '../../../shared/doctor/missing-indexes.ts'
import { storage } from '../../../shared/doctor/storage.ts'
import { showPolicy } from '../../../shared/policy/policy.ts'
import { listEventCursors } from '../../../shared/records/event-cursors.ts'
import { type Check, judgedAnswer } from './outcome.ts'

type Looks = { [Of in keyof Reports]: (judge: (report: Reports[Of]) => Finding) => Check['look'] }

/** How each report is asked for. */
const looks: Looks = {
  database: (judge) => judgedAnswer(storage, judge),
  counts: (judge) => judgedAnswer(checkCounts, judge),
  idle_indexes: (judge) => judgedAnswer(idleIndexes, judge),
  missing_indexes: (judge) => judgedAnswer(missingIndexes, judge),
  event_cursors: (judge) => judgedAnswer(listEventCursors, judge),
  policy: (judge) => judgedAnswer(showPolicy, judge),
}

/** Reports that only jobs-server gives about its database: its state, counts, indexes, sizes. */
export const serverReports: readonly Check[] = reportChecks(({ name, of, judge }) => ({
  name,
  look: looks[of]((report) => judge(report, Date.now())),
}))
