import type { CommandSpec } from '../context.ts'
import { agents } from './agents.ts'
import { apply } from './apply.ts'
import { approve, reject } from './approve-reject.ts'
import { cancel } from './cancel.ts'
import { clusters } from './clusters.ts'
import { completion } from './completion.ts'
import { config } from './config.ts'
import { doctor } from './doctor.ts'
import { edit } from './edit.ts'
import { enqueue } from './enqueue.ts'
import { erase } from './erase.ts'
import { events } from './events.ts'
import { explain } from './explain.ts'
import { help } from './help.ts'
import { history } from './history.ts'
import { hold } from './hold.ts'
import { integrity } from './integrity.ts'
import { list } from './list.ts'
import { login } from './login.ts'
import { man } from './man.ts'
import { mark } from './mark.ts'
import { mcp } from './mcp.ts'
import { operations } from './operations.ts'
import { drain, pause, resume } from './pause-resume-drain.ts'
import { plans } from './plans.ts'
import { policy } from './policy.ts'
import { priority } from './priority.ts'
import { prune } from './prune.ts'
import { queues } from './queues.ts'
import { reclaim } from './reclaim.ts'
import { redrive } from './redrive.ts'
import { requeue } from './requeue.ts'
import { reschedule } from './reschedule.ts'
import { retry } from './retry.ts'
import { server } from './server.ts'
import { show } from './show.ts'
import { stale } from './stale.ts'
import { stats } from './stats.ts'
import { sweep } from './sweep.ts'
import { threshold } from './threshold.ts'
import { throttle } from './throttle.ts'
import { token } from './token.ts'
import { top } from './top.ts'
import { ui } from './ui.ts'
import { undo } from './undo.ts'
import { wait } from './wait.ts'
import { workers } from './workers.ts'

/** Every command, in the order of the help. */
export const commands: readonly CommandSpec[] = [
  stats,
  top,
  ui,
  list,
  show,
  explain,
  wait,
  workers,
  queues,
  stale,
  clusters,
  history,
  events,
  mcp,
  prune,
  sweep,
  requeue,
  integrity,
  cancel,
  retry,
  redrive,
  reclaim,
  reschedule,
  priority,
  edit,
  undo,
  erase,
  apply,
  pause,
  resume,
  drain,
  threshold,
  throttle,
  enqueue,
  mark,
  operations,
  policy,
  plans,
  approve,
  reject,
  hold,
  token,
  agents,
  doctor,
  server,
  login,
  config,
  completion,
  man,
  help,
]
