import type { CommandSpec } from '../command.ts'
import { approve, reject } from './admin/decide.ts'
import { hold } from './admin/hold.ts'
import { operations } from './admin/operations.ts'
import { plans } from './admin/plans.ts'
import { policy } from './admin/policy.ts'
import { token } from './admin/token.ts'
import { apply } from './change/apply.ts'
import { cancel } from './change/cancel.ts'
import { erase } from './change/erase.ts'
import { integrity } from './change/integrity.ts'
import { priority } from './change/priority.ts'
import { prune } from './change/prune.ts'
import { reclaim } from './change/reclaim.ts'
import { requeue } from './change/requeue.ts'
import { reschedule } from './change/reschedule.ts'
import { retry } from './change/retry.ts'
import { sweep } from './change/sweep.ts'
import { undo } from './change/undo.ts'
import { enqueue } from './queue/enqueue.ts'
import { mark } from './queue/mark.ts'
import { drain, pause, resume } from './queue/queue-control.ts'
import { threshold } from './queue/threshold.ts'
import { clusters } from './read/clusters.ts'
import { events } from './read/events.ts'
import { explain } from './read/explain.ts'
import { history } from './read/history.ts'
import { list } from './read/list.ts'
import { queues } from './read/queues.ts'
import { show } from './read/show.ts'
import { stale } from './read/stale.ts'
import { stats } from './read/stats.ts'
import { top } from './read/top.ts'
import { workers } from './read/workers.ts'
import { completion } from './setup/completion.ts'
import { config } from './setup/config.ts'
import { doctor } from './setup/doctor.ts'
import { help } from './setup/help.ts'
import { login } from './setup/login.ts'
import { man } from './setup/man.ts'

/** Every command, in the order of the help. */
export const commands: readonly CommandSpec[] = [
  stats,
  top,
  list,
  show,
  explain,
  workers,
  queues,
  stale,
  clusters,
  history,
  events,
  prune,
  sweep,
  requeue,
  integrity,
  cancel,
  retry,
  reclaim,
  reschedule,
  priority,
  undo,
  erase,
  apply,
  pause,
  resume,
  drain,
  threshold,
  enqueue,
  mark,
  operations,
  policy,
  plans,
  approve,
  reject,
  hold,
  token,
  doctor,
  login,
  config,
  completion,
  man,
  help,
]
