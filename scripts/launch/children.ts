import type { ChildProcess } from 'node:child_process'

const running = new Set<ChildProcess>()

// One listener for all: each process with a listener of its own would be taken for a leak of listeners.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Kills a process when this one ends, by itself or by a signal that it handles. Returns the process. */
export function endWithThis<Child extends ChildProcess>(child: Child): Child {
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}
