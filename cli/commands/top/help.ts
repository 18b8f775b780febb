const pauseLine = '  p                pause the queue of the chosen group, or resume it: asks why'

/** The keys and the columns, at most 78 columns wide. */
const helpLines = [
  'jobsctl top: the groups of jobs, live',
  '',
  '  up, down, k, j   choose a group; also Page Up, Page Down, Home and End',
  '  /                show only groups whose name has a text; Esc shows all again',
  '  s                sort: busiest, queued, processing, quarantined, oldest, name',
  pauseLine,
  '  ?                this page',
  '  q                quit; also Ctrl-C',
  '',
  '  SCHED   queued for later        PROC   running now',
  '  QUAR    quarantined: the same failure too often in a row',
  '  UNMAPD  of a mapped table: their state is not in the map',
  '  IN/S    jobs a second that came in or came back, over the last 10 seconds',
  '  OUT/S   jobs a second that were completed, failed, cancelled, quarantined',
  '  OLDEST  how long the job that has waited longest could have run',
  '',
  '  A rate that cannot be known has a dash: jobs came or went in plain SQL,',
  '  without an event. The bars are queued jobs, second by second.',
  '',
  'any key goes back',
]

/** The page of a server, without the keys of what its engines cannot. */
export const helpFor = ({ canPause }: { canPause: boolean }): readonly string[] =>
  helpLines.filter((line) => canPause || line !== pauseLine)
