import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'

const running = new Set<ChildProcess>()
let keeper: Writable | undefined

/**
 * Kills the programs that still run when its stdin ends. Vitest ends a process of tests by a signal, after which that process runs
 * nothing more, and a program that a test has frozen cannot end itself.
 */
const keeperScript = `
alive=' '
while read -r what pid; do
  case $what in
    started) alive="$alive$pid " ;;
    ended) alive="\${alive%% $pid *} \${alive#* $pid }" ;;
  esac
done
kill -9 $alive`

/** Kills a program that still runs at the end of the test file, or at the end of this process, however the process ends. */
export function endWithTests(child: ChildProcess): void {
  const { pid } = child
  if (pid === undefined) return
  keeper ??= startKeeper()
  const stdin = keeper
  running.add(child)
  stdin.write(`started ${pid}\n`)
  child.once('exit', () => {
    running.delete(child)
    stdin.write(`ended ${pid}\n`)
  })
}

/** The shell has a session of its own: Ctrl-C at a terminal reaches all other programs of the tests. */
function startKeeper(): Writable {
  const shell = spawn('sh', ['-c', keeperScript], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  shell.unref()
  return shell.stdin
}

/** Kills the programs that still run, and waits for their ends. */
export async function endPrograms(): Promise<void> {
  const ends = [...running].map((child) => once(child, 'exit'))
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(ends)
}
