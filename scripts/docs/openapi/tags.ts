/** What the calls of each room of `shared/` are about. */
const rooms: Readonly<Record<string, string>> = {
  work: 'Enqueue, lease, renew and end jobs: what applications and workers call.',
  jobs: 'Look at jobs.',
  queues: 'Queues: counts, stops, limits, workers.',
  explain: 'Why jobs and queues do not run.',
  history: 'What became of jobs over time, and marks of moments.',
  changes: 'Changes of many jobs.',
  records: 'What was changed: records, events, the archive, holds.',
  plans: 'Changes that a second person approves.',
  policy: 'Changes at set times.',
  access: 'Who calls: tokens, sessions, callers.',
  engine: 'Which engine runs the jobs.',
  doctor: 'What an operator checks of the database.',
  server: 'Probes, and this document.',
}

/** The tags of the document, in the order in which a reader needs them. */
export const tags = Object.entries(rooms).map(([name, description]) => ({ name, description }))
