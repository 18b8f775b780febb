#!/usr/bin/env node
import { quickAnswer } from './quick-answer.ts'

// A reader that closes early, such as `head`, is not a failure, and stops nothing that is under way.
let outGone = false
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  outGone = true
  if (error.code === 'EPIPE') return
  process.stderr.on('error', () => {})
  process.stderr.write(`error: cannot write to stdout: ${error.code}; what the command did stands\n`)
  process.once('exit', (code) => {
    if (code === 0) process.exitCode = 1
  })
})

const argv = process.argv.slice(2)
const quick = quickAnswer(argv)
if (quick === undefined) void import('./edge.ts').then(({ run }) => run(argv, () => outGone))
else process.stdout.write(quick)
