/** A command of the demo and its expected result. */
export interface Step {
  /** The arguments of jobsctl. */
  argv: readonly string[]
  exitCode: number
  /** A pattern that the output must match. */
  output: RegExp
}

const step = (line: string, exitCode: number, output: RegExp): Step => ({ argv: line.split(' '), exitCode, output })

/** The commands of the demo, in order. The sample jobs are the same in each run. */
export const steps: readonly Step[] = [
  step('doctor', 0, /bounds +ok/),
  step('stats', 0, /embeddings\/default[\s\S]+, 120 quarantined: jobsctl requeue --all --dry-run/),
  step('stats --domain chatbooks', 0, /^chatbooks\/low +import/m),
  step('prune --domain chatbooks --older-than 30d --dry-run', 0, /of 760 finished jobs would be deleted/),
  step('prune --domain chatbooks --older-than 30d', 3, /refusing to change anything without --yes/),
  step('prune --domain chatbooks --older-than 30d --max 100 --yes', 8, /above the limit of 100; nothing was changed/),
  step('prune --domain chatbooks --older-than 30d --yes', 0, /deleted \d+ jobs in chatbooks/),
  step('prune --domain chatbooks --older-than 30d --yes', 0, /nothing to do/),
  step('sweep --domain media --age 30d --runtime 2h --dry-run', 0, /would cancel \d+ jobs in media/),
  step('sweep --domain media --age 30d --runtime 2h --yes', 0, /^cancelled \d+ jobs in media$/m),
  step('requeue --domain chatbooks --dry-run', 0, /would requeue \d+ jobs in chatbooks/),
  step('requeue --domain chatbooks --yes', 0, /^requeued \d+ jobs in chatbooks$/m),
  step('integrity --all', 0, /lease held by a job that is not running[\s\S]+jobsctl integrity --all --fix/),
  step('integrity --all --fix --yes', 0, /^repaired \d+ jobs in all domains$/m),
  step('integrity --all', 0, /no job breaks an invariant/),
  step('stats', 0, /reports\/default +export/),
  step('operations', 0, /integrity[\s\S]+requeue +chatbooks +done[\s\S]+prune +chatbooks +done/),
  step('undo 1 --dry-run', 0, /would give back \d+ jobs of operation 1/),
  step('undo 1 --yes', 0, /^gave back \d+ jobs of operation 1$/m),
  step('hold list', 0, /\d+ jobs that undo \d+ gave back/),
  step('hold remove 1', 0, /hold 1/),
  step('prune --domain chatbooks --older-than 30d --dry-run --plan-out plan.json', 0, /finished jobs would be deleted/),
  step('apply plan.json', 3, /refusing to change anything without --yes/),
  step('apply plan.json --yes', 0, /^deleted \d+ jobs in chatbooks$/m),
  step('apply plan.json --yes', 6, /used this preview already/),
  step('operations 1', 0, /undone/),
  step('operations verify', 0, /every record is unaltered, none is missing/),
  step(
    'requeue --domain media --canary 5 --canary-wait 1s --yes',
    9,
    /5 queued after 1 s; the other \d+ jobs were not changed/,
  ),
  step('drain media/default --reason backup', 0, /^Draining media\/default\./m),
  step('queues', 0, /media\/default +draining/),
  step('enqueue media/default --job-type import', 6, /media\/default takes no new jobs/),
  step('resume media/default', 0, /^Resumed media\/default\./m),
  step('enqueue media/default --job-type import --priority 1', 0, /^Enqueued job \d+ in media\/default/m),
  step('events --domain media --limit 5', 0, /queue\.drained[\s\S]+queue\.resumed[\s\S]+job\.created/),
]

/** Commands that need a worker in embeddings/default. */
export const stepsWithWorker: readonly Step[] = [
  step(
    'requeue --domain embeddings --queue default --canary 5 --canary-wait 60s --yes',
    0,
    /^requeued \d+ jobs in embeddings\/default$/m,
  ),
]

/** The policy of the demo: one rule that prunes, and one that only tells what it would have done. */
export const policyText = `time_zone: Europe/Berlin
at: 15 3 * * *
rules:
  reports-finished:
    domain: reports
    prune: { status: [completed, cancelled], older_than: 30d }
  media-failed:
    domain: media
    prune: { status: [failed], older_than: 60d }
    mode: report
`

/** Retention as a policy, which the server runs itself. */
export const policySteps: readonly Step[] = [
  step('policy check policy.yaml', 0, /reports-finished +prune completed, cancelled older than 30d/),
  step('policy simulate policy.yaml --last 7d', 0, /reports-finished/),
  step('policy diff policy.yaml', 0, /added +reports-finished +does/),
  step('policy apply policy.yaml --reason retention --yes', 0, /^Applied 2 rules/m),
]

/** After the first night. */
export const nightSteps: readonly Step[] = [
  step('policy show', 0, /reports-finished[\s\S]+\d+ changed[\s\S]+would have changed \d+/),
]

/** A queue stands still: why, and what is done about it. */
export const incidentSteps: readonly Step[] = [
  step('stats --domain orders', 0, /orders\/mail +receipt +240/),
  step('explain orders/mail', 0, /queue paused[\s\S]+jobsctl resume orders\/mail/),
  step('explain orders/mail --at 10m', 0, /paused/),
  step('resume orders/mail --reason over', 0, /^Resumed orders\/mail\./m),
  step('workers --domain orders', 0, /mailer-1/),
  step('reclaim --domain orders --worker mailer-* --yes', 0, /30 jobs/),
  step('clusters --domain orders', 0, /120 +.*ECONNREFUSED|ECONNREFUSED.*120/),
  step(
    'edit --domain orders --error-code address --set payload.to=desk@example.com --then retry --dry-run',
    0,
    /would edit 10 jobs/,
  ),
  step(
    'edit --domain orders --error-code address --set payload.to=desk@example.com --then retry --yes',
    0,
    /^edited 10 jobs/m,
  ),
  step('operations --domain orders', 0, /edit +orders +done[\s\S]+reclaim +orders +done/),
  step(
    'retry --domain orders --error-code smtp --canary 5 --canary-wait 1s --yes',
    9,
    /5 queued after 1 s; the other 115 jobs were not changed/,
  ),
  step('undo 16 --yes', 0, /^gave back 5 jobs of operation 16$/m),
]
